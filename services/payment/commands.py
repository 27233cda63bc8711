"""What payment can be asked to do. Each has its handler of the same name in `handlers`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.payment.domain import DisputeState, RefundState


@dataclass(frozen=True, kw_only=True)
class Seat:
    """One seat of a booking and its share of the amount."""

    enrollment_id: UUID
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class OpenPayable:
    """A booking was placed: its price is to be paid until `pay_by`."""

    booking_id: UUID
    reference: str
    workshop_id: UUID
    workshop_title: str
    time_zone: str
    starts_at: datetime | None
    currency: str
    amount_minor: int
    pay_by: datetime
    link_version: int
    seats: tuple[Seat, ...]
    payer_name: str
    payer_email: str
    locale: str


@dataclass(frozen=True, kw_only=True)
class ExtendPayable:
    """The payer was given more time: the payment page may be opened until `pay_by`, if it is later."""

    booking_id: UUID
    pay_by: datetime


@dataclass(frozen=True, kw_only=True)
class ClosePayable:
    """The hold ended: nothing is expected any more."""

    booking_id: UUID


@dataclass(frozen=True, kw_only=True)
class KeepBooking:
    """The seats are kept: what the booking costs is expected, also after its hold had ended."""

    booking_id: UUID


@dataclass(frozen=True, kw_only=True)
class OweRefund:
    """This payment came after the hold and got no seats: it is to be returned."""

    booking_id: UUID
    payment_id: UUID


@dataclass(frozen=True, kw_only=True)
class NoteAssessment:
    """The trainer released a verdict on an attendee."""

    enrollment_id: UUID
    booking_id: UUID
    revision: int
    eligible: bool
    assessed_at: datetime


@dataclass(frozen=True, kw_only=True)
class NoteSubmission:
    """The Scrum Alliance has the name."""

    enrollment_id: UUID
    booking_id: UUID
    submitted_at: datetime


@dataclass(frozen=True, kw_only=True)
class RequestCheckout:
    """The payer wants to pay: find the one live attempt, or store a new one before Stripe is asked."""

    booking_id: UUID
    public_url: str
    session_minutes: int


@dataclass(frozen=True, kw_only=True)
class OpenCheckout:
    """Stripe made the session of an attempt."""

    booking_id: UUID
    checkout_id: UUID
    stripe_session_id: str
    url: str


@dataclass(frozen=True, kw_only=True)
class AbandonCheckout:
    """Stripe never made the session of an attempt."""

    booking_id: UUID
    checkout_id: UUID


@dataclass(frozen=True, kw_only=True)
class FollowSession:
    """A session stands like this at Stripe, as a webhook, the return page or the timer read it."""

    booking_id: UUID
    payable_id: UUID
    attempt: int | None
    stripe_session_id: str
    status: Literal["open", "complete", "expired"]
    paid: bool
    failed: bool
    url: str | None
    stripe_payment_intent_id: str | None
    amount_minor: int
    currency: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ConfirmPayment:
    """Stripe says that this money is ours. Keyed by the payment intent: repetitions change nothing."""

    booking_id: UUID
    payable_id: UUID
    attempt: int | None
    stripe_payment_intent_id: str
    stripe_charge_id: str | None
    stripe_session_id: str | None
    amount_minor: int
    currency: str
    paid_at: datetime


@dataclass(frozen=True, kw_only=True)
class RecordRefusal:
    """The payer's bank refused an attempt to pay; the payer may try again on the same page."""

    booking_id: UUID
    payable_id: UUID
    attempt: int | None
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class RecordRefund:
    """A refund stands like this at Stripe."""

    stripe_payment_intent_id: str
    stripe_refund_id: str
    amount_minor: int
    currency: str
    state: RefundState
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class RecordDispute:
    """A dispute stands like this at Stripe, as of `at`."""

    stripe_payment_intent_id: str
    stripe_dispute_id: str
    amount_minor: int
    currency: str
    state: DisputeState
    opened_at: datetime
    at: datetime


@dataclass(frozen=True, kw_only=True)
class TellWrongMoney:
    """What was told of money that is not what was asked has no revision yet: tell how it stands now."""

    booking_id: UUID


@dataclass(frozen=True, kw_only=True)
class NoteReading:
    """Stripe was asked about a live attempt: the next round asks about others first."""

    checkout_id: UUID
