"""What a booking can be asked to do."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.enrollment.commands.progress import CoverageNews
from services.enrollment.domain.booking import HoldPolicy
from services.enrollment.domain.people import AttendeeDetails, PayerDetails


@dataclass(frozen=True, kw_only=True)
class PlaceBooking:
    """Hold one seat per attendee.

    `submission_id` makes a form that is sent twice one booking. `expected_amount_minor` is what the buyer
    was shown; another price is refused rather than charged.
    """

    workshop_id: UUID
    payer: PayerDetails
    attendees: tuple[AttendeeDetails, ...]
    hold: HoldPolicy
    submission_id: UUID | None = None
    expected_amount_minor: int | None = None


@dataclass(frozen=True, kw_only=True)
class ExtendHold:
    """The payer reached the payment page: wait until its session can no longer be paid."""

    booking_id: UUID
    hold_ends_at: datetime
    page_open_until: datetime


@dataclass(frozen=True, kw_only=True)
class KeepSeatsLonger:
    """The payer asks for more time before paying."""

    booking_id: UUID
    hold: HoldPolicy


@dataclass(frozen=True, kw_only=True)
class EndHold:
    """Give the seats back if the hold is over."""

    booking_id: UUID


@dataclass(frozen=True, kw_only=True)
class ConfirmBooking:
    """The booking is paid: keep its seats, or say that they are gone."""

    booking_id: UUID
    payment_id: UUID
    coverage: tuple[CoverageNews, ...]
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class RenewLinks:
    """A link got into wrong hands: all links of this booking stop working, and new ones are sent."""

    reference: str


@dataclass(frozen=True, kw_only=True)
class RecordPaymentProblem:
    """An attempt to pay did not succeed.

    `revision` counts the facts about money that is not what was asked; attempts without money have none.
    `page_expires_at` is the end of the payment page that closed with it.
    """

    booking_id: UUID
    reason: str
    occurred_at: datetime
    revision: int | None = None
    page_expires_at: datetime | None = None
