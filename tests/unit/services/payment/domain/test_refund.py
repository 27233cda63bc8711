"""A refund only goes forward."""

from datetime import UTC, datetime
from itertools import permutations
from uuid import uuid4

from services.payment.domain import Refund, RefundState, refund_id_of
from services.payment.domain.refund import FROM_STRIPE

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def pending() -> Refund:
    """A refund on its way."""
    return Refund(
        refund_id=refund_id_of("re_1"),
        payment_id=uuid4(),
        booking_id=uuid4(),
        stripe_refund_id="re_1",
        amount_minor=1,
        currency="EUR",
        occurred_at=NOW,
    )


def test_every_order_of_notices_ends_the_same() -> None:
    for order in permutations(RefundState):
        refund = pending()
        for state in order:
            refund.advance(state)
        assert refund.state is RefundState.FAILED


def test_a_repetition_is_no_change() -> None:
    refund = pending()
    assert not refund.advance(RefundState.PENDING)
    assert refund.advance(RefundState.SUCCEEDED)
    assert not refund.advance(RefundState.SUCCEEDED)


def test_cancelled_is_as_good_as_failed() -> None:
    assert FROM_STRIPE["canceled"] is RefundState.FAILED
    assert FROM_STRIPE["requires_action"] is RefundState.PENDING
