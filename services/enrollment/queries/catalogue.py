"""What can be booked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Pool, bindparam, func, select
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


class Offer(NamedTuple):
    """What a workshop of the catalogue is looked for by. A tuple: there are as many as there are workshops."""

    workshop_id: UUID
    course_code: str
    course_name: str
    delivery: Delivery
    starts_at: datetime
    time_zone: str


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
    """Published workshops that have not begun, the next one first; full ones are shown as full."""
    return _entries(session.connection().execute(_OFFERED, {"now": now}).all())


def offers(session: Session, now: datetime) -> Sequence[Offer]:
    """The whole catalogue in its order, each workshop with no more than what it is looked for by.

    What is published does not change until it is completed or cancelled, so the list is kept and read again
    when the number of published workshops or the newest publication is another.
    """
    connection = session.connection()
    stamp = tuple(connection.execute(_STAMP).one())
    remembered = _remembered.get(connection.engine.pool)
    if remembered is None or remembered[0] != stamp:
        rows = connection.execute(_OFFERS).all()
        remembered = _remembered[connection.engine.pool] = (stamp, [Offer._make(row) for row in rows])
    return [offer for offer in remembered[1] if offer.starts_at > now]


def catalogue_entries(session: Session, workshop_ids: Sequence[UUID]) -> Sequence[CatalogueEntry]:
    """These lines of the catalogue, the next workshop first."""
    return _entries(session.connection().execute(_SOME, {"workshop_ids": list(workshop_ids)}).all())


def _entries(rows: Iterable[Any]) -> Sequence[CatalogueEntry]:
    return [CatalogueEntry(**row._mapping) for row in rows]


# Columns and not entities, and statements that are built once: the list is long, and nothing of it is changed.
_workshop: Any = Workshop.__table__
_course: Any = Course.__table__
_trainer: Any = StaffMember.__table__
_IN_ORDER = (_workshop.c.starts_at, _workshop.c.workshop_id)
_ON_OFFER = (_workshop.c.state == WorkshopState.PUBLISHED, _workshop.c.starts_at > bindparam("now"))
_ENTRIES = (
    select(
        _workshop.c.workshop_id,
        _workshop.c.title,
        _workshop.c.course_code,
        _course.c.name.label("course_name"),
        _trainer.c.name.label("trainer_name"),
        _workshop.c.starts_at,
        _workshop.c.ends_at,
        _workshop.c.time_zone,
        _workshop.c.delivery,
        _workshop.c.venue,
        _workshop.c.price_minor,
        _workshop.c.currency,
        _workshop.c.capacity,
        (_workshop.c.capacity - _workshop.c.reserved).label("seats_left"),
    )
    .join(_course, _course.c.code == _workshop.c.course_code)
    .join(_trainer, _trainer.c.staff_id == _workshop.c.trainer_id)
    .order_by(*_IN_ORDER)
)
_OFFERED = _ENTRIES.where(*_ON_OFFER)
_SOME = _ENTRIES.where(_workshop.c.workshop_id.in_(bindparam("workshop_ids", expanding=True)))
_OFFERS = (
    select(
        _workshop.c.workshop_id,
        _workshop.c.course_code,
        _course.c.name,
        _workshop.c.delivery,
        _workshop.c.starts_at,
        _workshop.c.time_zone,
    )
    .join(_course, _course.c.code == _workshop.c.course_code)
    .where(_workshop.c.state == WorkshopState.PUBLISHED)
    .order_by(*_IN_ORDER)
)
_STAMP = select(func.count(), func.max(_workshop.c.published_at)).where(
    _workshop.c.state == WorkshopState.PUBLISHED
)
# By pool: each reading transaction has an engine object of its own.
_remembered: WeakKeyDictionary[Pool, tuple[tuple[Any, ...], list[Offer]]] = WeakKeyDictionary()


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
