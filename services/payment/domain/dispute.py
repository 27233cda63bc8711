"""A dispute: the payer's bank takes the money back until it is decided who keeps it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.payment.domain.base import Base, reference
from services.payment.domain.payment import NAMESPACE
from shared.db.base import StateType


class DisputeState(StrEnum):
    """Where a dispute is."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


FROM_STRIPE: dict[str, DisputeState] = {
    "needs_response": DisputeState.OPEN,
    "under_review": DisputeState.OPEN,
    # An inquiry moves no money yet, but it announces that the payer doubts the charge.
    "warning_needs_response": DisputeState.OPEN,
    "warning_under_review": DisputeState.OPEN,
    "warning_closed": DisputeState.WON,
    # The money went back by a refund instead, which uncovers by itself.
    "prevented": DisputeState.WON,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
}


def dispute_id_of(stripe_dispute_id: str) -> UUID:
    """Our id of the dispute that Stripe calls by this id."""
    return uuid5(NAMESPACE, stripe_dispute_id)


class Dispute(MappedAsDataclass, Base, kw_only=True):
    """One dispute of one payment, keyed by Stripe's dispute: a payment may have several."""

    __tablename__ = "dispute"

    dispute_id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(reference("payment.payment_id"), index=True)
    booking_id: Mapped[UUID] = mapped_column(reference("booking_account.booking_id"), index=True)
    stripe_dispute_id: Mapped[str] = mapped_column(unique=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    opened_at: Mapped[datetime]
    state: Mapped[DisputeState] = mapped_column(StateType(DisputeState), default=DisputeState.OPEN)
    state_at: Mapped[datetime]
    closed_at: Mapped[datetime | None] = mapped_column(default=None)

    def advance(self, to: DisputeState, at: datetime) -> bool:
        """Take the newer state: closed beats open, the later of two verdicts stands, lost if they tie.

        Says whether the state changed; the answer does not depend on the order in which notices arrive.
        """
        if self._order(to, at) <= self._order(self.state, self.state_at):
            return False
        changed = to is not self.state
        self.state, self.state_at = to, at
        if to is not DisputeState.OPEN:
            self.closed_at = at
        return changed

    @staticmethod
    def _order(state: DisputeState, at: datetime) -> tuple[bool, datetime, bool]:
        return state is not DisputeState.OPEN, at, state is DisputeState.LOST
