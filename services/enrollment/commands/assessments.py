"""What the trainer records, decides and releases."""

from dataclasses import dataclass
from uuid import UUID

from services.enrollment.domain.attendance import Subject


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
