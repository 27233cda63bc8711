"""Facts arrive, in any order and more than once; after each the join is judged in the same transaction."""

from uuid import UUID

from services.certification.commands import (
    CloseWorkshop,
    OpenJoins,
    RecordAssessment,
    RecordCoverage,
    RecordSeats,
)
from services.certification.domain.join import Join
from services.certification.domain.workshop import ClosedWorkshop
from services.certification.handlers.settlement import settle
from shared.db.transaction import Tx


def open_joins(command: OpenJoins, tx: Tx) -> None:
    """Fill in what only the booking tells: names of course and workshop, the zone, the link's version."""
    for enrollment_id, link_version in sorted(command.seats):
        join = _join(tx, enrollment_id, command.booking_id)
        join.booking_reference = command.booking_reference
        join.workshop_id = command.workshop_id
        join.workshop_title = command.workshop_title
        join.course_code = command.course_code
        join.time_zone = command.time_zone
        join.workshop_ends_at = command.workshop_ends_at
        join.link_version = max(link_version, join.link_version or 0)
        settle(join, tx)


def record_seats(command: RecordSeats, tx: Tx) -> None:
    """Keep the newest seat facts. Sorted by enrollment, so that two messages never lock crosswise."""
    for enrollment_id, fact in sorted(command.seats, key=lambda seat: seat[0]):
        join = _join(tx, enrollment_id, command.booking_id)
        if join.record_seat(fact, tx.now()):
            join.workshop_id = command.workshop_id or join.workshop_id
            join.course_code = command.course_code or join.course_code
            settle(join, tx)


def record_coverage(command: RecordCoverage, tx: Tx) -> None:
    """Keep the newest coverage facts."""
    for enrollment_id, fact in sorted(command.coverage, key=lambda coverage: coverage[0]):
        join = _join(tx, enrollment_id, command.booking_id)
        if join.record_coverage(fact):
            settle(join, tx)


def record_assessment(command: RecordAssessment, tx: Tx) -> None:
    """Keep the newest assessment."""
    join = _join(tx, command.enrollment_id, command.booking_id)
    if join.record_assessment(command.assessment):
        join.workshop_id = join.workshop_id or command.workshop_id
        join.course_code = join.course_code or command.course_code
        settle(join, tx)


def close_workshop(command: CloseWorkshop, tx: Tx) -> None:
    """Remember that the trainer completed the workshop: pages say when."""
    tx.get_or_add(
        ClosedWorkshop,
        command.workshop_id,
        lambda: ClosedWorkshop(
            workshop_id=command.workshop_id,
            completed_at=command.completed_at,
            completed_by=command.completed_by,
        ),
    )


def _join(tx: Tx, enrollment_id: UUID, booking_id: UUID) -> Join:
    return tx.get_or_add(
        Join, enrollment_id, lambda: Join(enrollment_id=enrollment_id, booking_id=booking_id)
    )
