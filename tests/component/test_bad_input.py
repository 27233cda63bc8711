"""Bad input from outside changes nothing: webhooks, messages, links and API calls."""

import json
import random
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
import stripe
from sqlalchemy import select

from shared.contracts.enrollment import BookingConfirmed, BookingPlaced
from shared.db.engine import read_connection
from shared.db.kernel_tables import inbox
from shared.messaging.bus import OutgoingMessage
from tests.support.in_process import Visitor, WholeSite
from tests.support.whole_story import Order, book, go_to_stripe, page, pay, pay_unnoticed, plan

SECRET = "whsec_sandbox"


@pytest.fixture(scope="module")
def order(shared_rostrum: WholeSite) -> Order:
    """A booking with a payment page."""
    return book(shared_rostrum, plan(shared_rostrum))


def sign(text: str, *, secret: str = SECRET, age: float = 0) -> str:
    """The header that Stripe would send `age` seconds ago."""
    made = stripe.WebhookSignature.generate_signature_header(text, secret, int(time.time() - age))
    return str(made)


def post(rostrum: WholeSite, text: str | bytes, signature: str) -> int:
    """Deliver a webhook; gives the status."""
    headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
    answer = rostrum.api("POST", "/webhooks/stripe", data=text, headers=headers)
    if answer.status_code == 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] in ("bad_signature", "not_an_event")
    return answer.status_code


def test_no_spoiled_webhook_is_written_down(rostrum: WholeSite) -> None:
    order = book(rostrum, plan(rostrum))
    pay_unnoticed(rostrum, order)
    event = next(e for e in rostrum.stripe.state()["event"] if e["type"] == "checkout.session.completed")
    text = json.dumps(event)
    good = sign(text)
    rostrum.prompt = False
    before = rostrum.everything()
    chance = random.Random(1)

    for age in (301, 3600, 86_400, -301, -3600):
        assert post(rostrum, text, sign(text, age=age)) == 400, age
    for signature in ("", "nonsense", sign(text, secret="whsec_other"), good.replace("v1=", "v0="), "t=,v1="):
        assert post(rostrum, text, signature) == 400, signature
    for _ in range(40):
        place = chance.randrange(len(text))
        mutated = text[:place] + chr(chance.randrange(32, 127)) + text[place + 1 :]
        assert mutated == text or post(rostrum, mutated, good) == 400, place
    for spoiled in (
        text[:-1],
        text + " ",
        text.replace("100000", "1"),
        "",
        "[]",
        "\ud83e".encode("utf-8", "replace"),
    ):
        assert post(rostrum, spoiled, good) == 400
    for place in range(len(good)):
        other = "0" if good[place] != "0" else "1"
        assert post(rostrum, text, good[:place] + other + good[place + 1 :]) == 400, place
    for nothing in ("nonsense", "[]", "{}", '{"id": "evt_1", "type": "x", "created": 1}', "null"):
        assert post(rostrum, nothing, sign(nothing)) == 400

    assert rostrum.everything() == before
    assert post(rostrum, text, good) == 200
    assert rostrum.everything() != before
    rostrum.carry()
    assert "Your booking is confirmed" in page(order.booking_url)


@pytest.mark.parametrize("mode", ["bad_signature", "stale"])
def test_what_the_sandbox_signs_wrong_is_refused_until_it_signs_right(rostrum: WholeSite, mode: str) -> None:
    order = book(rostrum, plan(rostrum))
    rostrum.stripe.pull("webhooks", mode=mode)
    pay(rostrum, order)
    deliveries = rostrum.stripe.state()["delivery"]
    attempts = [attempt["outcome"] for delivery in deliveries for attempt in delivery["attempts"]]
    assert set(attempts) == {"400"}
    assert "Your booking is confirmed" not in page(order.booking_url)

    rostrum.stripe.pull("webhooks", mode="normal")
    rostrum.pass_time(seconds=1)
    rostrum.deliver()
    assert "Your booking is confirmed" in page(order.booking_url)


SPOILED_SESSIONS: dict[str, dict[str, Any]] = {
    "payable id that is none": {"metadata": {"payable_id": "1", "booking_id": "2", "attempt": "1"}},
    "payable nobody knows": {
        "metadata": {"payable_id": str(uuid4()), "booking_id": str(uuid4()), "attempt": "1"}
    },
    "no amount": {"amount_total": None},
    "amount in words": {"amount_total": "a thousand"},
    "amount as text": {"amount_total": "100000"},
    "amount with a fraction": {"amount_total": 100000.5},
    "no status": {"status": None, "payment_status": None},
    "metadata of another kind": {"metadata": ["payable_id"]},
    "an intent of another kind": {"payment_intent": 7},
    "no time": {"payment_intent": {"latest_charge": {"created": "yesterday"}}},
}


@pytest.mark.parametrize("case", SPOILED_SESSIONS)
def test_a_signed_event_that_makes_no_sense_confirms_nothing(shared_rostrum: WholeSite, case: str) -> None:
    order = book(shared_rostrum, plan(shared_rostrum))
    session = {**_session(shared_rostrum, order), **SPOILED_SESSIONS[case]}
    event_id = f"evt_{uuid4().hex}"
    event = {
        "id": event_id,
        "type": "checkout.session.completed",
        "created": int(time.time()),
        "data": {"object": session},
    }
    text = json.dumps(event)
    assert post(shared_rostrum, text, sign(text)) == 200
    shared_rostrum.carry()

    row = _message(shared_rostrum, "payment", event_id)
    assert shared_rostrum.said(BookingConfirmed) == []
    assert row.state in ("dead", "failed", "handled")
    if row.state != "handled":
        assert row.payload == text
        assert row.error
    # The worker is alive: it hears of the next booking.
    assert _message(shared_rostrum, "payment", _heard_of(shared_rostrum)).state == "handled"


