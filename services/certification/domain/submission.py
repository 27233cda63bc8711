"""A submission puts a name on the Scrum Alliance's roster: at most one per activation and revision.

The row is the request, stored before the call. Its keys are the promise that a second one cannot exist.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.certification.domain.base import Base
from services.certification.domain.facts import Person
from shared.db.base import StateType


class SubmissionState(StrEnum):
    """SENDING: a call may have been made, its answer is not stored. ABANDONED: given up, unknown there."""

    SENDING = "sending"
    ABANDONED = "abandoned"
    ACCEPTED = "accepted"
    REFUSED = "refused"


_LOOKED_AFTER = text("next_check_at IS NOT NULL")


class Submission(MappedAsDataclass, Base, kw_only=True):
    """The request of one (activation, revision), and what became of it."""

    __tablename__ = "submission"
    __table_args__ = (
        UniqueConstraint("activation_id", "revision"),
        Index("ix_submission_enrollment_id", "enrollment_id"),
        Index(
            "ix_submission_next_check_at",
            "next_check_at",
            postgresql_where=_LOOKED_AFTER,
            sqlite_where=_LOOKED_AFTER,
        ),
    )

    reference: Mapped[str] = mapped_column(primary_key=True)
    activation_id: Mapped[UUID]
    revision: Mapped[int]
    enrollment_id: Mapped[UUID]
    course_code: Mapped[str]
    given_name: Mapped[str]
    family_name: Mapped[str]
    registry_email: Mapped[str]
    stored_at: Mapped[datetime]
    state: Mapped[SubmissionState] = mapped_column(
        StateType(SubmissionState), default=SubmissionState.SENDING
    )
    # Who is at it and until when, by real time: a second worker waits instead of calling beside the first.
    holder: Mapped[str | None] = mapped_column(default=None)
    held_until: Mapped[datetime | None] = mapped_column(default=None)
    # No second call before this moment, by real time: the one that was made last may still be accepted.
    quiet_until: Mapped[datetime | None] = mapped_column(default=None)
    # When the last call was begun that may have been accepted: a given-up name is watched from there.
    called_at: Mapped[datetime | None] = mapped_column(default=None)
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    refusal: Mapped[str | None] = mapped_column(default=None)
    # When the registry is asked next about this name; None when there is nothing more to learn.
    next_check_at: Mapped[datetime | None] = mapped_column(default=None)
    checks: Mapped[int] = mapped_column(default=0)


class Correction(MappedAsDataclass, Base, kw_only=True):
    """Why a further revision exists, who asked for it, and what it changes."""

    __tablename__ = "correction"
    __table_args__ = (UniqueConstraint("activation_id", "revision"),)

    reference: Mapped[str] = mapped_column(primary_key=True)
    activation_id: Mapped[UUID]
    revision: Mapped[int]
    registry_email: Mapped[str]
    reason: Mapped[str]
    actor_id: Mapped[UUID]
    actor_name: Mapped[str]
    corrected_at: Mapped[datetime]


class Resumption(MappedAsDataclass, Base, kw_only=True):
    """Why a discarded request was made once more, unchanged, and who asked for it."""

    __tablename__ = "resumption"
    __table_args__ = (Index("ix_resumption_activation_id", "activation_id"),)

    # The discarded request: each is made up for once.
    message_id: Mapped[str] = mapped_column(primary_key=True)
    activation_id: Mapped[UUID]
    revision: Mapped[int]
    reason: Mapped[str]
    actor_id: Mapped[UUID]
    actor_name: Mapped[str]
    resumed_at: Mapped[datetime]


def reference_of(activation_id: UUID, revision: int) -> str:
    """Our reference at the registry: the same for every attempt of one revision."""
    return str(activation_id) if revision == 1 else f"{activation_id}.{revision}"


def submitted_person(person: Person, correction: Correction | None) -> Person:
    """The person as this revision names them: a correction outlives later seat facts."""
    if correction is None:
        return person
    return Person(
        given_name=person.given_name,
        family_name=person.family_name,
        email=person.email,
        registry_email=correction.registry_email,
    )
