"""The ops pages around a tiny service: look, search, retry, discard; people stay masked."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import inbox, outbox
from shared.db.moment import moment
from shared.ids import new_id
from shared.messaging.bus import Bus, BusUnavailable, Manifest, OutgoingMessage
from shared.messaging.desk import Desk
from shared.messaging.embedded_bus import EmbeddedBus
from shared.messaging.inbox import Failure, new_row, refer, store, store_dead
from shared.ops.depths import Depths
from shared.service import Service
from shared.web.app import create_web
from tests.support.demo_service import demo_service, sign_in, write_templates

PERSON = {"given_name": "Ada", "email": "ada@example.org", "nested": ["Lovelace"], "phone": None}
BOOKING = "018f0000-0000-7000-8000-00000000000b"
PAYLOAD = json.dumps(
    {"correlationid": "c-1", "data": {"booking_id": BOOKING, "person": PERSON, "note": "ask ada@example.org"}}
)
FAILURE = Failure(kind="failed", error="ValueError: no such workshop", fingerprint="f1")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """The demo service with one dead, one waiting and one unreadable message, and one to be published."""
    write_templates(tmp_path)
    service = demo_service(tmp_path)
    _bury(service, "dead-1")
    with write_connection(service.engine) as connection:
        store(connection, [_row("waiting-1")])
        store_dead(connection, {**_row("unreadable:ff"), "payload": None, "raw": b"\xff"}, FAILURE)
        said = new_id()
        connection.execute(
            outbox.insert().values(
                id=said, aggregatetype="booking", aggregateid=BOOKING, type="booking.placed.v1",
                payload=PAYLOAD, headers="{}", created_at=service.clock.now(),
            )
        )  # fmt: skip
        refer(connection, [(str(said), [BOOKING])])
    yield service
    service.engine.dispose()


def _bury(service: Service, message_id: str) -> None:
    """As it happens at one machine: the bus stores a message, the desk gives it up."""
    bus = EmbeddedBus(
        {"demo": service.settings.database_url},
        Manifest(subscriptions={"demo": frozenset({"booking.placed.v1"})}),
    )
    message = OutgoingMessage(message_id=message_id, type="booking.placed.v1", body=PAYLOAD.encode())
    bus.publisher().publish([message]).result(0)
    bus.close()
    assert Desk(service.transactions, service.reader, policy=service.policy, lease_seconds=60).step() == 1


def _row(message_id: str) -> dict[str, Any]:
    return new_row(
        consumer="bus", message_id=message_id, type="booking.placed.v1", payload=PAYLOAD, correlation_id="c-1"
    )


@pytest.fixture
def app(service: Service, tmp_path: Path) -> Flask:
    """Its web app."""
    return create_web(service, folder=tmp_path)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser, signed in as ops."""
    client = app.test_client()
    client.set_cookie("rostrum_staff", sign_in(app, "ops")[1])
    return client


def row_of(service: Service, message_id: str) -> Any:
    """The inbox row."""
    with read_connection(service.engine) as connection:
        return connection.execute(select(inbox).where(inbox.c.message_id == message_id)).one()


def send(client: FlaskClient, message_id: str, action: str, **fields: str) -> Any:
    """Press a button of the message's page."""
    page = client.get(f"/demo/ops/messages/bus/{message_id}").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    return client.post(
        f"/demo/ops/messages/bus/{message_id}/{action}", data={"csrf_token": token[1], **fields}
    )


def test_only_ops_and_admin_come_in(app: Flask) -> None:
    client = app.test_client()
    for path in ("", "/messages", "/messages/bus/dead-1", f"/published/{new_id()}"):
        client.delete_cookie("rostrum_staff")
        assert client.get(f"/demo/ops{path}").status_code == 303
        client.set_cookie("rostrum_staff", sign_in(app, "trainer", "finance")[1])
        assert client.get(f"/demo/ops{path}").status_code == 403


def test_overview_says_what_waits_and_what_failed(client: FlaskClient) -> None:
    text = client.get("/demo/ops").text
    assert "2 messages are dead" in text
    assert "ValueError: no such workshop" in text
    assert "/demo/ops/groups/f1?type=booking.placed.v1" in text
    assert "Unreadable: specversion" in text
    assert "1 dead" in text
    assert "Queue depths are not known" in text


def test_people_are_masked_everywhere(client: FlaskClient, service: Service) -> None:
    with read_connection(service.engine) as connection:
        said = connection.scalars(select(outbox.c.id)).one()
    for path in ("", "/messages/bus/dead-1", f"/published/{said}", f"/timeline?q={BOOKING}"):
        text = client.get(f"/demo/ops{path}").text
        for secret in ("Ada", "ada@", "Lovelace"):
            assert secret not in text, path
    shown = client.get("/demo/ops/messages/bus/dead-1").text
    assert "[masked]" in shown
    assert "booking_id" in shown
    assert "c-1" in shown


