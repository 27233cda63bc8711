"""What a trainer sees: their workshops, and who is in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.enrollment.domain import (
    Assessment,
    Attendance,
    Booking,
    BookingState,
    Course,
    Delivery,
    Enrollment,
    Progress,
    SeatState,
    StaffMember,
    Workshop,
    WorkshopState,
)
from services.enrollment.domain.attendance import what_is_missing
from services.enrollment.domain.progress import Coverage, Step, progress_steps
from services.enrollment.queries.bookings import released_facts
from services.enrollment.queries.catalogue import BlockView, blocks_of


@dataclass(frozen=True, kw_only=True)
class TrainerWorkshop:
    """One line of "my workshops"."""

    workshop_id: UUID
    title: str
    course_code: str
    state: WorkshopState
    delivery: Delivery
    venue: str | None
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    reserved: int
    confirmed: int
    completed_at: datetime | None
    trainer_name: str


@dataclass(frozen=True, kw_only=True)
class DecisionView:
    """One of the two decisions: None means not decided yet."""

    value: bool | None
    by_name: str | None
    at: datetime | None
    note: str | None


@dataclass(frozen=True, kw_only=True)
class RosterEntry:
    """One confirmed attendee. `missing` says what still has to be recorded; `minutes` goes by block id."""

    enrollment_id: UUID
    booking_reference: str
    given_name: str
    family_name: str
    email: str
    registry_email: str
    coverage: Coverage | None
    submitted_at: datetime | None
    activated_at: datetime | None
    is_submitted: bool
    minutes: Mapping[UUID, int]
    attended_minutes: int
    participation: DecisionView
    understanding: DecisionView
    missing: tuple[str, ...]
    revision: int
    eligible: bool | None
    steps: tuple[Step, ...]

    @property
    def full_name(self) -> str:
        """The name as it goes on the certificate."""
        return f"{self.given_name} {self.family_name}"


@dataclass(frozen=True, kw_only=True)
class Roster:
    """A workshop and its confirmed attendees; `held_seats` wait for a payment."""

    workshop_id: UUID
    title: str
    course_code: str
    course_name: str
    state: WorkshopState
    delivery: Delivery
    venue: str | None
    join_link: str | None
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    price_minor: int
    currency: str
    trainer_id: UUID
    trainer_name: str
    required_minutes: int | None
    contact_minutes: int
    completed_at: datetime | None
    held_seats: int
    blocks: tuple[BlockView, ...]
    entries: tuple[RosterEntry, ...]

    @property
    def is_complete(self) -> bool:
        """Whether everything is recorded for everybody."""
        return all(not entry.missing for entry in self.entries)


def trainer_workshops(session: Session, trainer_id: UUID | None = None) -> Sequence[TrainerWorkshop]:
    """A trainer's workshops, or everybody's; the newest first."""
    confirmed = (
        select(func.count())
        .where(Enrollment.workshop_id == Workshop.workshop_id, Enrollment.seat == SeatState.KEPT)
        .correlate(Workshop)
        .scalar_subquery()
    )
    query = (
        select(Workshop, confirmed, StaffMember.name)
        .join(StaffMember, StaffMember.staff_id == Workshop.trainer_id)
        .order_by(Workshop.starts_at.desc(), Workshop.workshop_id)
    )
    if trainer_id is not None:
        query = query.where(Workshop.trainer_id == trainer_id)
    return [
        TrainerWorkshop(
            workshop_id=workshop.workshop_id,
            title=workshop.title,
            course_code=workshop.course_code,
            state=workshop.state,
            delivery=workshop.delivery,
            venue=workshop.venue,
            time_zone=workshop.time_zone,
            starts_at=workshop.starts_at,
            ends_at=workshop.ends_at,
            capacity=workshop.capacity,
            reserved=workshop.reserved,
            confirmed=count,
            completed_at=workshop.completed_at,
            trainer_name=trainer_name,
        )
        for workshop, count, trainer_name in session.execute(query)
    ]


def roster(session: Session, workshop_id: UUID) -> Roster | None:
    """A workshop's confirmed attendees by family name, with everything recorded about them."""
    row = session.execute(
        select(Workshop, Course, StaffMember.name)
        .join(Course, Course.code == Workshop.course_code)
        .join(StaffMember, StaffMember.staff_id == Workshop.trainer_id)
        .where(Workshop.workshop_id == workshop_id)
    ).one_or_none()
    if row is None:
        return None
    workshop, course, trainer_name = row
    blocks = blocks_of(session, workshop_id)
    held = session.scalar(
        select(func.coalesce(func.sum(Booking.seats), 0)).where(
            Booking.workshop_id == workshop_id, Booking.state == BookingState.HELD
        )
    )
    return Roster(
        workshop_id=workshop.workshop_id,
        title=workshop.title,
        course_code=course.code,
        course_name=course.name,
        state=workshop.state,
        delivery=workshop.delivery,
        venue=workshop.venue,
        join_link=workshop.join_link,
        time_zone=workshop.time_zone,
        starts_at=workshop.starts_at,
        ends_at=workshop.ends_at,
        capacity=workshop.capacity,
        price_minor=workshop.price_minor,
        currency=workshop.currency,
        trainer_id=workshop.trainer_id,
        trainer_name=trainer_name,
        required_minutes=workshop.required_minutes,
        contact_minutes=sum(block.contact_minutes for block in blocks),
        completed_at=workshop.completed_at,
        held_seats=int(held or 0),
        blocks=blocks,
        entries=_entries(session, workshop, blocks, exam_required=course.exam_required),
    )


