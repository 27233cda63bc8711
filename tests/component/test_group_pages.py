"""The pages about groups of failed messages: retry all, discard all, and the result read back on the same page."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from shared.db.engine import write_connection
from shared.db.kernel_tables import inbox
from shared.db.moment import moment
from shared.messaging.inbox import Failure, new_row, store_dead
from shared.service import Service
from shared.web.app import create_web
from tests.support.demo_service import demo_service, sign_in, write_templates

PAYLOAD = json.dumps({"data": {"booking_id": "b-1", "person": {"given_name": "Ada"}}})
FAILURE = Failure(kind="failed", error="ValueError: no <b>such</b> workshop", fingerprint="f1")
GROUP = "/demo/ops/groups/f1?type=booking.placed.v1"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Three messages that failed in the same way, and one of another type."""
    write_templates(tmp_path)
    service = demo_service(tmp_path)
    with write_connection(service.engine) as connection:
        for message_id in ("a", "b", "c"):
            store_dead(connection, row(message_id), FAILURE)
        store_dead(connection, row("z", "other.v1"), FAILURE)
    yield service
    service.engine.dispose()


def row(message_id: str, type: str = "booking.placed.v1", **more: Any) -> dict[str, Any]:
    return new_row(
        **{"consumer": "bus", "payload": PAYLOAD, "correlation_id": "c-1", **more},
        message_id=message_id,
        type=type,
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


def send(client: FlaskClient, action: str, **fields: str) -> Any:
    """Press a button of the group's page."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(GROUP).text)
    assert token
    data = {"csrf_token": token[1], "type": "booking.placed.v1", **fields}
    return client.post(f"/demo/ops/groups/f1/{action}", data=data)


def become(service: Service, **by_id: str) -> None:
    """What a worker made of them."""
    with write_connection(service.engine) as connection:
        for message_id, state in by_id.items():
            connection.execute(
                update(inbox)
                .where(inbox.c.message_id == message_id)
                .values(state=state, failed_at=moment(), error="KeyError: another reason")
            )


def words(page: str) -> str:
    """The page's text."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_overview_counts_what_failed_in_the_same_way(client: FlaskClient) -> None:
    text = client.get("/demo/ops").text
    assert "3 dead" in text
    assert GROUP in text
    assert "<b>such</b>" not in text
    assert "3 dead" in client.get("/demo/ops/groups").text


def test_a_group_shows_its_messages_and_no_people(client: FlaskClient) -> None:
    text = client.get(GROUP).text
    assert "Retry all 3 now" in text
    assert "Discard all 3" in text
    for message_id in ("a", "b", "c"):
        assert f"/demo/ops/messages/bus/{message_id}" in text
    assert "/demo/ops/messages/bus/z" not in text
    assert "Ada" not in text
    assert "live.js" not in text


def test_a_retry_reads_its_result_back_until_all_have_ended(client: FlaskClient, service: Service) -> None:
    answer = send(client, "retry")
    assert answer.status_code == 303
    text = client.get(answer.location).text
    assert "3 messages retried: 3 still to run" in words(text)
    assert "Nothing is in this group any more" in words(text)
    assert 'id="result"' in text
    assert "data-live>" in text
    assert "live.js" in text

    become(service, a="handled", b="failed")
    text = client.get(answer.location).text
    assert "3 messages retried: 1 still to run" in words(text)
    assert "Handled 1" in words(text)
    assert "Failed again 1" in words(text)
    assert "Waiting 1" in words(text)
    assert "KeyError: another reason" in text

    become(service, c="dead")
    text = client.get(answer.location).text
    assert "3 messages retried: 2 failed again" in words(text)
    assert "data-live>" not in text
    assert "live.js" not in text

    become(service, b="handled", c="handled")
    assert "3 messages retried, and all handled" in words(client.get(answer.location).text)
    # Without its number the page still says what was done.
    assert "What was done about it" in client.get(GROUP).text


def test_who_comes_second_is_told_so(client: FlaskClient, service: Service) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(GROUP).text)
    assert token
    data = {"csrf_token": token[1], "type": "booking.placed.v1", "reason": "x"}
    send(client, "retry")
    for action, said in (("retry", "Nothing was left to retry"), ("discard", "Nothing was left to discard")):
        late = client.post(f"/demo/ops/groups/f1/{action}", data=data)
        assert late.status_code == 303
        assert said in client.get(late.location).text


def test_a_discard_needs_a_reason_and_shows_it(client: FlaskClient) -> None:
    refused = send(client, "discard", reason=" ")
    assert refused.status_code == 422
    assert "Enter a reason." in refused.text
    assert "<title>Error: " in refused.text
    assert "Retry all 3 now" in refused.text
    answer = send(client, "discard", reason="Refunded by hand")
    text = words(client.get(answer.location).text)
    assert "3 messages discarded" in text
    assert "Refunded by hand" in text


def test_what_cannot_be_read_is_said_before_and_after(client: FlaskClient, service: Service) -> None:
    with write_connection(service.engine) as connection:
        store_dead(connection, row("blob", payload=None, raw=b"\xff"), FAILURE)
    text = words(client.get(GROUP).text)
    assert "1 cannot be read and will be left alone" in text
    assert "Retry all 3 now" in text
    assert "Discard all 4" in text
    answer = send(client, "retry")
    assert "1 cannot be read and was left alone" in words(client.get(answer.location).text)
    assert "Their bodies cannot be read" not in client.get(GROUP).text
    assert "Its body cannot be read, so it cannot run" in words(client.get(GROUP).text)


def test_hostile_addresses_find_nothing_and_break_nothing(client: FlaskClient) -> None:
    for address in (
        "/demo/ops/groups/f1",
        "/demo/ops/groups/f1?type=%00booking",
        "/demo/ops/groups/%00?type=<script>alert(1)</script>",
        "/demo/ops/groups/f1?type=other.v2&page=x&action=nonsense",
    ):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "Nothing is in this group" in answer.text
        assert "<script>alert" not in answer.text
    unknown = client.get(f"{GROUP}&action=018f0000-0000-7000-8000-000000000001")
    assert unknown.status_code == 404


def test_a_type_with_odd_characters_has_a_group_too(client: FlaskClient, service: Service) -> None:
    with write_connection(service.engine) as connection:
        store_dead(connection, row("odd", "a/b?c=d&e#f é"), FAILURE)
    addresses = re.findall(r'href="([^"]+/groups/f1[^"]+)"', client.get("/demo/ops").text)
    odd = [address.replace("&amp;", "&") for address in addresses if "%23f" in address]
    assert odd
    assert "/demo/ops/messages/bus/odd" in client.get(odd[0]).text
