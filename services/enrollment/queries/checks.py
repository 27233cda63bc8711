"""Whether our own numbers agree with each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.enrollment.domain import Enrollment, Workshop
from services.enrollment.domain.enrollment import LIVE_SEATS


@dataclass(frozen=True, kw_only=True)
class SeatDifference:
    """A workshop whose counter does not match its live enrollments."""

    workshop_id: UUID
    reserved: int
    live: int


def seat_differences(session: Session) -> Sequence[SeatDifference]:
    """Workshops whose `reserved` is not the number of held and kept seats; one statement, one snapshot."""
    live = (
        select(func.count())
        .where(Enrollment.workshop_id == Workshop.workshop_id, Enrollment.seat.in_(LIVE_SEATS))
        .correlate(Workshop)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Workshop.workshop_id, Workshop.reserved, live.label("live"))
        .where(Workshop.reserved != live)
        .order_by(Workshop.workshop_id)
    )
    return [SeatDifference(workshop_id=row.workshop_id, reserved=row.reserved, live=row.live) for row in rows]