def _entries(
    session: Session, workshop: Workshop, blocks: tuple[BlockView, ...], *, exam_required: bool
) -> tuple[RosterEntry, ...]:
    names = {
        row.staff_id: row.name for row in session.execute(select(StaffMember.staff_id, StaffMember.name))
    }
    minutes: dict[UUID, dict[UUID, int]] = {}
    for attendance in session.scalars(
        select(Attendance)
        .join(Enrollment, Enrollment.enrollment_id == Attendance.enrollment_id)
        .where(Enrollment.workshop_id == workshop.workshop_id)
    ):
        minutes.setdefault(attendance.enrollment_id, {})[attendance.block_id] = attendance.minutes
    rows = session.execute(
        select(Enrollment, Booking.reference, Progress, Assessment)
        .join(Booking, Booking.booking_id == Enrollment.booking_id)
        .outerjoin(Progress, Progress.enrollment_id == Enrollment.enrollment_id)
        .outerjoin(Assessment, Assessment.enrollment_id == Enrollment.enrollment_id)
        .where(Enrollment.workshop_id == workshop.workshop_id, Enrollment.seat == SeatState.KEPT)
        .order_by(Enrollment.family_name, Enrollment.given_name, Enrollment.enrollment_id)
    )
    entries = []
    for enrollment, reference, progress, assessment in rows:
        own = minutes.get(enrollment.enrollment_id, {})
        entries.append(
            RosterEntry(
                enrollment_id=enrollment.enrollment_id,
                booking_reference=reference,
                given_name=enrollment.given_name,
                family_name=enrollment.family_name,
                email=enrollment.email,
                registry_email=enrollment.registry_email,
                coverage=progress.coverage if progress else None,
                submitted_at=progress.submitted_at if progress else None,
                activated_at=progress.activated_at if progress else None,
                is_submitted=bool(progress and progress.is_submitted),
                minutes=own,
                attended_minutes=sum(own.values()),
                participation=_decision(assessment, "participation", names),
                understanding=_decision(assessment, "understanding", names),
                missing=what_is_missing(blocks, own, assessment),
                revision=assessment.revision if assessment else 0,
                eligible=assessment.eligible if assessment else None,
                steps=progress_steps(
                    enrollment.seat,
                    progress,
                    released_facts(assessment, workshop),
                    exam_required=exam_required,
                ),
            )
        )
    return tuple(entries)


def _decision(assessment: Assessment | None, subject: str, names: Mapping[UUID, str]) -> DecisionView:
    if assessment is None:
        return DecisionView(value=None, by_name=None, at=None, note=None)
    by: UUID | None = getattr(assessment, f"{subject}_by")
    return DecisionView(
        value=getattr(assessment, subject),
        by_name=names.get(by) if by else None,
        at=getattr(assessment, f"{subject}_at"),
        note=getattr(assessment, f"{subject}_note"),
    )
