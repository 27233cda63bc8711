"""What certification can be told to do: imperative, frozen, plain."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.certification.domain.facts import AssessmentFact, CoverageFact, SeatFact


@dataclass(frozen=True, kw_only=True)
class OpenJoins:
    """Seats were taken: remember what the pages say about them. `seats` are (enrollment id, link version)."""

    booking_id: UUID
    booking_reference: str
    workshop_id: UUID
    workshop_title: str
    course_code: str
    time_zone: str
    workshop_ends_at: datetime | None
    seats: tuple[tuple[UUID, int], ...]


@dataclass(frozen=True, kw_only=True)
class RecordSeats:
    """Seats were confirmed or lost. Workshop and course are told by a confirmation only."""

    booking_id: UUID
    workshop_id: UUID | None = None
    course_code: str | None = None
    seats: tuple[tuple[UUID, SeatFact], ...]


@dataclass(frozen=True, kw_only=True)
class RecordCoverage:
    """Money came, went, or is questioned."""

    booking_id: UUID
    coverage: tuple[tuple[UUID, CoverageFact], ...]


@dataclass(frozen=True, kw_only=True)
class RecordAssessment:
    """The trainer's verdict on one attendee was released, or corrected."""

    enrollment_id: UUID
    booking_id: UUID
    workshop_id: UUID
    course_code: str
    assessment: AssessmentFact


@dataclass(frozen=True, kw_only=True)
class CloseWorkshop:
    """The trainer completed the workshop."""

    workshop_id: UUID
    completed_at: datetime
    completed_by: UUID


@dataclass(frozen=True, kw_only=True)
class BeginSubmission:
    """About to call the registry: judge again and store the request.

    Nobody else calls for `hold_seconds` of real time, and nobody at all sends the name a second time for
    `quiet_seconds` of it. `looked_up` says that the registry has just been asked and does not know our reference.
    """

    enrollment_id: UUID
    revision: int
    hold_seconds: float
    quiet_seconds: float
    looked_up: bool = False


@dataclass(frozen=True, kw_only=True)
class ForgetCall:
    """The call put no name on the roster, for sure: another one may follow at once."""

    enrollment_id: UUID
    revision: int


@dataclass(frozen=True, kw_only=True)
class WithholdSubmission:
    """The name is not to be sent, or no longer."""

    enrollment_id: UUID
    revision: int


@dataclass(frozen=True, kw_only=True)
class WithholdStranded:
    """The task gave the request up for dead, or somebody discarded it, and the name may not be sent any more."""

    enrollment_id: UUID


@dataclass(frozen=True, kw_only=True)
class RecordAcceptance:
    """The registry holds the name."""

    enrollment_id: UUID
    revision: int


@dataclass(frozen=True, kw_only=True)
class RecordRefusal:
    """The registry refused the name for good; `code` says why."""

    enrollment_id: UUID
    revision: int
    code: str


@dataclass(frozen=True, kw_only=True)
class RecordCheck:
    """What the registry says about a name when asked again.

    `poll_seconds` is the shortest wait until it is asked the next time. Not `answered` means that nothing was
    learned: neither that it knows the name nor that it does not.
    """

    enrollment_id: UUID
    revision: int
    answered: bool
    known: bool
    activated_at: datetime | None
    issued_on: date | None
    poll_seconds: float


@dataclass(frozen=True, kw_only=True)
class PostponeCheck:
    """Asking about a name failed on our side: it waits its turn again, behind the others."""

    enrollment_id: UUID
    revision: int
    wait_seconds: float


@dataclass(frozen=True, kw_only=True)
class RecordExam:
    """The attendee passed the Scrum Alliance's exam on that day."""

    enrollment_id: UUID
    passed_on: date


@dataclass(frozen=True, kw_only=True)
class ResubmitMembership:
    """Send a refused name again, with a corrected address; staff says why."""

    enrollment_id: UUID
    registry_email: str
    reason: str
    actor_id: UUID
    actor_name: str


@dataclass(frozen=True, kw_only=True)
class ResumeActivation:
    """Make a discarded request once more, as it was; staff says why."""

    enrollment_id: UUID
    reason: str
    actor_id: UUID
    actor_name: str
