"""A refund: money on its way back to the payer."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.payment.domain.base import Base, reference
from services.payment.domain.payment import NAMESPACE
from shared.db.base import StateType


class RefundState(StrEnum):
    """Where a refund is. Only `succeeded` takes money away from what covers the seats."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


_RANK = {RefundState.PENDING: 0, RefundState.SUCCEEDED: 1, RefundState.FAILED: 2}
"""A refund only goes forward: a bank may return a refund that had succeeded, never the other way round."""

FROM_STRIPE: dict[str, RefundState] = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}


def refund_id_of(stripe_refund_id: str) -> UUID:
    """Our id of the refund that Stripe calls by this id."""
    return uuid5(NAMESPACE, stripe_refund_id)


class Refund(MappedAsDataclass, Base, kw_only=True):
    """One refund of one payment, keyed by Stripe's refund: a charge may be refunded in several parts."""

    __tablename__ = "refund"

    refund_id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(reference("payment.payment_id"), index=True)
    booking_id: Mapped[UUID] = mapped_column(reference("booking_account.booking_id"), index=True)
    stripe_refund_id: Mapped[str] = mapped_column(unique=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    occurred_at: Mapped[datetime]
    state: Mapped[RefundState] = mapped_column(StateType(RefundState), default=RefundState.PENDING)

    def advance(self, to: RefundState) -> bool:
        """Take the newer state; a notice of an older one changes nothing."""
        if _RANK[to] <= _RANK[self.state]:
            return False
        self.state = to
        return True
