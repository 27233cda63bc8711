"""How far one attendee has come, from facts that arrive in any order."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.enrollment.domain.base import Base
from services.enrollment.domain.enrollment import SeatState
from shared.db.base import StateType


class Coverage(StrEnum):
    """Payment's word on whether the seat is paid for."""

    COVERED = "covered"
    UNCOVERED = "uncovered"
    FROZEN = "frozen"


CoverageCause = Literal["paid", "refunded", "disputed", "dispute_won", "dispute_lost"]
MembershipFact = Literal["requested", "submitted", "activated", "failed", "held"]


_MONEY_FELL_AWAY = ("uncovered", "coverage_frozen")
"""Certification's reasons for a hold that coverage alone decides."""


class Progress(MappedAsDataclass, Base, kw_only=True):
    """The newest fact of each kind about one enrollment, as other services told them."""

    __tablename__ = "progress"

    enrollment_id: Mapped[UUID] = mapped_column(ForeignKey("enrollment.enrollment_id"), primary_key=True)
    coverage: Mapped[Coverage | None] = mapped_column(StateType(Coverage), default=None)
    coverage_revision: Mapped[int] = mapped_column(default=0)
    coverage_cause: Mapped[str | None] = mapped_column(default=None)
    coverage_at: Mapped[datetime | None] = mapped_column(default=None)
    requested_at: Mapped[datetime | None] = mapped_column(default=None)
    submitted_at: Mapped[datetime | None] = mapped_column(default=None)
    activated_at: Mapped[datetime | None] = mapped_column(default=None)
    failed_at: Mapped[datetime | None] = mapped_column(default=None)
    failed_reason: Mapped[str | None] = mapped_column(default=None)
    held_at: Mapped[datetime | None] = mapped_column(default=None)
    held_reason: Mapped[str | None] = mapped_column(default=None)
    certificate_id: Mapped[UUID | None] = mapped_column(default=None)
    issued_on: Mapped[date | None] = mapped_column(default=None)
    expires_on: Mapped[date | None] = mapped_column(default=None)
    certificate_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def is_submitted(self) -> bool:
        """Whether the name has gone to the Scrum Alliance; an activation says so too, if it comes first."""
        return self.submitted_at is not None or self.activated_at is not None

    def is_held(self, seat: SeatState, assessment: "AssessmentFacts | None") -> bool:
        """Whether a fact fell away after the submission and has not come back: a dispute that was won ends it.

        The hold is told once. Whether it stands is judged from the newest facts, which their revisions order,
        as certification judges it: the clocks of payment and certification say nothing about each other.
        """
        if self.held_at is None:
            return False
        if self.coverage is not Coverage.COVERED or seat is SeatState.LOST:
            return True
        if assessment is not None and not assessment.eligible:
            return True
        return self._money_fell_away_unheard

    def held_because(self, seat: SeatState, assessment: "AssessmentFacts | None") -> str:
        """What fell away, in words for the booking page: everything that has not come back."""
        causes = []
        if seat is SeatState.LOST:
            causes.append("the seat was given back")
        if self.coverage is Coverage.FROZEN:
            causes.append("the payer’s bank disputed the payment")
        elif self.coverage is Coverage.UNCOVERED or self._money_fell_away_unheard:
            causes.append("the payment fell away")
        if assessment is not None and not assessment.eligible:
            causes.append("the trainer corrected the result")
        # Certification has heard of something that has not come here yet.
        return " and ".join(causes) or "something that it needs fell away"

    @property
    def _money_fell_away_unheard(self) -> bool:
        """Covered by the very first fact, or by none: that the money fell away has not been heard of here yet."""
        return self.held_reason in _MONEY_FELL_AWAY and self.coverage_revision <= 1

    @property
    def has_failed(self) -> bool:
        """Whether the last word about the submission is a refusal."""
        if self.failed_at is None or self.activated_at is not None:
            return False
        later = (self.requested_at, self.submitted_at)
        return all(at is None or at <= self.failed_at for at in later)

    def learn_coverage(self, state: Coverage, revision: int, cause: CoverageCause, at: datetime) -> None:
        """Keep payment's newest fact."""
        if revision > self.coverage_revision:
            self.coverage, self.coverage_revision = state, revision
            self.coverage_cause, self.coverage_at = cause, at

    def learn_membership(self, fact: MembershipFact, at: datetime, reason: str | None = None) -> None:
        """Keep the newest moment, and its reason, of this kind of fact."""
        known: datetime | None = getattr(self, f"{fact}_at")
        if known is not None and at <= known:
            return
        setattr(self, f"{fact}_at", at)
        if fact in ("failed", "held"):
            setattr(self, f"{fact}_reason", reason)

    def learn_certificate(
        self, certificate_id: UUID, issued_on: date, expires_on: date, at: datetime
    ) -> None:
        """Keep the newest certificate."""
        if self.certificate_at is None or at > self.certificate_at:
            self.certificate_id, self.certificate_at = certificate_id, at
            self.issued_on, self.expires_on = issued_on, expires_on


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of the progress list: `state` decides its mark, `text` says what it means for the reader."""

    title: str
    state: Literal["done", "current", "todo", "problem"]
    at: datetime | None
    text: str


@dataclass(frozen=True, kw_only=True)
class AssessmentFacts:
    """What the trainer released about one attendee."""

    eligible: bool
    released_at: datetime
    attended_minutes: int
    required_minutes: int
    participation: bool
    understanding: bool


def progress_steps(
    seat: SeatState, progress: Progress | None, assessment: AssessmentFacts | None, *, exam_required: bool
) -> tuple[Step, ...]:
    """Paid → attended → submitted → activated, with what went wrong where it did."""
    paid = _paid_step(seat, progress)
    attended = _attended_step(assessment)
    submitted = _submitted_step(seat, progress, assessment)
    activated = _activated_step(progress, exam_required=exam_required)
    steps = [paid, attended, submitted, activated]
    for index, step in enumerate(steps):
        if step.state in ("problem", "current"):
            break
        if step.state == "todo":
            steps[index] = Step(title=step.title, state="current", at=step.at, text=step.text)
            break
    return tuple(steps)


def _paid_step(seat: SeatState, progress: Progress | None) -> Step:
    title = "Paid"
    if progress is None or progress.coverage is None:
        if seat is SeatState.LOST:
            text = "No payment came while the seat was held, so the seat was given back."
            return Step(title=title, state="problem", at=None, text=text)
        return Step(title=title, state="todo", at=None, text="We have not received the payment yet.")
    at = progress.coverage_at
    if progress.coverage is Coverage.COVERED and seat is SeatState.LOST:
        text = "The payment came after the seat had been given back. The money is returned."
        return Step(title=title, state="problem", at=at, text=text)
    if progress.coverage is Coverage.COVERED:
        return Step(title=title, state="done", at=at, text="The payment is confirmed.")
    if progress.coverage is Coverage.FROZEN:
        return Step(
            title=title,
            state="problem",
            at=at,
            text="The payer’s bank disputes this payment. Nothing is submitted until that is settled.",
        )
    texts = {
        "refunded": "The payment was refunded.",
        "dispute_lost": "The payment went back to the payer after a dispute.",
    }
    text = texts.get(progress.coverage_cause or "", "The payment is no longer there.")
    return Step(title=title, state="problem", at=at, text=text)


def _attended_step(assessment: AssessmentFacts | None) -> Step:
    title = "Attended"
    if assessment is None:
        return Step(title=title, state="todo", at=None, text="The trainer confirms this after the workshop.")
    if assessment.eligible:
        return Step(
            title=title,
            state="done",
            at=assessment.released_at,
            text="The trainer confirmed attendance, participation and understanding.",
        )
    missing = []
    minutes = assessment.required_minutes - assessment.attended_minutes
    if minutes > 0:
        missing.append(
            f"{minutes} minutes of attendance are missing." if minutes > 1 else "1 minute is missing."
        )
    if not assessment.participation:
        missing.append("The trainer did not see enough participation.")
    if not assessment.understanding:
        missing.append("The trainer did not see enough understanding.")
    missing.append("Contact your trainer about how to make it up.")
    return Step(title=title, state="problem", at=assessment.released_at, text=" ".join(missing))


def _submitted_step(seat: SeatState, progress: Progress | None, assessment: AssessmentFacts | None) -> Step:
    title = "Submitted to the Scrum Alliance"
    if progress is None:
        return Step(title=title, state="todo", at=None, text="Your name is submitted after both steps above.")
    if progress.is_held(seat, assessment):
        return Step(
            title=title,
            state="problem",
            at=progress.held_at,
            text=f"The name was submitted, then {progress.held_because(seat, assessment)}. Our office looks into it.",
        )
    if progress.has_failed:
        return Step(
            title=title,
            state="problem",
            at=progress.failed_at,
            text="The Scrum Alliance did not accept the name. Our office corrects it and submits it again.",
        )
    if progress.is_submitted:
        return Step(
            title=title,
            state="done",
            at=progress.submitted_at or progress.activated_at,
            text="The Scrum Alliance has your name and sends the activation e-mail, usually within two days.",
        )
    if progress.requested_at is not None:
        return Step(
            title=title, state="current", at=progress.requested_at, text="Your name is being submitted."
        )
    return Step(title=title, state="todo", at=None, text="Your name is submitted after both steps above.")


def _activated_step(progress: Progress | None, *, exam_required: bool) -> Step:
    title = "Membership activated"
    after = " The exam follows at the Scrum Alliance." if exam_required else ""
    if progress is not None and progress.activated_at is not None:
        return Step(
            title=title,
            state="done",
            at=progress.activated_at,
            text=f"Your Scrum Alliance membership is active.{after}",
        )
    return Step(
        title=title,
        state="todo",
        at=None,
        text=f"You activate it with the link in the Scrum Alliance’s e-mail. Check your spam too.{after}",
    )
