"""Stripe's objects as plain data: what is unknown is taken carefully, what is personal is left out."""

import json
from typing import Any
from uuid import UUID

import pytest

from services.payment.domain import DisputeState, RefundState
from services.payment.gateways import stripe_reading as reading
from shared.errors import Permanent

METADATA = {
    "payable_id": "0199a4e2-6f7c-7c31-9d0e-3a52c1f4b7a9",
    "booking_id": "0199a4e2-6f7c-7c31-9d0e-3a52c1f4b7aa",
    "attempt": "2",
}


def session(**changes: Any) -> dict[str, Any]:
    """A paid session."""
    values = {
        "id": "cs_1",
        "status": "complete",
        "payment_status": "paid",
        "url": None,
        "payment_intent": "pi_1",
        "amount_total": 119_000,
        "currency": "eur",
        "metadata": METADATA,
        "customer_details": {"email": "marker@example.com", "name": "Marker"},
    }
    return {**values, **changes}


def test_only_complete_and_paid_is_paid() -> None:
    at = reading.moment(0)
    assert reading.session_facts(session(), at=at).paid
    for changes in (
        {"payment_status": "unpaid"},
        {"status": "open"},
        {"payment_status": "no_payment_required"},
    ):
        assert not reading.session_facts(session(**changes), at=at).paid


def test_late_money_that_did_not_arrive_is_told_from_money_on_its_way() -> None:
    at = reading.moment(0)
    for status, failed in (("processing", False), ("requires_payment_method", True), ("canceled", True)):
        facts = reading.session_facts(
            session(payment_status="unpaid", payment_intent={"id": "pi_1", "status": status}), at=at
        )
        assert facts.failed is failed
        assert facts.stripe_payment_intent_id == "pi_1"


def test_the_moment_of_payment_is_stripes() -> None:
    intent = {"id": "pi_1", "status": "succeeded", "latest_charge": {"id": "ch_1", "created": 100}}
    facts = reading.session_facts(session(payment_intent=intent), at=reading.moment(900))
    assert facts.at == reading.moment(100)


def test_what_others_made_in_the_account_is_not_ours() -> None:
    assert reading.ours(session()) is not None
    for metadata in (
        {},
        None,
        {"payable_id": "x"},
        {**METADATA, "booking_id": "x"},
        {**METADATA, "attempt": "x"},
    ):
        assert reading.ours(session(metadata=metadata)) is None
    assert reading.ours(session(metadata={**METADATA})).payable_id == UUID(METADATA["payable_id"])  # type: ignore[union-attr]  # checked above


def test_a_status_nobody_knows_is_taken_carefully() -> None:
    thing = {
        "id": "x",
        "payment_intent": "pi_1",
        "amount": 1,
        "currency": "eur",
        "created": 1,
        "status": "new",
    }
    assert reading.refund_facts(thing).state is RefundState.PENDING
    assert reading.dispute_facts(thing, at=reading.moment(1)).state is DisputeState.OPEN


def test_a_refusal_names_the_banks_reason() -> None:
    at = reading.moment(1)
    errors = [
        ({"decline_code": "lost_card", "code": "card_declined"}, "lost_card"),
        ({"code": "expired_card"}, "expired_card"),
        (None, "payment_refused"),
    ]
    for error, reason in errors:
        intent = {"last_payment_error": error, "metadata": METADATA}
        assert reading.refusal_facts(intent, at=at).reason == reason


def event(**changes: Any) -> str:
    return json.dumps({"id": "evt_1", "type": "t", "created": 1, "data": {"object": {}}, **changes})


NO_EVENTS = {
    "nothing": "",
    "a list": "[]",
    "an empty object": "{}",
    "without an object": event(data={"object": 1}),
    # Each of these moments is another error of the library's.
    "a moment beyond the clock": event(created=1e20),
    "a moment beyond the system": event(created=1e17),
    "a moment beyond the calendar": event(created=1e12),
    "a moment without end": event(created=float("inf")),
    "a moment that is no number": event(created=float("nan")),
    "nested without end": "[" * 100_000,
    "an id that is a number": event(id=5),
    "an id that no database stores": event(id="evt_\0"),
    "a type that no text is": event(type="\ud800"),
    "an id without end": event(id="e" * 256),
}


@pytest.mark.parametrize("case", NO_EVENTS)
def test_what_is_no_event_is_refused_for_good(case: str) -> None:
    with pytest.raises(Permanent):
        reading.read_event(NO_EVENTS[case])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (event(created=1e20), ("evt_1", "t")),
        ('{"id": "evt_1"}', ("evt_1", None)),
        (event(id="evt_\0", type=["t"]), (None, None)),
        ("[]", (None, None)),
        ("nonsense", (None, None)),
        ("[" * 100_000, (None, None)),
    ],
)
def test_what_is_no_event_may_say_which_it_would_be(body: str, said: tuple[str | None, str | None]) -> None:
    assert reading.named(body) == said


def test_nothing_personal_is_kept() -> None:
    event = {
        "id": "evt_1",
        "type": "checkout.session.completed",
        "created": 1,
        "data": {"object": session(billing_details={"name": "Marker"}, custom_fields=[{"text": "Marker"}])},
    }
    kept = reading.redacted(json.dumps(event))
    assert "arker" not in kept
    thing = json.loads(kept)["data"]["object"]
    assert (thing["id"], thing["amount_total"], thing["metadata"]) == ("cs_1", 119_000, METADATA)
    assert reading.redacted("nonsense") == "{}"


def test_events_are_found_by_every_id_they_name() -> None:
    event = reading.read_event(
        json.dumps(
            {
                "id": "evt_1",
                "type": "x",
                "created": 1,
                "data": {"object": {**session(), "charge": {"id": "ch_1"}, "latest_charge": "\0"}},
            }
        )
    )
    assert set(reading.references_of(event)) == {
        "cs_1",
        "pi_1",
        "ch_1",
        METADATA["payable_id"],
        METADATA["booking_id"],
    }
