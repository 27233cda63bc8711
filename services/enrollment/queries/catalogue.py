"""What can be booked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.enrollment.domain import Block, Course, Delivery, StaffMember, Workshop, WorkshopState


@dataclass(frozen=True, kw_only=True)
class BlockView:
    """One block of a schedule."""

    block_id: UUID
    position: int
    starts_at: datetime
    ends_at: datetime
    break_minutes: int
    contact_minutes: int


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """One line of the catalogue."""

    workshop_id: UUID
    title: str
    course_code: str
    course_name: str
    trainer_name: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    delivery: Delivery
    venue: str | None
    price_minor: int
    currency: str
    capacity: int
    seats_left: int


@dataclass(frozen=True, kw_only=True)
class WorkshopPage(CatalogueEntry):
    """Everything a buyer wants to know. `closed_because` is a sentence when it cannot be booked now."""

    state: WorkshopState
    blocks: tuple[BlockView, ...]
    contact_minutes: int
    required_minutes: int
    accreditor: str
    exam_required: bool
    summary: str
    included: tuple[str, ...]
    closed_because: str | None

    @property
    def bookable(self) -> bool:
        """Whether seats can be booked now."""
        return self.closed_because is None


@dataclass(frozen=True, kw_only=True)
class RunningWorkshop:
    """A workshop that runs or will, and when it is over."""

    title: str
    ends_at: datetime
    time_zone: str


@dataclass(frozen=True, kw_only=True)
class CourseRow:
    """A course, for whoever plans a workshop."""

    code: str
    name: str
    min_contact_minutes: int


def courses(session: Session) -> Sequence[CourseRow]:
    """All courses by name."""
    return [
        CourseRow(code=course.code, name=course.name, min_contact_minutes=course.min_contact_minutes)
        for course in session.scalars(select(Course).order_by(Course.name))
    ]


def catalogue(session: Session, now: datetime) -> Sequence[CatalogueEntry]:
    """Published workshops that have not begun, the next one first; full ones are shown as full.

    Columns and not entities: the list is long, and nothing of it is changed.
    """
    rows = session.execute(
        select(
            Workshop.workshop_id,
            Workshop.title,
            Workshop.course_code,
            Course.name.label("course_name"),
            StaffMember.name.label("trainer_name"),
            Workshop.starts_at,
            Workshop.ends_at,
            Workshop.time_zone,
            Workshop.delivery,
            Workshop.venue,
            Workshop.price_minor,
            Workshop.currency,
            Workshop.capacity,
            (Workshop.capacity - Workshop.reserved).label("seats_left"),
        )
        .join(Course, Course.code == Workshop.course_code)
        .join(StaffMember, StaffMember.staff_id == Workshop.trainer_id)
        .where(Workshop.state == WorkshopState.PUBLISHED, Workshop.starts_at > now)
        .order_by(Workshop.starts_at, Workshop.workshop_id)
    )
    return [CatalogueEntry(**row._mapping) for row in rows]


def next_to_end(session: Session, now: datetime) -> RunningWorkshop | None:
    """The published workshop whose last block ends next."""
    row = session.execute(
        select(Workshop.title, Workshop.ends_at, Workshop.time_zone)
        .where(Workshop.state == WorkshopState.PUBLISHED, Workshop.ends_at > now)
        .order_by(Workshop.ends_at, Workshop.workshop_id)
        .limit(1)
    ).one_or_none()
    return None if row is None else RunningWorkshop(**row._mapping)


def workshop_page(session: Session, workshop_id: UUID, now: datetime) -> WorkshopPage | None:
    """One workshop; None when there is none or it is not offered yet."""
    row = session.execute(
        select(Workshop, Course, StaffMember.name)
        .join(Course, Course.code == Workshop.course_code)
        .join(StaffMember, StaffMember.staff_id == Workshop.trainer_id)
        .where(Workshop.workshop_id == workshop_id, Workshop.published_at.is_not(None))
    ).one_or_none()
    if row is None:
        return None
    workshop, course, trainer_name = row
    blocks = blocks_of(session, workshop_id)
    assert workshop.required_minutes is not None
    return WorkshopPage(
        workshop_id=workshop.workshop_id,
        title=workshop.title,
        course_code=course.code,
        course_name=course.name,
        trainer_name=trainer_name,
        starts_at=workshop.starts_at,
        ends_at=workshop.ends_at,
        time_zone=workshop.time_zone,
        delivery=workshop.delivery,
        venue=workshop.venue,
        price_minor=workshop.price_minor,
        currency=workshop.currency,
        capacity=workshop.capacity,
        seats_left=workshop.capacity - workshop.reserved,
        state=workshop.state,
        blocks=blocks,
        contact_minutes=sum(block.contact_minutes for block in blocks),
        required_minutes=workshop.required_minutes,
        accreditor=course.accreditor,
        exam_required=course.exam_required,
        summary=course.summary,
        included=course.included,
        closed_because=_closed_because(workshop, now),
    )


def blocks_of(session: Session, workshop_id: UUID) -> tuple[BlockView, ...]:
    """A workshop's schedule."""
    return tuple(
        BlockView(
            block_id=block.block_id,
            position=block.position,
            starts_at=block.starts_at,
            ends_at=block.ends_at,
            break_minutes=block.break_minutes,
            contact_minutes=block.contact_minutes,
        )
        for block in session.scalars(
            select(Block).where(Block.workshop_id == workshop_id).order_by(Block.position)
        )
    )


def _closed_because(workshop: Workshop, now: datetime) -> str | None:
    if workshop.state is WorkshopState.CANCELLED:
        return "This workshop was cancelled."
    if workshop.state is WorkshopState.COMPLETED:
        return "This workshop is over."
    if workshop.starts_at <= now:
        return "This workshop has already begun."
    if workshop.reserved >= workshop.capacity:
        return "This workshop is full."
    return None