def test_search_finds_both_directions(client: FlaskClient) -> None:
    text = client.get(f"/demo/ops/messages?q={BOOKING}", follow_redirects=True).text
    assert "/demo/ops/messages/bus/dead-1" in text
    assert "/demo/ops/published/" in text
    assert "waiting-1" not in text
    assert "/demo/ops/messages/bus/waiting-1" in client.get("/demo/ops/timeline?q=waiting-1").text
    nothing = client.get("/demo/ops/timeline?q=%00'\"><b>").text
    assert "Ids are searched as a whole" in nothing
    assert "<b>" not in nothing


def test_filter_by_state_and_type(client: FlaskClient) -> None:
    waiting = client.get("/demo/ops/messages?state=received").text
    assert "/bus/waiting-1" in waiting
    assert "/bus/dead-1" not in waiting
    assert "No such messages" in client.get("/demo/ops/messages?state=failed").text
    assert "No such messages" in client.get("/demo/ops/messages?type=other.v1").text
    assert "/bus/dead-1" in client.get("/demo/ops/messages?state=nonsense&page=x").text


def test_retry_runs_it_again_and_reads_the_result_back(client: FlaskClient, service: Service) -> None:
    response = send(client, "dead-1", "retry")
    assert response.status_code == 303
    row = row_of(service, "dead-1")
    assert (row.state, row.attempts, row.note) == ("received", 0, "retried")
    assert row.actor.startswith("staff:")
    assert "It runs again now" in client.get(response.location).text
    with write_connection(service.engine) as connection:
        connection.execute(
            update(inbox).where(inbox.c.message_id == "dead-1").values(state="dead", failed_at=moment())
        )
    assert "It ran again and failed" in client.get(response.location).text
    with write_connection(service.engine) as connection:
        connection.execute(update(inbox).where(inbox.c.message_id == "dead-1").values(state="handled"))
    assert "It ran again and was handled" in client.get(response.location).text


def test_discard_needs_a_reason_and_keeps_it(client: FlaskClient, service: Service) -> None:
    refused = send(client, "dead-1", "discard", reason="  ")
    assert refused.status_code == 422
    assert "Enter a reason." in refused.text
    assert "<title>Error: " in refused.text
    assert row_of(service, "dead-1").state == "dead"
    response = send(client, "dead-1", "discard", reason="Refunded by hand")
    text = client.get(response.location).text
    assert "Refunded by hand" in text
    assert "Discarded" in text
    row = row_of(service, "dead-1")
    assert (row.state, row.note) == ("discarded", "Refunded by hand")
    assert "Ada" not in (row.payload or "")
    assert row.finished_at


def test_what_is_not_failed_cannot_be_touched(client: FlaskClient, service: Service) -> None:
    page = client.get("/demo/ops/messages/bus/waiting-1").text
    assert "Retry now" not in page
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/demo/ops/messages/bus/dead-1").text)
    assert token
    data = {"csrf_token": token[1], "reason": "x"}
    for action in ("retry", "discard"):
        assert client.post(f"/demo/ops/messages/bus/waiting-1/{action}", data=data).status_code == 409
        assert client.post(f"/demo/ops/messages/bus/nobody/{action}", data=data).status_code == 404
        assert client.post(f"/demo/ops/messages/bus/dead-1/{action}", data={}).status_code == 403
    assert row_of(service, "waiting-1").state == "received"


def test_unreadable_ones_can_only_be_discarded(client: FlaskClient) -> None:
    text = client.get("/demo/ops/messages/bus/unreadable:ff").text
    assert "Retry now" not in text
    assert "cannot be read" in text
    assert send(client, "unreadable:ff", "retry").status_code == 409
    assert send(client, "unreadable:ff", "discard", reason="a stranger's message").status_code == 303


class _Broker:
    """Answers what it is told to, one after the other."""

    def __init__(self, *answers: Mapping[str, int] | Exception) -> None:
        self.answers = list(answers)

    def depths(self) -> Mapping[str, int]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class TestDepths:
    def test_asks_seldom_and_survives_the_broker(self) -> None:
        moment_now = [0.0]
        broker = _Broker({"demo.inbox": 3}, BusUnavailable("away"), {"demo.inbox": 0})
        depths = Depths(lambda: cast(Bus, broker), now=lambda: moment_now[0])

        def after(seconds: float) -> Mapping[str, int] | None:
            moment_now[0] += seconds
            return depths.read()

        assert after(0) == {"demo.inbox": 3}
        assert after(4) == {"demo.inbox": 3}
        assert after(2) is None
        assert after(6) == {"demo.inbox": 0}
        assert broker.answers == []
