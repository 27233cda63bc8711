"""What enrollment can be asked to do: one frozen dataclass per command, its handler of the same name."""

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from services.enrollment.domain.attendance import Subject
from services.enrollment.domain.booking import HoldPolicy
from services.enrollment.domain.letter import LetterKind
from services.enrollment.domain.people import AttendeeDetails, PayerDetails
from services.enrollment.domain.progress import Coverage, CoverageCause, MembershipFact
from services.enrollment.domain.workshop import Delivery


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


@dataclass(frozen=True, kw_only=True)
class EndHold:
    """Give the seats back if the hold is over."""

    booking_id: UUID


@dataclass(frozen=True, kw_only=True)
class CoverageNews:
    """Payment's fact about one enrollment."""

    enrollment_id: UUID
    revision: int
    state: Coverage


@dataclass(frozen=True, kw_only=True)
class ConfirmBooking:
    """The booking is paid: keep its seats, or say that they are gone."""

    booking_id: UUID
    payment_id: UUID
    coverage: tuple[CoverageNews, ...]
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class RecordCoverage:
    """What a booking's payment covers has changed."""

    coverage: tuple[CoverageNews, ...]
    cause: CoverageCause
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class RecordPaymentProblem:
    """An attempt to pay did not succeed."""

    booking_id: UUID
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class RecordMembership:
    """Certification tells how far an attendee's membership is."""

    enrollment_id: UUID
    fact: MembershipFact
    occurred_at: datetime
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class RecordCertificate:
    """Certification tells of a certificate."""

    enrollment_id: UUID
    certificate_id: UUID
    issued_on: date
    expires_on: date
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class BlockPlan:
    """When one block of a new workshop is."""

    starts_at: datetime
    ends_at: datetime
    break_minutes: int


@dataclass(frozen=True, kw_only=True)
class CreateWorkshop:
    """Plan a workshop as a draft. `workshop_id` is given where the same plan may be read twice."""

    course_code: str
    title: str
    delivery: Delivery
    time_zone: str
    blocks: tuple[BlockPlan, ...]
    capacity: int
    price_minor: int
    currency: str
    trainer_id: UUID
    join_link: str | None = None
    venue: str | None = None
    workshop_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class PublishWorkshop:
    """Offer a draft in the catalogue."""

    workshop_id: UUID


@dataclass(frozen=True, kw_only=True)
class CancelWorkshop:
    """Withdraw a workshop in which nobody holds a seat."""

    workshop_id: UUID


@dataclass(frozen=True, kw_only=True)
class BlockMinutes:
    """How long one attendee was present in one block."""

    enrollment_id: UUID
    block_id: UUID
    minutes: int


@dataclass(frozen=True, kw_only=True)
class RecordAttendance:
    """The trainer notes minutes; what is not named stays as it is."""

    workshop_id: UUID
    actor_id: UUID
    minutes: tuple[BlockMinutes, ...]


@dataclass(frozen=True, kw_only=True)
class MarkEveryonePresent:
    """Set every minute that is not recorded yet to the whole block; one block, or all of them."""

    workshop_id: UUID
    actor_id: UUID
    block_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The trainer's decision on one subject for one attendee; None takes it back."""

    enrollment_id: UUID
    subject: Subject
    value: bool | None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class RecordDecisions:
    """The trainer decides about participation and understanding; what is not named stays as it is."""

    workshop_id: UUID
    actor_id: UUID
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, kw_only=True)
class CompleteWorkshop:
    """The trainer closes the workshop and releases its names."""

    workshop_id: UUID
    actor_id: UUID


@dataclass(frozen=True, kw_only=True)
class CorrectAssessment:
    """After completion: correct one attendee's record and release it again, in one step and with a reason."""

    enrollment_id: UUID
    actor_id: UUID
    reason: str
    minutes: tuple[BlockMinutes, ...] = ()
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EnsureCourses:
    """Make sure the standard courses exist; those that do are left alone."""


@dataclass(frozen=True, kw_only=True)
class AddStaff:
    """Open an account. The password comes hashed: hashing is slow, which has no place in a transaction."""

    email: str
    name: str
    roles: tuple[str, ...]
    password_hash: str = field(repr=False)
    teaches: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SetPassword:
    """Give an account a new password; ends its sessions."""

    email: str
    password_hash: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ChangeRoles:
    """Give an account other roles; ends its sessions."""

    email: str
    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AccreditTrainer:
    """Note which courses a trainer is accredited for."""

    email: str
    teaches: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CloseStaff:
    """Close an account; ends its sessions."""

    email: str


@dataclass(frozen=True, kw_only=True)
class AdmitLogin:
    """Count one attempt to sign in, before its password is looked at."""

    email: str


@dataclass(frozen=True, kw_only=True)
class TakeBackLogin:
    """An attempt to sign in had the right password: only failures count towards the limit."""

    email: str
    attempted_at: datetime


@dataclass(frozen=True, kw_only=True)
class ForgetLogins:
    """Drop attempts to sign in that no longer count: they are traces of people, and anybody can add to them."""


@dataclass(frozen=True, kw_only=True)
class EndSession:
    """A staff member signs out."""

    staff_id: UUID
    session_id: UUID


@dataclass(frozen=True, kw_only=True)
class WantLetters:
    """Note which letters a booking asks for now, before any is sent."""

    booking_id: UUID
    kinds: tuple[LetterKind, ...]


@dataclass(frozen=True, kw_only=True)
class RecordLetter:
    """A letter went out, or its recipient's server refused it for good."""

    letter_id: UUID
    refused: bool = False
