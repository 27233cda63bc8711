"""Holds: how long seats wait for money, and what happens when the wait is over."""

from collections.abc import Sequence
from uuid import UUID

from services.enrollment import repository
from services.enrollment.commands import EndHold, ExtendHold, KeepSeatsLonger
from services.enrollment.domain import Booking, Enrollment, SeatState
from shared.contracts.enrollment import BookingExpired, BookingExtended, LostSeat
from shared.db.transaction import Tx
from shared.errors import Permanent


def extend_hold(command: ExtendHold, tx: Tx) -> None:
    """Move the hold's end while it stands; a hold that is over stays over."""
    booking = known_booking(command.booking_id, tx)
    booking.extend_hold(command.hold_ends_at)
    booking.note_page_open(command.page_open_until)


def keep_seats_longer(command: KeepSeatsLonger, tx: Tx) -> bool:
    """Give the payer more time and say so; whether the deadline moved. The booking's row is the lock."""
    booking = known_booking(command.booking_id, tx)
    starts_at = repository.start_of(tx.session, booking.workshop_id)
    if not booking.keep_longer(command.hold, starts_at=starts_at, now=tx.now()):
        return False
    tx.publish(BookingExtended(booking_id=booking.booking_id, pay_by=booking.pay_by))
    return True


def end_hold(command: EndHold, tx: Tx) -> None:
    """Give the seats back and say so, unless somebody paid or the end moved meanwhile."""
    booking = tx.get_for_update(Booking, command.booking_id)
    if booking is None or not booking.expire(tx.now()):
        return
    enrollments = change_seats(booking, SeatState.LOST, tx)
    repository.release_seats(tx.session.connection(), booking.workshop_id, booking.seats)
    tx.publish(
        BookingExpired(booking_id=booking.booking_id, reason="hold_ended", seats=lost_seats(enrollments))
    )


def known_booking(booking_id: UUID, tx: Tx) -> Booking:
    """The booking, locked."""
    booking = tx.get_for_update(Booking, booking_id)
    if booking is None:
        # Every booking is announced by us in the transaction that makes it: nobody can know it before we do.
        raise Permanent(f"booking {booking_id} was never placed here")
    return booking


def change_seats(booking: Booking, to: SeatState, tx: Tx) -> Sequence[Enrollment]:
    """Keep or lose all seats of a booking."""
    enrollments = repository.enrollments_of_booking(tx.session, booking.booking_id)
    for enrollment in enrollments:
        enrollment.change_seat(to)
    return enrollments


def lost_seats(enrollments: Sequence[Enrollment]) -> tuple[LostSeat, ...]:
    """What is told of seats that are not kept."""
    return tuple(
        LostSeat(enrollment_id=enrollment.enrollment_id, revision=enrollment.seat_revision)
        for enrollment in enrollments
    )
