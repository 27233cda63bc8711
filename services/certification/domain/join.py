"""The join: one row per enrollment with the newest fact of each source, and how far its activation is.

Whichever event comes first makes the row. A fact is written only if its revision is greater than the
stored one, so that every order and every repetition ends in the same facts.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.certification.domain.activation import SENT, TRANSITIONS, Activation
from services.certification.domain.base import Base
from services.certification.domain.facts import (
    AssessmentFact,
    Coverage,
    CoverageFact,
    Facts,
    Person,
    Seat,
    SeatFact,
)
from shared.db.base import StateType


class Join(MappedAsDataclass, Base, kw_only=True):
    """What certification knows about one enrollment."""

    # "join" alone is a word of SQL.
    __tablename__ = "enrollment_join"
    __table_args__ = (
        Index("ix_enrollment_join_booking_id", "booking_id"),
        Index("ix_enrollment_join_activation_id", "activation_id", unique=True),
        Index("ix_enrollment_join_activation", "activation", "enrollment_id"),
    )

    enrollment_id: Mapped[UUID] = mapped_column(primary_key=True)
    booking_id: Mapped[UUID]

    booking_reference: Mapped[str | None] = mapped_column(default=None)
    workshop_id: Mapped[UUID | None] = mapped_column(default=None)
    workshop_title: Mapped[str | None] = mapped_column(default=None)
    course_code: Mapped[str | None] = mapped_column(default=None)
    time_zone: Mapped[str | None] = mapped_column(default=None)
    workshop_ends_at: Mapped[datetime | None] = mapped_column(default=None)
    link_version: Mapped[int | None] = mapped_column(default=None)

    seat: Mapped[Seat | None] = mapped_column(StateType(Seat), default=None)
    seat_revision: Mapped[int] = mapped_column(default=0)
    seat_heard_at: Mapped[datetime | None] = mapped_column(default=None)
    given_name: Mapped[str | None] = mapped_column(default=None)
    family_name: Mapped[str | None] = mapped_column(default=None)
    email: Mapped[str | None] = mapped_column(default=None)
    registry_email: Mapped[str | None] = mapped_column(default=None)

    coverage: Mapped[Coverage | None] = mapped_column(StateType(Coverage), default=None)
    coverage_revision: Mapped[int] = mapped_column(default=0)
    coverage_at: Mapped[datetime | None] = mapped_column(default=None)

    eligible: Mapped[bool | None] = mapped_column(default=None)
    assessment_revision: Mapped[int] = mapped_column(default=0)
    attended_minutes: Mapped[int | None] = mapped_column(default=None)
    required_minutes: Mapped[int | None] = mapped_column(default=None)
    participation: Mapped[bool | None] = mapped_column(default=None)
    understanding: Mapped[bool | None] = mapped_column(default=None)
    assessment_reasons: Mapped[str] = mapped_column(default="")
    released_by: Mapped[UUID | None] = mapped_column(default=None)
    assessed_at: Mapped[datetime | None] = mapped_column(default=None)

    activation: Mapped[Activation] = mapped_column(StateType(Activation), default=Activation.WAITING)
    activation_id: Mapped[UUID | None] = mapped_column(default=None)
    submission_revision: Mapped[int] = mapped_column(default=0)
    requested_at: Mapped[datetime | None] = mapped_column(default=None)
    submitted_at: Mapped[datetime | None] = mapped_column(default=None)
    activated_at: Mapped[datetime | None] = mapped_column(default=None)
    registry_issued_on: Mapped[date | None] = mapped_column(default=None)
    refusal: Mapped[str | None] = mapped_column(default=None)
    exam_passed_on: Mapped[date | None] = mapped_column(default=None)
    # The guard against a second certificate: seen within a transaction before anything is flushed.
    certificate_id: Mapped[UUID | None] = mapped_column(default=None)

    flagged_at: Mapped[datetime | None] = mapped_column(default=None)
    flag_reason: Mapped[str | None] = mapped_column(default=None)
    held_published_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def facts(self) -> Facts:
        """What the judgement looks at."""
        return Facts(seat=self.seat, coverage=self.coverage, eligible=self.eligible)

    @property
    def complete_since(self) -> datetime | None:
        """When the last of the three facts came about; None while one is missing."""
        moments = (self.seat_heard_at, self.coverage_at, self.assessed_at)
        return max(at for at in moments if at is not None) if None not in moments else None

    @property
    def state(self) -> str:
        """The activation's state in one word: `flagged` before everything else."""
        return "flagged" if self.flagged_at is not None else str(self.activation)

    @property
    def sent(self) -> bool:
        """Whether the Scrum Alliance is known to hold the name."""
        return self.activation in SENT

    @property
    def person(self) -> Person | None:
        """Who sits there; known as soon as the seat was confirmed once."""
        if None in (self.given_name, self.family_name, self.email, self.registry_email):
            return None
        return Person(
            given_name=self.given_name or "",
            family_name=self.family_name or "",
            email=self.email or "",
            registry_email=self.registry_email or "",
        )

    def record_seat(self, fact: SeatFact, heard_at: datetime) -> bool:
        """Keep a newer seat fact; False when it is old. A lost seat keeps the person: a name may be out."""
        if fact.revision <= self.seat_revision:
            return False
        self.seat_revision, self.seat, self.seat_heard_at = fact.revision, fact.state, heard_at
        if fact.person is not None:
            self.given_name, self.family_name = fact.person.given_name, fact.person.family_name
            self.email, self.registry_email = fact.person.email, fact.person.registry_email
        return True

    def record_coverage(self, fact: CoverageFact) -> bool:
        """Keep a newer coverage fact; False when it is old."""
        if fact.revision <= self.coverage_revision:
            return False
        self.coverage_revision, self.coverage = fact.revision, fact.state
        self.coverage_at = fact.occurred_at
        return True

    def record_assessment(self, fact: AssessmentFact) -> bool:
        """Keep a newer assessment; False when it is old."""
        if fact.revision <= self.assessment_revision:
            return False
        self.assessment_revision, self.eligible = fact.revision, fact.eligible
        self.attended_minutes, self.required_minutes = fact.attended_minutes, fact.required_minutes
        self.participation, self.understanding = fact.participation, fact.understanding
        self.assessment_reasons = ",".join(fact.reasons)
        self.released_by, self.assessed_at = fact.released_by, fact.assessed_at
        return True

    def move_to(self, state: Activation) -> None:
        """Change the activation's state along the table; anything else is a bug."""
        if (self.activation, state) not in TRANSITIONS:
            raise ValueError(f"an activation does not go from {self.activation} to {state}")
        self.activation = state
