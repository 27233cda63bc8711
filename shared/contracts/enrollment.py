"""Events published by enrollment: seats, attendance decisions, workshops, staff sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.contracts.registry import REGISTRY
from shared.messaging.event import Event

IneligibleReason = Literal[
    "minutes_missing", "participation_missing", "understanding_missing", "not_released"
]


@dataclass(frozen=True, kw_only=True)
class Payer:
    """Personal data of who pays."""

    payer_name: str
    payer_email: str
    locale: str


@dataclass(frozen=True, kw_only=True)
class Attendee:
    """Personal data of who attends. `registry_email` is the address of their Scrum Alliance account."""

    given_name: str
    family_name: str
    email: str
    registry_email: str


@dataclass(frozen=True, kw_only=True)
class PlacedSeat:
    """One seat of a new booking and its share of the price."""

    enrollment_id: UUID
    amount_minor: int
    link_version: int


@dataclass(frozen=True, kw_only=True)
class ConfirmedSeat:
    """A seat that is kept. `revision` counts this enrollment's seat facts."""

    enrollment_id: UUID
    revision: int
    person: Attendee


@dataclass(frozen=True, kw_only=True)
class LostSeat:
    """A seat that is not kept (any more). `revision` counts this enrollment's seat facts."""

    enrollment_id: UUID
    revision: int


@REGISTRY.event("booking.placed.v1", publisher="enrollment", aggregate="booking", key="booking_id")
@dataclass(frozen=True, kw_only=True)
class BookingPlaced(Event):
    """Seats are held for a payer until `pay_by`, the last moment to open the payment page.

    `reference` is what people quote; `time_zone` is the workshop's IANA zone, `starts_at` and `ends_at` say
    when it is; `link_version` is of the booking's and the pay link, each seat carries that of its
    certificate link.
    """

    booking_id: UUID
    reference: str
    workshop_id: UUID
    workshop_title: str
    course_code: str
    time_zone: str
    currency: str
    amount_minor: int
    pay_by: datetime
    link_version: int
    seats: tuple[PlacedSeat, ...]
    person: Payer
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@REGISTRY.event("booking.extended.v1", publisher="enrollment", aggregate="booking", key="booking_id")
@dataclass(frozen=True, kw_only=True)
class BookingExtended(Event):
    """The payer asked for more time: the payment page may be opened until this `pay_by`, if it is later."""

    booking_id: UUID
    pay_by: datetime


@REGISTRY.event("booking.confirmed.v1", publisher="enrollment", aggregate="booking", key="booking_id")
@dataclass(frozen=True, kw_only=True)
class BookingConfirmed(Event):
    """The booking's seats are kept for its attendees."""

    booking_id: UUID
    workshop_id: UUID
    course_code: str
    seats: tuple[ConfirmedSeat, ...]


@REGISTRY.event("booking.expired.v1", publisher="enrollment", aggregate="booking", key="booking_id")
@dataclass(frozen=True, kw_only=True)
class BookingExpired(Event):
    """The hold ended without a payment; the seats are free again."""

    booking_id: UUID
    reason: Literal["hold_ended"]
    seats: tuple[LostSeat, ...]


@REGISTRY.event("booking.unseated.v1", publisher="enrollment", aggregate="booking", key="booking_id")
@dataclass(frozen=True, kw_only=True)
class BookingUnseated(Event):
    """A payment came after the hold had ended and got no seats: the money is to be returned."""

    booking_id: UUID
    payment_id: UUID
    seats: tuple[LostSeat, ...]


@REGISTRY.event("enrollment.assessed.v1", publisher="enrollment", aggregate="enrollment", key="enrollment_id")
@dataclass(frozen=True, kw_only=True)
class EnrollmentAssessed(Event):
    """The trainer released the verdict on one attendee; sent again, with the next revision, on a correction.

    Minutes are contact minutes. `released_by` is the staff id of the workshop's trainer.
    """

    enrollment_id: UUID
    booking_id: UUID
    workshop_id: UUID
    course_code: str
    revision: int
    attended_minutes: int
    required_minutes: int
    participation: bool
    understanding: bool
    eligible: bool
    reasons: tuple[IneligibleReason, ...]
    released_by: UUID
    assessed_at: datetime


@REGISTRY.event("workshop.completed.v1", publisher="enrollment", aggregate="workshop", key="workshop_id")
@dataclass(frozen=True, kw_only=True)
class WorkshopCompleted(Event):
    """The workshop's trainer closed it, not before its last block had ended."""

    workshop_id: UUID
    completed_at: datetime
    completed_by: UUID


@REGISTRY.event("staff.session_ended.v1", publisher="enrollment", aggregate="staff", key="staff_id")
@dataclass(frozen=True, kw_only=True)
class StaffSessionEnded(Event):
    """A staff member signed out: this session's cookie is refused from now on."""

    staff_id: UUID
    session_id: UUID
    ended_at: datetime


@REGISTRY.event("staff.changed.v1", publisher="enrollment", aggregate="staff", key="staff_id")
@dataclass(frozen=True, kw_only=True)
class StaffChanged(Event):
    """Roles or password changed, or the account was closed: cookies from before `changed_at` are refused."""

    staff_id: UUID
    changed_at: datetime
