"""What the API tells of payments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from services.payment.domain import BookingAccount, Dispute, Payable, Payment, PaymentState, Refund


@dataclass(frozen=True, kw_only=True)
class PaymentFilter:
    """Which payments are wanted; empty means all."""

    state: PaymentState | None = None
    booking_id: UUID | None = None
    query: str | None = None


def list_payments(
    session: Session, wanted: PaymentFilter, *, limit: int, offset: int
) -> Sequence[tuple[Payment, BookingAccount, Payable]]:
    """Payments with the booking they belong to and what was asked, newest first."""
    rows = session.execute(
        _joined()
        .where(*_conditions(wanted))
        .order_by(Payment.paid_at.desc(), Payment.payment_id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [(payment, account, payable) for payment, account, payable in rows]


def count_payments(session: Session, wanted: PaymentFilter) -> int:
    """How many payments a filter names."""
    query = (
        select(func.count())
        .select_from(Payment)
        .join(BookingAccount, BookingAccount.booking_id == Payment.booking_id)
        .where(*_conditions(wanted))
    )
    return session.scalar(query) or 0


def get_payment(
    session: Session, payment_id: UUID
) -> tuple[Payment, BookingAccount, Payable, Sequence[Refund], Sequence[Dispute]] | None:
    """One payment with its refunds and disputes."""
    found = session.execute(_joined().where(Payment.payment_id == payment_id)).first()
    if found is None:
        return None
    refunds = session.scalars(
        select(Refund).where(Refund.payment_id == payment_id).order_by(Refund.occurred_at)
    ).all()
    disputes = session.scalars(
        select(Dispute).where(Dispute.payment_id == payment_id).order_by(Dispute.opened_at)
    ).all()
    payment, account, payable = found
    return payment, account, payable, refunds, disputes


def _joined() -> Any:
    return (
        select(Payment, BookingAccount, Payable)
        .join(BookingAccount, BookingAccount.booking_id == Payment.booking_id)
        .join(Payable, Payable.payable_id == Payment.payable_id)
    )


def _conditions(wanted: PaymentFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        conditions.append(Payment.state == wanted.state)
    if wanted.booking_id is not None:
        conditions.append(Payment.booking_id == wanted.booking_id)
    if wanted.query:
        conditions.append(
            or_(
                BookingAccount.reference == wanted.query,
                Payment.stripe_payment_intent_id == wanted.query,
                Payment.stripe_charge_id == wanted.query,
                Payment.stripe_session_id == wanted.query,
            )
        )
    return conditions
