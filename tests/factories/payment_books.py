"""The books of one booking for two seats, and the facts that may be told of its money."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from services.payment.domain import (
    BookingAccount,
    Books,
    Coverage,
    CoverageState,
    Dispute,
    DisputeState,
    Payable,
    PayableSeat,
    Payment,
    Refund,
    RefundState,
)

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
SPACE = UUID(int=7)
PRICE = 119_000
SEATS = [uuid5(SPACE, f"seat {number}") for number in range(2)]


def books(*, amount: int = PRICE) -> Books:
    """A booking for two seats, not paid yet."""
    booking_id, payable_id = uuid5(SPACE, "booking"), uuid5(SPACE, "payable")
    payable = Payable(
        booking_id=booking_id,
        currency="EUR",
        amount_minor=amount,
        pay_by=NOW,
        opened_at=NOW,
        payable_id=payable_id,
    )
    payable.seats = [
        PayableSeat(payable_id=payable_id, enrollment_id=seat, amount_minor=amount // 2) for seat in SEATS
    ]
    return Books(
        account=BookingAccount(booking_id=booking_id, heard_at=NOW, currency="EUR"),
        payables=[payable],
        coverages=[Coverage(enrollment_id=seat, booking_id=booking_id) for seat in SEATS],
    )


def pay(
    found: Books, name: str = "first", *, amount: int = PRICE, currency: str = "EUR", after: int = 0
) -> Payment:
    """Money comes in; the same payment again changes nothing."""
    payment_id = uuid5(SPACE, name)
    known = found.payment(payment_id)
    if known is None:
        known = Payment(
            payment_id=payment_id,
            payable_id=found.payables[0].payable_id,
            booking_id=found.account.booking_id,
            amount_minor=amount,
            currency=currency,
            paid_at=NOW + timedelta(minutes=after),
            recorded_at=NOW,
        )
        found.payments.append(known)
    return known


def refund(
    found: Books, name: str, state: RefundState, *, payment: str = "first", amount: int = PRICE
) -> None:
    """A notice of a refund."""
    refund_id = uuid5(SPACE, name)
    known = next((r for r in found.refunds if r.refund_id == refund_id), None)
    if known is None:
        known = Refund(
            refund_id=refund_id,
            payment_id=uuid5(SPACE, payment),
            booking_id=found.account.booking_id,
            stripe_refund_id=name,
            amount_minor=amount,
            currency="EUR",
            occurred_at=NOW,
        )
        found.refunds.append(known)
    known.advance(state)


def dispute(found: Books, name: str, state: DisputeState, at: int, *, payment: str = "first") -> None:
    """A notice of a dispute, as of minute `at`."""
    dispute_id, moment = uuid5(SPACE, name), NOW + timedelta(minutes=at)
    known = next((d for d in found.disputes if d.dispute_id == dispute_id), None)
    if known is None:
        found.disputes.append(
            Dispute(
                dispute_id=dispute_id,
                payment_id=uuid5(SPACE, payment),
                booking_id=found.account.booking_id,
                stripe_dispute_id=name,
                amount_minor=PRICE,
                currency="EUR",
                opened_at=NOW,
                state=state,
                state_at=moment,
            )
        )
    else:
        known.advance(state, moment)


def states(found: Books) -> set[CoverageState]:
    """The coverage of the seats after judging."""
    found.settle(NOW)
    return {coverage.state for coverage in found.coverages}
