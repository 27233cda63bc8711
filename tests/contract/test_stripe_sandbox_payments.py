"""Payments, refunds and disputes through the unmodified library and the hosted page."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import stripe

from tests.support.stripe_sandbox import Running, running

TYPED = {
    "email": "ann@example.com",
    "card_number": "4242 4242 4242 4242",
    "card_expiry": "12 / 34",
    "card_cvc": "123",
    "name": "Ann Example",
}


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running() as sandbox:
        yield sandbox


def submit(session: stripe.checkout.Session, **changes: str) -> requests.Response:
    """Send the form of the payment page."""
    assert session.url is not None
    return requests.post(session.url, {**TYPED, **changes}, allow_redirects=False, timeout=10)


def event_types(sandbox: Running) -> list[str]:
    """The types of all events, the oldest first."""
    return [str(event.type) for event in reversed(sandbox.client.v1.events.list({"limit": 100}).data)]


def test_a_paid_session_has_an_intent_and_a_charge_with_our_metadata(sandbox: Running) -> None:
    session = sandbox.open_session(
        payment_intent_data={"metadata": {"payable_id": "7"}}, metadata={"only": "here"}
    )
    answer = submit(session)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://127.0.0.1:9/pay/return/{session.id}"
    paid = sandbox.client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction"]}
    )
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.customer_details is not None
    assert (paid.customer_details.email, paid.customer_details.name) == ("ann@example.com", "Ann Example")
    intent: Any = paid.payment_intent
    assert (intent.status, intent.amount_received, intent.metadata.to_dict()) == (
        "succeeded",
        24000,
        {"payable_id": "7"},
    )
    charge = intent.latest_charge
    assert (charge.status, charge.paid, charge.captured, charge.amount) == ("succeeded", True, True, 24000)
    assert charge.metadata.to_dict() == {"payable_id": "7"}
    assert charge.payment_method_details.card.last4 == "4242"
    movement = charge.balance_transaction
    assert (movement.amount, movement.fee, movement.net) == (24000, 385, 23615)


def test_events_of_a_payment_come_in_stripes_order_and_know_their_moment(sandbox: Running) -> None:
    sandbox.pay()
    assert event_types(sandbox) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
        "charge.updated",
    ]
    events = {str(event.type): event for event in sandbox.client.v1.events.list().data}
    # Captured asynchronously: the fee is not known when the charge succeeds.
    assert events["charge.succeeded"].data.object.balance_transaction is None
    assert events["charge.updated"].data.object.balance_transaction.startswith("txn_")
    assert events["checkout.session.completed"].data.object.payment_status == "paid"
    assert events["payment_intent.created"].data.object.status == "requires_payment_method"
    assert {event.api_version for event in events.values()} == {"2026-10-28.endive"}


@pytest.mark.parametrize(
    ("card", "code", "decline_code", "message"),
    [
        ("4000000000000002", "card_declined", "generic_decline", "Your card was declined."),
        ("4000000000009995", "card_declined", "insufficient_funds", "insufficient funds"),
        ("4000000000000069", "expired_card", None, "expired"),
        ("4000056655665556", "card_declined", "test_mode_live_card", "non test card"),
    ],
)
def test_a_declined_card_charges_nothing_and_another_may_be_tried(
    sandbox: Running, card: str, code: str, decline_code: str | None, message: str
) -> None:
    session = sandbox.open_session()
    answer = submit(session, card_number=card)
    assert answer.status_code == 402
    assert message in answer.text
    assert TYPED["name"] in answer.text
    failed: Any = sandbox.client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge"]}
    )
    assert (failed.status, failed.payment_status) == ("open", "unpaid")
    intent = failed.payment_intent
    assert (intent.status, intent.last_payment_error.code) == ("requires_payment_method", code)
    assert getattr(intent.last_payment_error, "decline_code", None) == decline_code
    assert (intent.latest_charge.status, intent.latest_charge.paid) == ("failed", False)
    assert event_types(sandbox) == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
    ]
    assert submit(session).status_code == 303
    paid: Any = sandbox.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert paid.payment_intent.id == intent.id
    charges = sandbox.client.v1.charges.list({"payment_intent": intent.id}).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]


def test_a_session_is_paid_at_most_once(sandbox: Running) -> None:
    session = sandbox.open_session()
    assert submit(session).status_code == 303
    again = submit(session)
    assert again.status_code == 200
    assert "This has been paid" in again.text
    assert len(sandbox.client.v1.charges.list().data) == 1


def test_the_control_interface_can_make_a_wrong_payment(sandbox: Running) -> None:
    session = sandbox.open_session(client_reference_id="booking-7")
    sandbox.control(
        "pay", {"client_reference_id": "booking-7", "amount_override": 1, "currency_override": "usd"}
    )
    paid: Any = sandbox.client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge"]}
    )
    assert (paid.amount_total, paid.currency) == (1, "usd")
    assert (paid.payment_intent.amount_received, paid.payment_intent.latest_charge.currency) == (1, "usd")
    assert sandbox.control("pay", {"session": session.id}, status=400)["error"]["message"]
    assert sandbox.control("counters")["charges_by_reference"] == {"booking-7": 1}


def test_refunds_whole_and_partial_never_exceed_the_charge(sandbox: Running) -> None:
    refunds = sandbox.client.v1.refunds
    charge = sandbox.pay()
    part = refunds.create({"charge": charge.id, "amount": 4000, "reason": "requested_by_customer"})
    assert (part.status, part.amount, part.reason) == ("succeeded", 4000, "requested_by_customer")
    half_way = sandbox.client.v1.charges.retrieve(charge.id)
    assert (half_way.amount_refunded, half_way.refunded) == (4000, False)
    error = sandbox.refusal(lambda: refunds.create({"charge": charge.id, "amount": 20001}))
    assert (error.http_status, isinstance(error, stripe.InvalidRequestError)) == (400, True)
    rest = refunds.create({"payment_intent": str(charge.payment_intent), "metadata": {"why": "cancelled"}})
    assert rest.amount == 20000
    whole = sandbox.client.v1.charges.retrieve(charge.id)
    assert (whole.amount_refunded, whole.refunded) == (24000, True)
    error = sandbox.refusal(lambda: refunds.create({"charge": charge.id}))
    assert error.code == "charge_already_refunded"
    assert [r.id for r in refunds.list({"payment_intent": str(charge.payment_intent)}).data] == [
        rest.id,
        part.id,
    ]
    assert refunds.retrieve(part.id).amount == 4000
    assert event_types(sandbox)[5:] == ["refund.created", "charge.refunded", "refund.updated"] * 2


def test_a_bank_may_return_a_refund(sandbox: Running) -> None:
    charge = sandbox.pay()
    sandbox.control("refund/fail", {"charge": charge.id}, status=404)
    refund = sandbox.client.v1.refunds.create({"charge": charge.id})
    failed = sandbox.control("refund/fail", {"charge": charge.id})
    assert (failed["id"], failed["status"]) == (refund.id, "failed")
    assert sandbox.client.v1.refunds.retrieve(refund.id).failure_reason == "expired_or_canceled_card"
    there = sandbox.client.v1.charges.retrieve(charge.id)
    assert (there.amount_refunded, there.refunded) == (0, False)
    assert event_types(sandbox)[-2:] == ["refund.updated", "refund.failed"]
    sandbox.control("refund/fail", {"charge": charge.id}, status=400)
    assert sandbox.client.v1.refunds.create({"charge": charge.id}).status == "succeeded"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "parameter_missing"),
        ({"charge": "ch_none"}, "resource_missing"),
        ({"payment_intent": "pi_none"}, "resource_missing"),
        ({"charge": "ch_none", "amount": 0}, "parameter_invalid_integer"),
        ({"charge": "ch_none", "colour": "red"}, "parameter_unknown"),
    ],
)
def test_wrong_refunds_are_refused(sandbox: Running, params: Any, code: str) -> None:
    error = sandbox.refusal(lambda: sandbox.client.v1.refunds.create(params))
    assert (error.http_status, error.code) == (400, code)


def test_a_failed_charge_cannot_be_refunded(sandbox: Running) -> None:
    session = sandbox.open_session()
    charge = sandbox.control("pay", {"session": session.id, "card": "4000000000000002"})["charge"]
    assert (
        sandbox.refusal(lambda: sandbox.client.v1.refunds.create({"charge": charge["id"]})).http_status == 400
    )
    intent = charge["payment_intent"]
    assert (
        sandbox.refusal(lambda: sandbox.client.v1.refunds.create({"payment_intent": intent})).http_status
        == 400
    )


@pytest.mark.parametrize(("outcome", "status", "movements"), [("win", "won", 2), ("lose", "lost", 1)])
def test_a_dispute_takes_the_money_until_it_is_decided(
    sandbox: Running, outcome: str, status: str, movements: int
) -> None:
    charge = sandbox.pay()
    opened = sandbox.control("dispute/open", {"charge": charge.id, "reason": "fraudulent"})
    dispute = sandbox.client.v1.disputes.retrieve(opened["id"])
    assert (dispute.status, dispute.amount, dispute.reason) == ("needs_response", 24000, "fraudulent")
    assert (dispute.charge, dispute.payment_intent) == (charge.id, charge.payment_intent)
    assert sandbox.client.v1.charges.retrieve(charge.id).disputed
    error = sandbox.refusal(lambda: sandbox.client.v1.refunds.create({"charge": charge.id}))
    assert error.code == "charge_disputed"
    sandbox.control("dispute/open", {"charge": charge.id}, status=400)
    sandbox.control(f"dispute/{outcome}", {"charge": charge.id})
    closed = sandbox.client.v1.disputes.list({"charge": charge.id}).data[0]
    assert (closed.status, len(closed.balance_transactions)) == (status, movements)
    sandbox.control(f"dispute/{outcome}", {"dispute": dispute.id}, status=400)
    assert event_types(sandbox)[5:] == ["charge.dispute.created", "charge.dispute.closed"]
    if outcome == "win":
        assert sandbox.client.v1.refunds.create({"charge": charge.id}).status == "succeeded"


def test_the_balance_is_the_sum_of_its_movements(sandbox: Running) -> None:
    sandbox.control("refund", {"charge": sandbox.pay().id, "amount": 1000})
    lost, won = sandbox.pay().id, sandbox.pay().id
    for charge_id, outcome in ((lost, "lose"), (won, "win")):
        sandbox.control("dispute/open", {"charge": charge_id})
        sandbox.control(f"dispute/{outcome}", {"charge": charge_id})
    movements = sandbox.client.v1.balance_transactions.list({"limit": 100}).data
    assert sum(movement.net for movement in movements) == 3 * (24000 - 385) - 1000 - 24000 - 2 * 2000
    assert all(movement.net == movement.amount - movement.fee for movement in movements)
    reversal = sandbox.client.v1.balance_transactions.list({"type": "adjustment"}).data[0]
    assert reversal.reporting_category == "dispute_reversal"


def test_one_test_card_is_disputed_right_after_it_succeeded(sandbox: Running) -> None:
    assert submit(sandbox.open_session(), card_number="4000000000000259").status_code == 303
    assert [dispute.status for dispute in sandbox.client.v1.disputes.list().data] == ["needs_response"]


def test_intents_are_listed_and_retrieved(sandbox: Running) -> None:
    charges = [sandbox.pay() for _ in range(3)]
    intents = sandbox.client.v1.payment_intents.list().data
    assert [intent.latest_charge for intent in intents] == [charge.id for charge in reversed(charges)]
    assert sandbox.client.v1.payment_intents.retrieve(intents[0].id).amount == 24000
    assert (
        sandbox.refusal(lambda: sandbox.client.v1.payment_intents.retrieve("pi_none")).code
        == "resource_missing"
    )
