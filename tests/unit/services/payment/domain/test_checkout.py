"""An attempt to pay goes forward only, and never forgets a payment."""

import json
from datetime import UTC, datetime
from itertools import product
from uuid import uuid4

import pytest

from services.payment.domain import Checkout, CheckoutState
from services.payment.domain.checkout import LIVE, TRANSITIONS

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def attempt(state: CheckoutState = CheckoutState.REQUESTED) -> Checkout:
    """An attempt in a state."""
    return Checkout(
        payable_id=uuid4(),
        booking_id=uuid4(),
        attempt=1,
        parameters=json.dumps({"customer_email": "ada@example.com", "mode": "payment"}),
        requested_at=NOW,
        expires_at=NOW,
        state=state,
        url="https://checkout.stripe.com/c/pay/cs_1",
    )


@pytest.mark.parametrize(("before", "after"), list(product(CheckoutState, CheckoutState)))
def test_only_what_the_table_names_can_happen(before: CheckoutState, after: CheckoutState) -> None:
    checkout = attempt(before)

    changed = checkout.advance(after, NOW)

    assert changed == ((before, after) in TRANSITIONS)
    assert checkout.state is (after if changed else before)


def test_a_payment_is_never_forgotten() -> None:
    for state in CheckoutState:
        assert state is CheckoutState.COMPLETE or (state, CheckoutState.COMPLETE) in TRANSITIONS


def test_every_change_has_a_reason() -> None:
    assert all(len(reason) > 10 for reason in TRANSITIONS.values())


def test_an_attempt_that_is_over_leads_nowhere() -> None:
    assert attempt(CheckoutState.OPEN).live
    checkout = attempt(CheckoutState.OPEN)
    checkout.advance(CheckoutState.EXPIRED, NOW)
    assert not checkout.live
    assert checkout.url is None
    assert checkout.closed_at == NOW


def test_the_payers_address_goes_with_stripes_answer() -> None:
    checkout = attempt()
    assert checkout.stored_parameters()["customer_email"] == "ada@example.com"
    checkout.advance(CheckoutState.OPEN, NOW)
    assert checkout.stored_parameters() == {"mode": "payment"}


def test_the_key_is_the_same_for_every_repetition_and_another_for_every_attempt() -> None:
    first = attempt()
    assert first.idempotency_key == f"payable:{first.payable_id}:1"
    assert set(LIVE) == {CheckoutState.REQUESTED, CheckoutState.OPEN, CheckoutState.PROCESSING}
