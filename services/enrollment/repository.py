"""Selects that load aggregates for change, and the guarded updates of the seats."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.enrollment.domain import (
    Assessment,
    Attendance,
    Block,
    Booking,
    BookingState,
    Course,
    Enrollment,
    Letter,
    LoginThrottle,
    SeatState,
    StaffMember,
    Workshop,
    WorkshopState,
)
from services.enrollment.domain.enrollment import LIVE_SEATS

_workshop: Any = Workshop.__table__
_booking: Any = Booking.__table__
_enrollment: Any = Enrollment.__table__
_throttle: Any = LoginThrottle.__table__


@dataclass(frozen=True, kw_only=True)
class Reserved:
    """What the winner of some seats needs to know about the workshop."""

    course_code: str
    title: str
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    price_minor: int
    currency: str


def seats_are_free(seats: ColumnElement[int]) -> ColumnElement[bool]:
    """The guard of the last seat: judged by the database while it holds the row."""
    free: ColumnElement[bool] = _workshop.c.reserved + seats <= _workshop.c.capacity
    return free


def reserve_seats(
    connection: Connection, workshop_id: UUID, seats: int, *, starts_after: datetime
) -> Reserved | None:
    """Take seats in one guarded statement; None when that was not possible.

    One statement, because between a look and a later write another buyer takes the seat. A CHECK in the
    table stands behind it. `starts_after` is the moment of asking or of paying: nobody gets a seat in a
    workshop that had begun by then.
    """
    values = {"wanted_id": workshop_id, "seats": seats, "starts_after": starts_after}
    row = connection.execute(_reserve(seats_are_free), values).one_or_none()
    return None if row is None else Reserved(**row._mapping)


@cache
def _reserve(guard: Callable[[ColumnElement[int]], ColumnElement[bool]]) -> Any:
    # Built once for each guard, because this is the busiest writing path. A test takes the guard away.
    seats: ColumnElement[int] = bindparam("seats", type_=Integer)
    conditions = [
        _workshop.c.workshop_id == bindparam("wanted_id"),
        _workshop.c.state == WorkshopState.PUBLISHED,
        _workshop.c.starts_at > bindparam("starts_after"),
        guard(seats),
    ]
    return (
        update(_workshop)
        .where(and_(*conditions))
        .values(reserved=_workshop.c.reserved + seats)
        .returning(*(_workshop.c[field.name] for field in fields(Reserved)))
    )


def release_seats(connection: Connection, workshop_id: UUID, seats: int) -> None:
    """Give seats back."""
    connection.execute(
        update(_workshop)
        .where(_workshop.c.workshop_id == workshop_id)
        .values(reserved=_workshop.c.reserved - seats)
    )


def live_seats(session: Session, workshop_id: UUID) -> int:
    """How many seats are held or kept; the workshop's row is the lock."""
    live = select(func.count()).where(Enrollment.workshop_id == workshop_id, Enrollment.seat.in_(LIVE_SEATS))
    return session.scalars(live).one()


def set_reserved(connection: Connection, workshop_id: UUID, seats: int) -> None:
    """Set the counter, for whoever holds the row and has counted."""
    connection.execute(update(_workshop).where(_workshop.c.workshop_id == workshop_id).values(reserved=seats))