def _session(rostrum: WholeSite, order: Order) -> dict[str, Any]:
    asked = go_to_stripe(rostrum, order).url.rsplit("/", 1)[1]
    known = next(item for item in rostrum.stripe.state()["checkout.session"] if item["id"] == asked)
    return {
        **known,
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": f"pi_{uuid4().hex}",
        "amount_total": order.amount_minor,
        "currency": "eur",
        "url": None,
    }


@pytest.mark.parametrize(
    "garbage", ["not json {{", "[1]", '{"specversion": "1.0"}', "\x00", '{"data": ' * 2000]
)
def test_an_unreadable_message_is_dead_with_its_bytes_and_the_worker_lives(
    shared_rostrum: WholeSite, garbage: str
) -> None:
    message_id = str(uuid4())
    publisher = shared_rostrum.workers["enrollment"].bus.publisher()
    message = OutgoingMessage(message_id=message_id, type=BookingPlaced.TYPE, body=garbage.encode())
    publisher.publish([message]).result(timeout=5)
    shared_rostrum.carry()

    for service in ("payment", "certification"):
        row = _message(shared_rostrum, service, message_id)
        assert row.state == "dead"
        assert row.raw == garbage.encode() or row.payload == garbage
        assert "Unreadable" in row.error
    assert _message(shared_rostrum, "payment", _heard_of(shared_rostrum)).state == "handled"


def _heard_of(rostrum: WholeSite) -> str:
    """A new booking, and the message that told payment of it."""
    order = book(rostrum, plan(rostrum))
    rostrum.carry()
    with read_connection(rostrum.services["payment"].engine) as connection:
        query = select(inbox.c.message_id).where(inbox.c.payload.contains(str(order.booking_id)))
        (message_id,) = connection.scalars(query.where(inbox.c.type == BookingPlaced.TYPE)).all()
    return str(message_id)


def _message(rostrum: WholeSite, service: str, message_id: str) -> Any:
    with read_connection(rostrum.services[service].engine) as connection:
        return connection.execute(select(inbox).where(inbox.c.message_id == message_id)).one()


PAGES = {"booking": "/bookings/", "pay": "/pay/", "certificate": "/certificates/"}
EACH_PAGE = pytest.mark.parametrize("purpose", PAGES)


def subject(order: Order, purpose: str) -> UUID:
    """What the link is about."""
    return order.enrollment_ids[0] if purpose == "certificate" else order.booking_id


def visit(rostrum: WholeSite, path: str) -> Visitor:
    """Somebody follows a link."""
    visitor = Visitor()
    visitor.open(f"{rostrum.url}{path}")
    return visitor


@EACH_PAGE
def test_a_tampered_link_leads_to_a_page_that_says_what_to_do(
    shared_rostrum: WholeSite, order: Order, purpose: str
) -> None:
    token = shared_rostrum.token(purpose, subject(order, purpose))
    other = shared_rostrum.token("pay" if purpose != "pay" else "booking", subject(order, purpose))
    for spoiled in (token[:-1], token[:-1] + ("A" if token[-1] != "A" else "B"), "x", other, "." * 600):
        shown = visit(shared_rostrum, PAGES[purpose] + spoiled)
        assert shown.status == 404
        assert "This link does not work" in shown.text
        assert "Open it again from the e-mail, or copy the whole line" in shown.text


@EACH_PAGE
def test_a_revoked_link_leads_to_the_newer_one(shared_rostrum: WholeSite, order: Order, purpose: str) -> None:
    token = shared_rostrum.token(purpose, subject(order, purpose), version=0)
    shown = visit(shared_rostrum, PAGES[purpose] + token)
    assert shown.status == 410
    assert "Use the link in the newest e-mail you have from us" in shown.text


@EACH_PAGE
def test_a_genuine_link_to_something_unknown_asks_for_a_moment(
    shared_rostrum: WholeSite, purpose: str
) -> None:
    path = PAGES[purpose] + shared_rostrum.token(purpose, uuid4())
    shown = visit(shared_rostrum, path)
    assert shown.status == 202
    assert "One moment" in shown.text
    assert shown.answer.headers["Refresh"].startswith("2; url=?moment=1")

    at_last = visit(shared_rostrum, f"{path}?moment=30")
    assert "Refresh" not in at_last.answer.headers
    assert "quote" in at_last.text


def test_certificates_of_attendance_and_returns_say_what_to_do(
    shared_rostrum: WholeSite, order: Order
) -> None:
    token = shared_rostrum.token("certificate", order.enrollment_ids[0])
    early = visit(shared_rostrum, f"/certificates/{token}/attendance")
    assert early.status == 409
    assert "shows what is still missing" in early.text
    lost = visit(shared_rostrum, "/pay/return/cs_nobody_knows")
    assert lost.status == 404
    assert "Open your booking from the link in your e-mail" in lost.text
    unknown = visit(shared_rostrum, "/verify/ABCD-EFGH-JKLM")
    assert unknown.status == 404
    assert "Check it, letter by letter" in unknown.text
