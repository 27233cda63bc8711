"""A dispute's end does not depend on the order of its notices."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import uuid4

from services.payment.domain import Dispute, DisputeState, dispute_id_of
from services.payment.domain.dispute import FROM_STRIPE

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)

NOTICES = [
    (DisputeState.OPEN, NOW),
    (DisputeState.OPEN, NOW + timedelta(days=1)),
    (DisputeState.LOST, NOW + timedelta(days=2)),
    (DisputeState.WON, NOW + timedelta(days=3)),
]


def first(state: DisputeState, at: datetime) -> Dispute:
    """A dispute as its first notice makes it."""
    return Dispute(
        dispute_id=dispute_id_of("dp_1"),
        payment_id=uuid4(),
        booking_id=uuid4(),
        stripe_dispute_id="dp_1",
        amount_minor=1,
        currency="EUR",
        opened_at=NOW,
        state=state,
        state_at=at,
    )


def test_the_last_verdict_stands_in_every_order() -> None:
    for order in permutations(NOTICES):
        dispute = first(*order[0])
        for notice in order[1:]:
            dispute.advance(*notice)
        assert (dispute.state, dispute.state_at) == NOTICES[-1]


def test_of_two_verdicts_of_one_moment_lost_stands() -> None:
    for order in permutations([(DisputeState.WON, NOW), (DisputeState.LOST, NOW)]):
        dispute = first(*order[0])
        dispute.advance(*order[1])
        assert dispute.state is DisputeState.LOST


def test_a_repetition_is_no_change() -> None:
    dispute = first(DisputeState.OPEN, NOW)
    assert not dispute.advance(DisputeState.OPEN, NOW)
    assert dispute.advance(DisputeState.WON, NOW)
    assert dispute.closed_at == NOW
    assert not dispute.advance(DisputeState.WON, NOW)


def test_an_inquiry_freezes_as_well() -> None:
    assert FROM_STRIPE["warning_needs_response"] is DisputeState.OPEN
    assert FROM_STRIPE["warning_closed"] is DisputeState.WON
