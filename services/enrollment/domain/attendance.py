"""Attendance in minutes, the trainer's two decisions, and the verdict that follows from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.enrollment.domain.base import Base

Reason = Literal["minutes_missing", "participation_missing", "understanding_missing", "not_released"]
Subject = Literal["participation", "understanding"]

MAX_NOTE = 1000


class Timed(Protocol):
    """A block, or what a reader sees of one."""

    @property
    def block_id(self) -> UUID: ...
    @property
    def position(self) -> int: ...


class Attendance(MappedAsDataclass, Base, kw_only=True):
    """How many contact minutes one attendee was present in one block, and who recorded it."""

    __tablename__ = "attendance"
    __table_args__ = (CheckConstraint("minutes >= 0", name="minutes_not_negative"),)

    enrollment_id: Mapped[UUID] = mapped_column(ForeignKey("enrollment.enrollment_id"), primary_key=True)
    block_id: Mapped[UUID] = mapped_column(ForeignKey("block.block_id"), primary_key=True)
    minutes: Mapped[int]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]


class Assessment(MappedAsDataclass, Base, kw_only=True):
    """Participation and understanding: two decisions, never derived from attendance or from each other.

    `revision` counts what was published about this enrollment; 0 means nothing was released yet.
    """

    __tablename__ = "assessment"

    enrollment_id: Mapped[UUID] = mapped_column(ForeignKey("enrollment.enrollment_id"), primary_key=True)
    participation: Mapped[bool | None] = mapped_column(default=None)
    participation_by: Mapped[UUID | None] = mapped_column(default=None)
    participation_at: Mapped[datetime | None] = mapped_column(default=None)
    participation_note: Mapped[str | None] = mapped_column(default=None)
    understanding: Mapped[bool | None] = mapped_column(default=None)
    understanding_by: Mapped[UUID | None] = mapped_column(default=None)
    understanding_at: Mapped[datetime | None] = mapped_column(default=None)
    understanding_note: Mapped[str | None] = mapped_column(default=None)
    revision: Mapped[int] = mapped_column(default=0)
    attended_minutes: Mapped[int | None] = mapped_column(default=None)
    eligible: Mapped[bool | None] = mapped_column(default=None)
    released_by: Mapped[UUID | None] = mapped_column(default=None)
    released_at: Mapped[datetime | None] = mapped_column(default=None)
    correction_reason: Mapped[str | None] = mapped_column(default=None)

    def decide(
        self, subject: Subject, value: bool | None, *, by: UUID, at: datetime, note: str | None
    ) -> bool:
        """Record one decision with who and when; whether anything changed."""
        old = (getattr(self, subject), getattr(self, f"{subject}_note"))
        if old == (value, note):
            return False
        setattr(self, subject, value)
        setattr(self, f"{subject}_by", by)
        setattr(self, f"{subject}_at", at)
        setattr(self, f"{subject}_note", note)
        return True

    def release(self, verdict: "Verdict", *, by: UUID, at: datetime) -> None:
        """Record that this verdict was published, with the next revision."""
        self.revision += 1
        self.attended_minutes = verdict.attended_minutes
        self.eligible = verdict.eligible
        self.released_by = by
        self.released_at = at


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What follows from minutes and decisions."""

    attended_minutes: int
    required_minutes: int
    participation: bool
    understanding: bool
    reasons: tuple[Reason, ...]

    @property
    def eligible(self) -> bool:
        """Whether nothing is missing."""
        return not self.reasons


def judge(minutes: Sequence[int], assessment: Assessment, required_minutes: int) -> Verdict:
    """The verdict on one attendee; both decisions must have been made."""
    if assessment.participation is None or assessment.understanding is None:
        raise ValueError("judged before both decisions were made")
    attended = sum(minutes)
    reasons: list[Reason] = []
    if attended < required_minutes:
        reasons.append("minutes_missing")
    if not assessment.participation:
        reasons.append("participation_missing")
    if not assessment.understanding:
        reasons.append("understanding_missing")
    return Verdict(
        attended_minutes=attended,
        required_minutes=required_minutes,
        participation=assessment.participation,
        understanding=assessment.understanding,
        reasons=tuple(reasons),
    )


def what_is_missing(
    blocks: Sequence[Timed], minutes: Mapping[UUID, int], assessment: Assessment | None
) -> tuple[str, ...]:
    """What still has to be recorded for one attendee, as sentences; empty when complete."""
    missing = [
        f"Record the minutes of block {block.position}." for block in blocks if block.block_id not in minutes
    ]
    if assessment is None or assessment.participation is None:
        missing.append("Decide about participation.")
    if assessment is None or assessment.understanding is None:
        missing.append("Decide about understanding.")
    return tuple(missing)