def insert_booking(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Insert one booking by Core; False when its reference or its submission is already there."""
    statement = _new_booking(connection.dialect.name)
    return connection.execute(statement, values).one_or_none() is not None


def insert_enrollments(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert a booking's enrollments in one statement."""
    connection.execute(_NEW_ENROLLMENT, rows[0] if len(rows) == 1 else list(rows))


@cache
def _new_booking(dialect: str) -> Any:
    own: Any = postgresql if dialect == "postgresql" else sqlite
    return own.insert(_booking).on_conflict_do_nothing().returning(_booking.c.booking_id)


_NEW_ENROLLMENT = insert(_enrollment)


def booking_by_submission(session: Session, submission_id: UUID) -> Booking | None:
    """The booking that was made of this form."""
    return session.scalars(select(Booking).where(Booking.submission_id == submission_id)).one_or_none()


def booking_by_reference(session: Session, reference: str) -> Booking | None:
    """A booking by what people quote on the phone, locked for change."""
    return session.scalars(
        select(Booking).where(Booking.reference == reference.strip().upper()).with_for_update()
    ).one_or_none()


def enrollments_of_booking(session: Session, booking_id: UUID) -> Sequence[Enrollment]:
    """A booking's enrollments in their order; its row is the lock."""
    return session.scalars(
        select(Enrollment).where(Enrollment.booking_id == booking_id).order_by(Enrollment.position)
    ).all()


@dataclass(frozen=True, kw_only=True)
class DueHold:
    """A hold that is over, by the order in which holds are ended."""

    hold_ends_at: datetime
    booking_id: UUID


def due_holds(session: Session, now: datetime, limit: int, *, after: DueHold | None) -> Sequence[DueHold]:
    """Bookings whose hold is over, the longest over first; those behind `after`, if it is given."""
    due = select(Booking.hold_ends_at, Booking.booking_id).where(
        Booking.state == BookingState.HELD, Booking.hold_ends_at <= now
    )
    if after is not None:
        due = due.where(
            or_(
                Booking.hold_ends_at > after.hold_ends_at,
                and_(Booking.hold_ends_at == after.hold_ends_at, Booking.booking_id > after.booking_id),
            )
        )
    rows = session.execute(due.order_by(Booking.hold_ends_at, Booking.booking_id).limit(limit))
    return [DueHold(hold_ends_at=row.hold_ends_at, booking_id=row.booking_id) for row in rows]


def workshop(session: Session, workshop_id: UUID) -> Workshop | None:
    """A workshop, to explain why its seats could not be taken."""
    return session.scalars(
        select(Workshop).where(Workshop.workshop_id == workshop_id).execution_options(populate_existing=True)
    ).one_or_none()


def start_of(session: Session, workshop_id: UUID) -> datetime:
    """When a workshop begins."""
    return session.scalars(select(Workshop.starts_at).where(Workshop.workshop_id == workshop_id)).one()


def course(session: Session, code: str) -> Course | None:
    """A course by its code."""
    return session.get(Course, code)


def course_code_of(session: Session, workshop_id: UUID) -> str:
    """The code of the course that a workshop runs."""
    return session.scalars(select(Workshop.course_code).where(Workshop.workshop_id == workshop_id)).one()


def course_codes(session: Session) -> Collection[str]:
    """The codes of all courses."""
    return frozenset(session.scalars(select(Course.code)))


def blocks_of_workshop(session: Session, workshop_id: UUID) -> Sequence[Block]:
    """A workshop's blocks in their order."""
    return session.scalars(
        select(Block).where(Block.workshop_id == workshop_id).order_by(Block.position)
    ).all()


def kept_enrollments(session: Session, workshop_id: UUID) -> Sequence[Enrollment]:
    """The confirmed attendees of a workshop."""
    return session.scalars(
        select(Enrollment)
        .where(Enrollment.workshop_id == workshop_id, Enrollment.seat == SeatState.KEPT)
        .order_by(Enrollment.enrollment_id)
    ).all()


def attendance_of(session: Session, enrollment_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], Attendance]:
    """What is recorded for these people, by enrollment and block; the workshop's row is the lock."""
    rows = session.scalars(select(Attendance).where(Attendance.enrollment_id.in_(enrollment_ids)))
    return {(row.enrollment_id, row.block_id): row for row in rows}


def assessments_of(session: Session, enrollment_ids: Collection[UUID]) -> dict[UUID, Assessment]:
    """The decisions about these people; the workshop's row is the lock."""
    rows = session.scalars(select(Assessment).where(Assessment.enrollment_id.in_(enrollment_ids)))
    return {row.enrollment_id: row for row in rows}


def staff_by_email(session: Session, email: str) -> StaffMember | None:
    """An account by its address, locked for change."""
    return session.scalars(
        select(StaffMember).where(StaffMember.email == email.strip().lower()).with_for_update()
    ).one_or_none()


def forget_logins(connection: Connection, before: datetime) -> None:
    """Delete attempts to sign in that were made before."""
    connection.execute(delete(_throttle).where(_throttle.c.last_attempt_at < before))


def letters_of_booking(session: Session, booking_id: UUID) -> dict[UUID, Letter]:
    """The letters already noted for a booking."""
    rows = session.scalars(select(Letter).where(Letter.booking_id == booking_id))
    return {row.letter_id: row for row in rows}
