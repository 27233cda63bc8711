"""`Idempotency-Key`: one effect and one answer for a request that is sent twice."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, update

from services.enrollment import handlers
from services.enrollment.domain import WorkshopState
from shared.db import idempotency
from shared.db.engine import write_connection
from shared.db.kernel_tables import idempotency_key
from shared.messaging.embedded_bus import EmbeddedBus
from shared.messaging.subscriptions import TimerContext
from shared.worker import Worker
from tests.component.enrollment.browser import Browser
from tests.component.enrollment.shop import Shop
from tests.component.enrollment.test_api import API, body, fields_of, refusal

KEY = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"


@pytest.fixture
def post(shop: Shop) -> Callable[..., Any]:
    """POST /bookings by a program without an account."""
    client = Browser(shop).client

    def post(key: str | None, asked: dict[str, Any], **sent: Any) -> Any:
        return client.post(f"{API}/bookings", json=asked, headers={} if key is None else {KEY: key}, **sent)

    return post


def rows(shop: Shop) -> list[Any]:
    """What is kept, whole."""
    with shop.service.transactions.read() as session:
        return list(session.execute(select(idempotency_key)))


def test_the_same_request_again_gets_the_same_answer(shop: Shop, post: Callable[..., Any]) -> None:
    key, asked = str(uuid4()), body(shop.plan())
    first, again = post(key, asked), post(key, asked)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert shop.count("booking") == 1
    assert shop.workshop(UUID(asked["workshop_id"])).reserved == 1


def test_the_order_of_members_and_the_quotes_around_the_key_do_not_matter(
    shop: Shop, post: Callable[..., Any]
) -> None:
    key, asked = str(uuid4()), body(shop.plan())
    first = post(f'"{key}"', asked)
    again = post(key, dict(reversed(asked.items())))
    assert first.json == again.json
    assert shop.count("booking") == 1


@pytest.mark.parametrize("asked", ["as before", "an impossible one"])
def test_without_a_key_nothing_is_looked_at(shop: Shop, post: Callable[..., Any], asked: str) -> None:
    answer = post(None, body(shop.plan()) if asked == "as before" else {"payer_name": 7})
    assert refusal(answer) == (400, "idempotency_key_missing")
    assert answer.json["type"].endswith("/enrollment/docs/problems#idempotency-key-missing")
    assert fields_of(answer) == {KEY}
    assert shop.count("booking") == 0


@pytest.mark.parametrize(
    "key", ["", '""', " ", '"open', 'a"b', "a b", "a,b", "a;b", "k" * 256, f'"{"k" * 256}"', "schlüssel", '"\\x"']
)  # fmt: skip
def test_what_is_no_key_is_refused(shop: Shop, post: Callable[..., Any], key: str) -> None:
    answer = post(key, body(shop.plan()))
    assert refusal(answer) == (400, "idempotency_key_malformed")
    assert shop.count("booking") == 0


@pytest.mark.parametrize(
    "key", ["a", "k" * 255, '"with \\"quotes\\" and spaces"', "~!#$%&'()*+-./:<=>?@[]^_`{|}"]
)
def test_what_is_a_key_is_taken(shop: Shop, post: Callable[..., Any], key: str) -> None:
    assert post(key, body(shop.plan())).status_code == 201


def test_another_request_needs_another_key(shop: Shop, post: Callable[..., Any]) -> None:
    key, asked = str(uuid4()), body(shop.plan())
    post(key, asked)
    for other in (
        {**asked, "payer_email": "x@example.com"},
        {**asked, "locale": "de"},
        {**asked, "workshop_id": str(shop.plan())},
        {**asked, "expected_amount_minor": 100_001},
    ):
        answer = post(key, other)
        assert refusal(answer) == (422, "idempotency_key_reused")
    assert refusal(post(key, asked, query_string={"x": "1"})) == (422, "idempotency_key_reused")
    assert post(key, asked).status_code == 201
    assert shop.count("booking") == 1


def test_a_refusal_is_an_answer_too(shop: Shop, post: Callable[..., Any]) -> None:
    """Else the first of two copies is refused, and the second books seats for which nobody waits."""
    workshop_id = shop.plan(capacity=1)
    held = shop.book(workshop_id)
    key, asked = str(uuid4()), body(workshop_id)
    first = post(key, asked)
    assert refusal(first) == (409, "workshop_full")
    shop.clock.advance(shop.hold.hold_ends_at(held.pay_by) - shop.clock.now())
    shop.end_holds()
    again = post(key, asked)
    kept = {name: value for name, value in first.json.items() if name != "correlation_id"}
    assert {name: value for name, value in again.json.items() if name != "correlation_id"} == kept
    assert again.headers[REPLAYED] == "true"
    assert post(str(uuid4()), asked).status_code == 201
    assert refusal(post(key, body(workshop_id, locale="de"))) == (422, "idempotency_key_reused")


def test_what_no_schema_takes_uses_no_key_up(shop: Shop, post: Callable[..., Any]) -> None:
    key, workshop_id = str(uuid4()), shop.plan()
    assert fields_of(post(key, body(workshop_id, payer_name=""))) == {"payer_name"}
    assert post(key, body(workshop_id)).status_code == 201


def test_a_failure_of_ours_uses_no_key_up(
    shop: Shop, post: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    key, asked = str(uuid4()), body(shop.plan())
    with monkeypatch.context() as broken:
        broken.setattr(idempotency, "keep", _fail)
        assert post(key, asked).status_code == 500
    assert (shop.count("booking"), shop.count("idempotency_key"), shop.count("outbox")) == (0, 0, 0)
    assert post(key, asked).status_code == 201


def _fail(*_: Any) -> None:
    raise RuntimeError("no row, no effect")


def test_while_the_first_request_is_at_work_the_second_waits_outside(
    shop: Shop, post: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    key, asked = str(uuid4()), body(shop.plan())
    place, working, go_on = handlers.place_booking, threading.Event(), threading.Event()

    def slowly(*given: Any) -> Any:
        working.set()
        assert go_on.wait(10)
        return place(*given)

    monkeypatch.setattr(handlers, "place_booking", slowly)
    answers: list[Any] = []
    first = threading.Thread(target=lambda: answers.append(sent(app, key, asked)))
    app = Browser(shop).app
    first.start()
    assert working.wait(10)
    second = sent(app, key, asked)
    assert refusal(second) == (409, "idempotency_key_in_use")
    assert second.headers["Retry-After"] == "1"
    go_on.set()
    first.join(10)
    third = sent(app, key, asked)
    assert (answers[0].status_code, third.status_code) == (201, 201)
    assert answers[0].json == third.json


def sent(app: Any, key: str, asked: dict[str, Any]) -> Any:
    return app.test_client().post(f"{API}/bookings", json=asked, headers={KEY: key})


def test_a_key_belongs_to_its_caller_and_its_address(shop: Shop) -> None:
    workshops = [shop.plan(), shop.plan()]
    shop.clock.advance(timedelta(days=9))
    trainer, stranger = Browser(shop, staff_id=shop.trainer_id), Browser(shop, staff_id=uuid4())
    key = str(uuid4())

    def complete(browser: Browser, workshop_id: UUID) -> Any:
        address = f"{API}/workshops/{workshop_id}/completion"
        return browser.client.post(address, headers={**browser.headers, KEY: key})

    assert refusal(complete(stranger, workshops[0])) == (403, "not_your_workshop")
    first = complete(trainer, workshops[0])
    assert first.status_code == 200
    assert complete(trainer, workshops[0]).json == first.json
    assert complete(trainer, workshops[1]).status_code == 200
    assert {shop.workshop(each).state for each in workshops} == {WorkshopState.COMPLETED}
    assert refusal(complete(stranger, workshops[0])) == (403, "not_your_workshop")
    assert shop.count("idempotency_key") == 2
    # Without the key the state alone speaks.
    address = f"{API}/workshops/{workshops[0]}/completion"
    assert trainer.client.post(address, headers=trainer.headers).status_code == 409


def test_nothing_about_people_is_kept(shop: Shop, post: Callable[..., Any]) -> None:
    asked = body(shop.plan(capacity=1))
    for key in ("charles@example.com", "ada@example.com"):
        post(key, asked)
    kept = rows(shop)
    assert {row.outcome for row in kept} == {"done", "refused"}
    text = str(kept)
    for mark in ("Charles", "Babbage", "Ada", "Lovelace", "example.com", "token", "/pay/"):
        assert mark not in text


def test_after_a_day_a_key_is_forgotten_and_not_before(shop: Shop, post: Callable[..., Any]) -> None:
    old, young, asked = str(uuid4()), str(uuid4()), body(shop.plan())
    first, second = post(old, asked), post(young, asked)
    ids = {row.answer: row.id for row in rows(shop)}
    for answer, age in ((first, timedelta(hours=24, minutes=1)), (second, timedelta(hours=23, minutes=59))):
        (request_id,) = (ids[kept] for kept in ids if answer.json["booking_id"] in kept)
        with write_connection(shop.service.engine) as connection:
            connection.execute(
                update(idempotency_key)
                .where(idempotency_key.c.id == request_id)
                .values(created_at=datetime.now(UTC) - age)
            )
    keep_house(shop)
    assert post(young, asked).json == second.json
    assert post(old, asked).json["booking_id"] != first.json["booking_id"]


def test_any_number_of_old_keys_goes_at_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "_BATCH", 2)
    long_ago = {
        "fingerprint": "",
        "outcome": "done",
        "answer": "{}",
        "created_at": datetime.now(UTC) - timedelta(days=2),
    }
    with write_connection(shop.service.engine) as connection:
        connection.execute(insert(idempotency_key), [{"id": str(n), **long_ago} for n in range(5)])
    assert idempotency.forget(shop.service.transactions) == 5
    assert shop.count("idempotency_key") == 0


def test_a_new_signing_key_forgets_no_request(shop: Shop, post: Callable[..., Any]) -> None:
    key, asked = str(uuid4()), body(shop.plan())
    first = post(key, asked)
    settings = shop.service.settings
    object.__setattr__(settings, "link_keys", ("a newer key for links, of some length", *settings.link_keys))
    again = post(key, asked)
    assert (again.status_code, again.json["booking_id"]) == (201, first.json["booking_id"])


def keep_house(shop: Shop) -> None:
    """What the worker's housekeeping does."""
    service = shop.service
    files = dict.fromkeys(service.manifest.subscriptions, str(service.engine.url))
    worker = Worker(service, bus=EmbeddedBus(files, service.manifest))
    (timer,) = (timer for timer in worker._timers if timer.name == "housekeeping")
    timer.run(TimerContext(service=service, transactions=service.transactions, clock=service.clock))
    worker.stop(0)
