"""A checkout: one attempt to let the payer pay on Stripe's page."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.payment.domain.base import Base, reference
from shared.db.base import StateType
from shared.ids import new_id


class CheckoutState(StrEnum):
    """Where an attempt is. `requested` is stored before Stripe is asked."""

    REQUESTED = "requested"
    OPEN = "open"
    PROCESSING = "processing"
    COMPLETE = "complete"
    EXPIRED = "expired"
    FAILED = "failed"
    ABANDONED = "abandoned"


S = CheckoutState
TRANSITIONS: dict[tuple[CheckoutState, CheckoutState], str] = {
    (S.REQUESTED, S.OPEN): "Stripe answered, or the session was found again after a lost answer",
    (S.REQUESTED, S.ABANDONED): "Stripe never made the session",
    (S.REQUESTED, S.PROCESSING): "the payer was faster than our record of the answer",
    (S.REQUESTED, S.COMPLETE): "the payer was faster than our record of the answer",
    (S.REQUESTED, S.EXPIRED): "the answer was lost and nobody paid",
    (S.REQUESTED, S.FAILED): "the notices came out of order",
    (S.OPEN, S.FAILED): "the notices came out of order",
    (S.OPEN, S.PROCESSING): "the payer chose a method whose money arrives later",
    (S.OPEN, S.COMPLETE): "the payer paid",
    (S.OPEN, S.EXPIRED): "the time ran out, or we closed it because the hold had ended",
    (S.PROCESSING, S.COMPLETE): "the late money arrived",
    (S.PROCESSING, S.FAILED): "the late money did not arrive",
    (S.EXPIRED, S.COMPLETE): "a stale reading said expired; a payment is never forgotten",
    (S.FAILED, S.COMPLETE): "a stale notice said failed; a payment is never forgotten",
    (S.ABANDONED, S.COMPLETE): "Stripe had made the session after all; a payment is never forgotten",
}
"""Every change an attempt may make, and why. Any other notice is stale or repeated and changes nothing."""

LIVE = (CheckoutState.REQUESTED, CheckoutState.OPEN, CheckoutState.PROCESSING)
"""States in which the payer could still pay: at most one attempt per payable is in one of them."""

_LIVE_ROWS = text("state IN ('requested', 'open', 'processing')")


class Checkout(MappedAsDataclass, Base, kw_only=True):
    """One attempt. Its parameters are stored before the call, so that a repetition asks for the same."""

    __tablename__ = "checkout"
    __table_args__ = (
        UniqueConstraint("payable_id", "attempt"),
        # The second guard behind the account's lock: two live sessions could both be paid.
        Index(
            "uq_checkout_live_payable",
            "payable_id",
            unique=True,
            sqlite_where=_LIVE_ROWS,
            postgresql_where=_LIVE_ROWS,
        ),
    )

    payable_id: Mapped[UUID] = mapped_column(reference("payable.payable_id"))
    booking_id: Mapped[UUID] = mapped_column(reference("booking_account.booking_id"), index=True)
    attempt: Mapped[int]
    parameters: Mapped[str]
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    checkout_id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    state: Mapped[CheckoutState] = mapped_column(StateType(CheckoutState), default=CheckoutState.REQUESTED)
    stripe_session_id: Mapped[str | None] = mapped_column(default=None, unique=True)
    stripe_payment_intent_id: Mapped[str | None] = mapped_column(default=None)
    url: Mapped[str | None] = mapped_column(default=None)
    opened_at: Mapped[datetime | None] = mapped_column(default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    read_at: Mapped[datetime | None] = mapped_column(default=None, index=True)
    refused_at: Mapped[datetime | None] = mapped_column(default=None)
    refusal: Mapped[str | None] = mapped_column(default=None)

    @property
    def idempotency_key(self) -> str:
        """The key under which Stripe makes this session at most once."""
        return f"payable:{self.payable_id}:{self.attempt}"

    @property
    def live(self) -> bool:
        """Whether the payer could still pay here."""
        return self.state in LIVE

    def stored_parameters(self) -> dict[str, Any]:
        """What Stripe is asked, exactly as stored."""
        parameters: dict[str, Any] = json.loads(self.parameters)
        return parameters

    def advance(self, to: CheckoutState, at: datetime) -> bool:
        """Go to `to` if the table allows it; says whether anything changed."""
        if (self.state, to) not in TRANSITIONS:
            return False
        self.state = to
        if to is CheckoutState.OPEN:
            self.opened_at = at
        if to not in LIVE:
            self.closed_at = at
            self.url = None
        self._forget_payer()
        return True

    def _forget_payer(self) -> None:
        # The e-mail address was needed to repeat the call; Stripe has answered.
        parameters = self.stored_parameters()
        if parameters.pop("customer_email", None) is not None:
            self.parameters = json.dumps(parameters)
