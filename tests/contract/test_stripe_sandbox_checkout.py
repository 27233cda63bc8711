"""Checkout Sessions through the unmodified library."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import requests
import stripe

from shared.clock import FrozenClock
from tests.support.stripe_sandbox import Running, receiving, running, wait_until

NOW = datetime(2027, 3, 1, 9, 0, 0, 500_000, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
def sandbox(clock: FrozenClock) -> Iterator[Running]:
    with running(clock=clock) as sandbox:
        yield sandbox


def item(**price_data: Any) -> dict[str, Any]:
    """A line item with changes to its price."""
    price = {"currency": "eur", "unit_amount": 12000, "product_data": {"name": "Seat"}, **price_data}
    return {"price_data": price, "quantity": 1}


def test_a_new_session_is_open_unpaid_and_has_a_page(sandbox: Running) -> None:
    session = sandbox.open_session(
        client_reference_id="booking-7",
        customer_email="ann@example.com",
        metadata={"payable_id": "7"},
        payment_intent_data={"metadata": {"payable_id": "7"}},
        expires_at=SECONDS + 31 * 60,
        submit_type="book",
        locale="auto",
        adaptive_pricing={"enabled": False},
        custom_text={"submit": {"message": "Held until ten."}},
    )
    assert session.custom_text.submit is not None
    assert session.custom_text.submit.message == "Held until ten."
    assert "Held until ten." in requests.get(str(session.url), timeout=10).text
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_total, session.amount_subtotal, session.currency) == (24000, 24000, "eur")
    assert session.url == f"{sandbox.url}/c/pay/{session.id}"
    assert session.id.startswith("cs_test_")
    assert (session.client_reference_id, session.metadata and session.metadata["payable_id"]) == (
        "booking-7",
        "7",
    )
    assert session.customer_email == "ann@example.com"
    assert (session.created, session.expires_at) == (SECONDS, SECONDS + 31 * 60)
    assert "payment_intent_data" not in session
    assert session.to_dict() == sandbox.client.v1.checkout.sessions.retrieve(session.id).to_dict()


def test_a_session_lives_a_day_unless_told_otherwise(sandbox: Running) -> None:
    assert sandbox.open_session().expires_at == SECONDS + 86400


@pytest.mark.parametrize(
    ("seconds", "accepted"), [(1799, False), (1800, True), (86400, True), (86401, False), (-5, False)]
)
def test_expiry_is_half_an_hour_to_a_day_away_by_the_sandbox_clock(
    sandbox: Running, seconds: int, accepted: bool
) -> None:
    if accepted:
        assert sandbox.open_session(expires_at=SECONDS + seconds).expires_at == SECONDS + seconds
        return
    error = sandbox.refusal(lambda: sandbox.open_session(expires_at=SECONDS + seconds))
    assert isinstance(error, stripe.InvalidRequestError)
    assert error.param == "expires_at"


def test_a_session_expires_by_itself_within_a_second(clock: FrozenClock) -> None:
    with receiving() as receiver, running(clock=clock, webhook_url=receiver.url) as sandbox:
        session = sandbox.open_session(expires_at=SECONDS + 1800)
        clock.advance(timedelta(seconds=1799))
        assert sandbox.client.v1.checkout.sessions.retrieve(session.id).status == "open"
        clock.advance(timedelta(seconds=1))
        # Nobody asks: the event must come all the same.
        wait_until(lambda: receiver.types() == ["checkout.session.expired"], seconds=1)


def test_a_read_sees_an_expiry_at_once(clock: FrozenClock) -> None:
    with running(clock=clock, background=False) as sandbox:
        session = sandbox.open_session(expires_at=SECONDS + 1800)
        clock.advance(timedelta(seconds=1800))
        found = sandbox.client.v1.checkout.sessions.retrieve(session.id)
        assert (found.status, found.url, found.payment_status) == ("expired", None, "unpaid")
        events = sandbox.client.v1.events.list({"type": "checkout.session.expired"})
        assert [event.data.object.id for event in events.data] == [session.id]


def test_a_session_can_be_expired_once(sandbox: Running) -> None:
    session = sandbox.open_session()
    expired = sandbox.client.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    error = sandbox.refusal(lambda: sandbox.client.v1.checkout.sessions.expire(session.id))
    assert error.http_status == 400
    assert 'status in ["open"]' in str(error)
    paid = sandbox.pay()
    session = sandbox.client.v1.checkout.sessions.list({"payment_intent": str(paid.payment_intent)}).data[0]
    assert sandbox.refusal(lambda: sandbox.client.v1.checkout.sessions.expire(session.id)).http_status == 400


def test_metadata_is_merged_and_emptied(sandbox: Running) -> None:
    sessions = sandbox.client.v1.checkout.sessions
    session = sandbox.open_session(metadata={"a": "1", "b": "2"})

    def change(metadata: Any) -> dict[str, str]:
        updated = sessions.update(session.id, {"metadata": metadata})
        return dict((updated.metadata and updated.metadata.to_dict()) or {})

    assert change({"b": "3", "c": "4"}) == {"a": "1", "b": "3", "c": "4"}
    assert change({"a": ""}) == {"b": "3", "c": "4"}
    assert change("") == {}


def test_line_items_come_in_the_order_given_page_by_page(sandbox: Running) -> None:
    items = [item(product_data={"name": f"Seat {n}"}, unit_amount=1000 + n) for n in range(5)]
    session = sandbox.open_session(line_items=items)
    first = sandbox.client.v1.checkout.sessions.line_items.list(session.id, {"limit": 2})
    assert ([line.description for line in first.data], first.has_more) == (["Seat 0", "Seat 1"], True)
    assert [line.amount_total for line in first.auto_paging_iter()] == [1000, 1001, 1002, 1003, 1004]
    assert session.amount_total == 5010
    expanded = sandbox.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
    assert expanded.line_items is not None
    assert len(expanded.line_items.data) == 5


def test_lists_are_newest_first_filtered_and_paged(sandbox: Running, clock: FrozenClock) -> None:
    sessions = sandbox.client.v1.checkout.sessions
    made = []
    for _ in range(7):
        made.append(sandbox.open_session().id)
        clock.advance(timedelta(seconds=10))
    newest_first = list(reversed(made))
    page = sessions.list({"limit": 3})
    assert [session.id for session in page.data] == newest_first[:3]
    assert page.has_more
    assert [session.id for session in page.auto_paging_iter()] == newest_first
    back = sessions.list({"limit": 2, "ending_before": newest_first[4]})
    assert [session.id for session in back.data] == newest_first[2:4]
    period: Any = {"gte": SECONDS + 20, "lt": SECONDS + 40}
    assert [session.id for session in sessions.list({"created": period}).data] == [made[3], made[2]]
    sessions.expire(made[0])
    assert [session.id for session in sessions.list({"status": "expired"}).data] == [made[0]]
    error = sandbox.refusal(lambda: sessions.list({"starting_after": "cs_test_none"}))
    assert (error.http_status, error.code) == (400, "resource_missing")
    assert sandbox.refusal(lambda: sessions.list({"limit": 101})).http_status == 400


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"success_url": None}, "success_url", "parameter_missing"),
        ({"line_items": None}, "line_items", "parameter_missing"),
        ({"success_url": "javascript:alert(1)"}, "success_url", "url_invalid"),
        ({"customer_email": "nobody"}, "customer_email", "email_invalid"),
        ({"customer_email": ""}, "customer_email", "parameter_invalid_empty"),
        ({"line_items": [item(currency="EUR")]}, "line_items[0][price_data][currency]", None),
        (
            {"line_items": [item(unit_amount="12.50")]},
            "line_items[0][price_data][unit_amount]",
            "parameter_invalid_integer",
        ),
        (
            {"line_items": [item(unit_amount=-1)]},
            "line_items[0][price_data][unit_amount]",
            "parameter_invalid_integer",
        ),
        ({"line_items": [item(), item(currency="usd")]}, "line_items", None),
        ({"line_items": [item(unit_amount=49)]}, "line_items", "amount_too_small"),
        ({"line_items": [item(product_data={})]}, "line_items[0][price_data][product_data]", None),
        ({"metadata": {"k" * 41: "v"}}, "metadata", None),
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"line_items": [{**item(), "colour": "red"}]}, "line_items[0][colour]", "parameter_unknown"),
        ({"expires_at": "soon"}, "expires_at", "parameter_invalid_integer"),
    ],
)
def test_wrong_parameters_are_refused_by_name(
    sandbox: Running, changes: dict[str, Any], param: str, code: str | None
) -> None:
    error = sandbox.refusal(lambda: sandbox.open_session(**changes))
    assert isinstance(error, stripe.InvalidRequestError)
    assert (error.http_status, error.code) == (400, code) or code is None
    assert str(error.param).startswith(param)
    assert sandbox.client.v1.checkout.sessions.list().data == []


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "subscription"},
        {"allow_promotion_codes": True},
        {"adaptive_pricing": {"enabled": True}},
        {"customer": "cus_1"},
        {"ui_mode": "embedded_page"},
        {"line_items": [{"price": "price_1", "quantity": 1}]},
        {"line_items": [item(unit_amount=0)]},
    ],
)
def test_what_stripe_can_and_the_sandbox_cannot_is_said_aloud(
    sandbox: Running, changes: dict[str, Any]
) -> None:
    error = sandbox.refusal(lambda: sandbox.open_session(**changes))
    assert error.http_status == 501
    assert cast(Any, error.json_body)["error"]["code"] == "sandbox_not_implemented"


def test_an_unknown_session_is_missing(sandbox: Running) -> None:
    error = sandbox.refusal(lambda: sandbox.client.v1.checkout.sessions.retrieve("cs_test_none"))
    assert isinstance(error, stripe.InvalidRequestError)
    assert (error.http_status, error.code) == (404, "resource_missing")
    assert "No such checkout.session: 'cs_test_none'" in str(error)
