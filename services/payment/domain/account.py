"""The account of one booking: what finance lists, and the lock under which its money is judged."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.payment.domain.base import Base
from shared.db.base import StateType


class AccountState(StrEnum):
    """How a booking stands with finance; the most urgent first. Derived from facts, never set by hand."""

    UNHEARD = "unheard"
    DISPUTED = "disputed"
    REFUND_DUE = "refund_due"
    RETURNED = "returned"
    OPEN = "open"
    SETTLED = "settled"
    CLOSED = "closed"


STATE_REASONS: dict[AccountState, str] = {
    AccountState.UNHEARD: "something about the booking arrived before the booking itself",
    AccountState.DISPUTED: "the payer's bank disputes the money that covers the seats",
    AccountState.REFUND_DUE: "the money came after the hold, got no seats, and is to be returned",
    AccountState.RETURNED: "the money was refunded, or lost in a dispute",
    AccountState.OPEN: "the seats are held and the money is expected",
    AccountState.SETTLED: "the exact amount is there, or nothing was to be paid",
    AccountState.CLOSED: "the hold ended without a payment; nothing is expected any more",
}


class BookingAccount(MappedAsDataclass, Base, kw_only=True):
    """One booking as payment knows it; made by whichever message mentions the booking first.

    Everything that changes this booking's money first locks this row. The columns from `state` to `attention` are a
    summary for lists, written by `Books.settle` only. `pay_by` is the latest of all that were told, kept here
    because an extension may be heard of before the booking itself.
    """

    __tablename__ = "booking_account"

    booking_id: Mapped[UUID] = mapped_column(primary_key=True)
    heard_at: Mapped[datetime | None] = mapped_column(default=None, index=True)
    reference: Mapped[str | None] = mapped_column(default=None, index=True)
    workshop_id: Mapped[UUID | None] = mapped_column(default=None)
    workshop_title: Mapped[str | None] = mapped_column(default=None)
    time_zone: Mapped[str | None] = mapped_column(default=None)
    starts_at: Mapped[datetime | None] = mapped_column(default=None)
    pay_by: Mapped[datetime | None] = mapped_column(default=None)
    currency: Mapped[str | None] = mapped_column(default=None)
    link_version: Mapped[int | None] = mapped_column(default=None)
    payer_name: Mapped[str | None] = mapped_column(default=None)
    payer_email: Mapped[str | None] = mapped_column(default=None)
    locale: Mapped[str | None] = mapped_column(default=None)
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    expired_at: Mapped[datetime | None] = mapped_column(default=None)

    state: Mapped[AccountState] = mapped_column(StateType(AccountState), default=AccountState.UNHEARD)
    expected_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    received_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    attention: Mapped[str] = mapped_column(default="")

    # As last published: of money that covers nothing because it is not what was asked.
    wrong_money: Mapped[str | None] = mapped_column(default=None)
    wrong_money_revision: Mapped[int] = mapped_column(default=0)

    @property
    def closed(self) -> bool:
        """Whether nothing is expected any more: the hold ended and no late payment brought the seats back."""
        return self.expired_at is not None and self.confirmed_at is None

    @property
    def attention_codes(self) -> tuple[str, ...]:
        """Why finance should look, as stable codes."""
        return tuple(self.attention.split())
