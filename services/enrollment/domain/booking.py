"""A booking: one payer, a hold on some seats, and what became of it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.enrollment.domain.base import Base
from services.enrollment.domain.errors import (
    HoldOver,
    NoMoreExtensions,
    PaymentPageOpen,
    PaymentUnderReview,
)
from shared.db.base import StateType

MAX_SEATS = 50

# Without vowels no word appears by accident; without 0, 1, I, L, O and U nothing is misread on the phone.
REFERENCE_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"

_LEAST_GAIN = timedelta(minutes=1)

MONEY_DIFFERS = frozenset({"wrong_amount", "wrong_currency"})
"""Payment problems with which the payer was charged all the same."""

MONEY_RETURNED = "returned"
"""What is told once all of that money has gone back."""


class BookingState(StrEnum):
    """What became of a booking."""

    HELD = "held"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    UNSEATED = "unseated"
    CANCELLED = "cancelled"


class Unseated(StrEnum):
    """Why a late payment got no seats."""

    FULL = "full"
    BEGUN = "begun"
    CANCELLED = "cancelled"


TRANSITIONS: Mapping[tuple[BookingState, BookingState], str] = {
    (BookingState.HELD, BookingState.CONFIRMED): "the payment was confirmed while the hold stood",
    (BookingState.HELD, BookingState.EXPIRED): "the hold ended without a payment",
    (BookingState.EXPIRED, BookingState.CONFIRMED): "paid before the workshop began, and all seats free",
    (
        BookingState.EXPIRED,
        BookingState.UNSEATED,
    ): "the payment came late, and its seats could not be given back",
    (BookingState.CONFIRMED, BookingState.CANCELLED): "the seats were given back",
}


@dataclass(frozen=True, kw_only=True)
class HoldPolicy:
    """How long seats wait for money.

    `hold` is how long the payment page may be opened; `grace` is added to the last moment at which money
    can come, so that the news of a payment made in time does not find the seats gone. A payer who needs
    longer may ask `most_extensions` times for `extension`, counted from the moment of asking.
    """

    hold: timedelta = timedelta(minutes=30)
    grace: timedelta = timedelta(minutes=5)
    extension: timedelta = timedelta(minutes=30)
    most_extensions: int = 10

    def pay_by(self, placed_at: datetime) -> datetime:
        """The last moment to open the payment page."""
        return placed_at + self.hold

    def hold_ends_at(self, last_payment_at: datetime) -> datetime:
        """When the hold ends, if money can come until `last_payment_at`."""
        return last_payment_at + self.grace

    def later_pay_by(
        self, pay_by: datetime, *, now: datetime, extensions: int, starts_at: datetime
    ) -> datetime | None:
        """What `pay_by` becomes when the payer asks for more time now; None when it does not move.

        Counted from now, so that asking ten times at once gives no more than asking once, and never past the
        workshop's start. Less than a minute is no gain: a double click costs nothing.
        """
        later = min(now + self.extension, starts_at)
        if extensions >= self.most_extensions or later < pay_by + _LEAST_GAIN:
            return None
        return later


class Booking(MappedAsDataclass, Base, kw_only=True):
    """Seats taken together, their payer and their price, frozen when the booking was placed.

    `submission_id` recognises the same form sent twice. `page_open_until` is the end of the newest payment page
    that was opened and has not closed before it; `page_closed_until` is the end of the newest that has.
    `payment_id` is the payment that was given the seats, or that has to be returned because there were none, for
    `unseated_reason`.
    """

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
        CheckConstraint("seats > 0", name="seats_positive"),
        Index("ix_booking_workshop_id", "workshop_id"),
        Index("ix_booking_hold", "state", "hold_ends_at"),
    )

    booking_id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    submission_id: Mapped[UUID | None] = mapped_column(unique=True, default=None)
    workshop_id: Mapped[UUID] = mapped_column(ForeignKey("workshop.workshop_id"))
    state: Mapped[BookingState] = mapped_column(StateType(BookingState), default=BookingState.HELD)
    payer_name: Mapped[str]
    payer_email: Mapped[str]
    locale: Mapped[str]
    seats: Mapped[int]
    seat_price_minor: Mapped[int] = mapped_column(BigInteger)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    link_version: Mapped[int] = mapped_column(default=1)
    placed_at: Mapped[datetime]
    pay_by: Mapped[datetime]
    hold_ends_at: Mapped[datetime]
    payment_id: Mapped[UUID | None] = mapped_column(default=None)
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    expired_at: Mapped[datetime | None] = mapped_column(default=None)
    unseated_at: Mapped[datetime | None] = mapped_column(default=None)
    unseated_reason: Mapped[Unseated | None] = mapped_column(StateType(Unseated), default=None)
    payment_problem: Mapped[str | None] = mapped_column(default=None)
    payment_problem_at: Mapped[datetime | None] = mapped_column(default=None)
    wrong_money: Mapped[str | None] = mapped_column(default=None)
    wrong_money_revision: Mapped[int] = mapped_column(default=0)
    wrong_money_at: Mapped[datetime | None] = mapped_column(default=None)
    extensions: Mapped[int] = mapped_column(default=0)
    page_open_until: Mapped[datetime | None] = mapped_column(default=None)
    page_closed_until: Mapped[datetime | None] = mapped_column(default=None)

    def extend_hold(self, hold_ends_at: datetime) -> bool:
        """Move the hold's end, only ever later and only while it stands; whether it moved."""
        if self.state is not BookingState.HELD or hold_ends_at <= self.hold_ends_at:
            return False
        self.hold_ends_at = hold_ends_at
        return True

    def note_page_open(self, until: datetime) -> None:
        """The payer has reached a payment page, which can be paid until then."""
        self.page_open_until = max(until, self.page_open_until or until)
        self._forget_closed_page()

    def note_page_closed(self, until: datetime) -> None:
        """The page that could be paid until then cannot any more, nor any before it; heard of in any order."""
        self.page_closed_until = max(until, self.page_closed_until or until)
        self._forget_closed_page()

    def _forget_closed_page(self) -> None:
        opened, closed = self.page_open_until, self.page_closed_until
        if opened is not None and closed is not None and opened <= closed:
            self.page_open_until = None

    def keep_longer(self, policy: HoldPolicy, *, starts_at: datetime, now: datetime) -> bool:
        """Give the payer more time to open the payment page; whether the deadline moved.

        Refused once the payment page is open, whose own end nobody can move, and when the hold is over: the
        timer may not have come round yet.
        """
        if self.state is not BookingState.HELD or now >= self.hold_ends_at:
            raise HoldOver
        if self.wrong_money in MONEY_DIFFERS:
            raise PaymentUnderReview
        if self.page_open_until is not None and now < self.page_open_until:
            raise PaymentPageOpen
        later = policy.later_pay_by(self.pay_by, now=now, extensions=self.extensions, starts_at=starts_at)
        if later is None:
            if self.extensions >= policy.most_extensions:
                raise NoMoreExtensions(policy.most_extensions)
            return False
        self.pay_by = later
        self.extensions += 1
        self.extend_hold(policy.hold_ends_at(later))
        return True

    def expire(self, now: datetime) -> bool:
        """End the hold when its time has come; whether the seats are to be returned."""
        if self.state is not BookingState.HELD or now < self.hold_ends_at:
            return False
        self._move(BookingState.EXPIRED)
        self.expired_at = now
        return True

    def confirm(self, payment_id: UUID, now: datetime) -> None:
        """Keep the seats: they are held, or were reserved again just now."""
        self._move(BookingState.CONFIRMED)
        self.payment_id = payment_id
        self.confirmed_at = now

    def unseat(self, payment_id: UUID, reason: Unseated, now: datetime) -> None:
        """A late payment gets no seats: the money is to be returned."""
        self._move(BookingState.UNSEATED)
        self.payment_id = payment_id
        self.unseated_at, self.unseated_reason = now, reason

    def note_wrong_money(self, fact: str, revision: int, at: datetime) -> None:
        """Keep payment's newest fact about money that is not what was asked."""
        if revision >= self.wrong_money_revision:
            self.wrong_money, self.wrong_money_revision, self.wrong_money_at = fact, revision, at

    def note_payment_problem(self, reason: str, at: datetime) -> None:
        """Remember the newest failed attempt to pay."""
        if self.payment_problem_at is None or at > self.payment_problem_at:
            self.payment_problem, self.payment_problem_at = reason, at

    def _move(self, to: BookingState) -> None:
        if (self.state, to) not in TRANSITIONS:
            raise ValueError(f"a booking cannot go from {self.state} to {to}")
        self.state = to


def seat_shares(amount_minor: int, seats: int) -> tuple[int, ...]:
    """The amount divided among the seats, to the last minor unit; the first seats carry the remainder."""
    share, remainder = divmod(amount_minor, seats)
    return tuple(share + (1 if index < remainder else 0) for index in range(seats))


def new_reference() -> str:
    """What people quote on the phone, such as R-7K3Q-9F2M."""
    letters = "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(8))
    return f"R-{letters[:4]}-{letters[4:]}"
