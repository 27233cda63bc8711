"""Bookings: placed, confirmed, unseated."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.enrollment import repository
from services.enrollment.commands import (
    ConfirmBooking,
    PlaceBooking,
    RecordPaymentProblem,
)
from services.enrollment.domain import Booking, BookingState, SeatState, WorkshopState
from services.enrollment.domain.booking import (
    MAX_SEATS,
    MONEY_DIFFERS,
    MONEY_RETURNED,
    Unseated,
    new_reference,
    seat_shares,
)
from services.enrollment.domain.errors import BookingClosed, PriceChanged, UnknownWorkshop, WorkshopFull
from services.enrollment.domain.people import AttendeeDetails, check_party
from services.enrollment.handlers.holds import change_seats, known_booking, lost_seats
from services.enrollment.handlers.progress import learn_coverage
from shared.contracts.enrollment import (
    Attendee,
    BookingConfirmed,
    BookingPlaced,
    BookingUnseated,
    ConfirmedSeat,
    Payer,
    PlacedSeat,
)
from shared.db.transaction import Tx
from shared.errors import AppError, Invalid
from shared.ids import new_id

_REFERENCE_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class PlacedBooking:
    """What a buyer gets: enough to show the booking and to make its links."""

    booking_id: UUID
    reference: str
    link_version: int
    amount_minor: int
    currency: str
    pay_by: datetime
    enrollment_ids: tuple[UUID, ...]


def place_booking(command: PlaceBooking, tx: Tx) -> PlacedBooking:
    """Hold the seats, freeze the price and announce the booking.

    This is the busiest writing path, so it uses Core statements: one guarded update, two inserts.
    """
    payer, attendees, wrong = check_party(command.payer, command.attendees, max_seats=MAX_SEATS)
    if wrong:
        raise Invalid("bad_booking", "Correct the fields that are marked.", fields=wrong)
    now, seats, connection = tx.now(), len(attendees), tx.session.connection()
    reserved = repository.reserve_seats(connection, command.workshop_id, seats, starts_after=now)
    if reserved is None:
        if (earlier := _same_submission(command, tx)) is not None:
            return earlier
        raise _refusal(command.workshop_id, tx)
    amount_minor = reserved.price_minor * seats
    if command.expected_amount_minor not in (None, amount_minor):
        raise PriceChanged
    booking_id, pay_by = new_id(), command.hold.pay_by(now)
    values = {
        "booking_id": booking_id,
        "submission_id": command.submission_id,
        "workshop_id": command.workshop_id,
        "state": BookingState.HELD,
        "payer_name": payer.name,
        "payer_email": payer.email,
        "locale": payer.locale,
        "seats": seats,
        "seat_price_minor": reserved.price_minor,
        "amount_minor": amount_minor,
        "currency": reserved.currency,
        "link_version": 1,
        "placed_at": now,
        "pay_by": pay_by,
        "hold_ends_at": command.hold.hold_ends_at(pay_by),
        "extensions": 0,
        "wrong_money_revision": 0,
    }
    for _ in range(_REFERENCE_TRIES):
        reference = new_reference()
        if repository.insert_booking(connection, {**values, "reference": reference}):
            break
        if (earlier := _same_submission(command, tx)) is not None:
            repository.release_seats(connection, command.workshop_id, seats)
            return earlier
    else:
        raise RuntimeError("no free booking reference was found")
    shares = seat_shares(amount_minor, seats)
    rows = [
        _seat_row(booking_id, command.workshop_id, position, attendee, share)
        for position, (attendee, share) in enumerate(zip(attendees, shares, strict=True), start=1)
    ]
    repository.insert_enrollments(connection, rows)
    tx.publish(
        BookingPlaced(
            booking_id=booking_id,
            reference=reference,
            workshop_id=command.workshop_id,
            workshop_title=reserved.title,
            course_code=reserved.course_code,
            time_zone=reserved.time_zone,
            starts_at=reserved.starts_at,
            ends_at=reserved.ends_at,
            currency=reserved.currency,
            amount_minor=amount_minor,
            pay_by=pay_by,
            link_version=1,
            seats=tuple(
                PlacedSeat(
                    enrollment_id=row["enrollment_id"], amount_minor=row["amount_minor"], link_version=1
                )
                for row in rows
            ),
            person=Payer(payer_name=payer.name, payer_email=payer.email, locale=payer.locale),
        )
    )
    return PlacedBooking(
        booking_id=booking_id,
        reference=reference,
        link_version=1,
        amount_minor=amount_minor,
        currency=reserved.currency,
        pay_by=pay_by,
        enrollment_ids=tuple(row["enrollment_id"] for row in rows),
    )


def confirm_booking(command: ConfirmBooking, tx: Tx) -> None:
    """Money came: keep the seats. After the hold: reserve them again, all or none.

    Late news of money that was paid before the workshop began is our delay and still seats; money paid after
    that buys nothing.
    """
    booking = known_booking(command.booking_id, tx)
    learn_coverage(command.coverage, "paid", command.occurred_at, tx)
    if booking.state is BookingState.HELD:
        _confirm(booking, command.payment_id, tx)
    elif booking.state is BookingState.EXPIRED:
        # The payment came late. Whoever holds the seats now keeps them; a part of the seats helps nobody.
        connection, paid_at = tx.session.connection(), command.occurred_at
        if repository.reserve_seats(connection, booking.workshop_id, booking.seats, starts_after=paid_at):
            _confirm(booking, command.payment_id, tx)
        else:
            booking.unseat(command.payment_id, _why_unseated(booking, paid_at, tx), tx.now())
            enrollments = change_seats(booking, SeatState.LOST, tx)
            tx.publish(
                BookingUnseated(
                    booking_id=booking.booking_id,
                    payment_id=command.payment_id,
                    seats=lost_seats(enrollments),
                )
            )


def record_payment_problem(command: RecordPaymentProblem, tx: Tx) -> None:
    """Remember why paying did not work, for the booking page; the hold itself is left alone."""
    booking = known_booking(command.booking_id, tx)
    if command.page_expires_at is not None:
        booking.note_page_closed(command.page_expires_at)
    if command.reason in MONEY_DIFFERS or command.reason == MONEY_RETURNED:
        booking.note_wrong_money(command.reason, command.revision or 0, command.occurred_at)
    else:
        booking.note_payment_problem(command.reason, command.occurred_at)


def _confirm(booking: Booking, payment_id: UUID, tx: Tx) -> None:
    booking.confirm(payment_id, tx.now())
    enrollments = change_seats(booking, SeatState.KEPT, tx)
    course_code = repository.course_code_of(tx.session, booking.workshop_id)
    tx.publish(
        BookingConfirmed(
            booking_id=booking.booking_id,
            workshop_id=booking.workshop_id,
            course_code=course_code,
            seats=tuple(
                ConfirmedSeat(
                    enrollment_id=enrollment.enrollment_id,
                    revision=enrollment.seat_revision,
                    person=Attendee(
                        given_name=enrollment.given_name,
                        family_name=enrollment.family_name,
                        email=enrollment.email,
                        registry_email=enrollment.registry_email,
                    ),
                )
                for enrollment in enrollments
            ),
        )
    )


def _why_unseated(booking: Booking, paid_at: datetime, tx: Tx) -> Unseated:
    """Why the seats could not be given back, found out only when they could not."""
    workshop = repository.workshop(tx.session, booking.workshop_id)
    assert workshop is not None
    if workshop.state is WorkshopState.CANCELLED:
        return Unseated.CANCELLED
    if workshop.state is WorkshopState.COMPLETED or workshop.starts_at <= paid_at:
        return Unseated.BEGUN
    return Unseated.FULL


def _same_submission(command: PlaceBooking, tx: Tx) -> PlacedBooking | None:
    """The booking that the same form made before; only for the same workshop and payer."""
    if command.submission_id is None:
        return None
    booking = repository.booking_by_submission(tx.session, command.submission_id)
    if booking is None:
        return None
    payer, _, _ = check_party(command.payer, command.attendees, max_seats=MAX_SEATS)
    if (booking.workshop_id, booking.payer_email) != (command.workshop_id, payer.email):
        raise Invalid("form_used", "This form was already used for another booking. Start again.")
    enrollments = repository.enrollments_of_booking(tx.session, booking.booking_id)
    return PlacedBooking(
        booking_id=booking.booking_id,
        reference=booking.reference,
        link_version=booking.link_version,
        amount_minor=booking.amount_minor,
        currency=booking.currency,
        pay_by=booking.pay_by,
        enrollment_ids=tuple(enrollment.enrollment_id for enrollment in enrollments),
    )


def _refusal(workshop_id: UUID, tx: Tx) -> AppError:
    """Why the seats could not be taken, found out only when they could not."""
    workshop = repository.workshop(tx.session, workshop_id)
    if workshop is None or workshop.state is WorkshopState.DRAFT:
        return UnknownWorkshop()
    if workshop.state is WorkshopState.CANCELLED:
        return BookingClosed("This workshop was cancelled.")
    if workshop.state is WorkshopState.COMPLETED or workshop.starts_at <= tx.now():
        return BookingClosed("This workshop has already begun.")
    return WorkshopFull(workshop.capacity - workshop.reserved)


def _seat_row(
    booking_id: UUID, workshop_id: UUID, position: int, attendee: AttendeeDetails, amount_minor: int
) -> dict[str, Any]:
    return {
        "enrollment_id": new_id(),
        "booking_id": booking_id,
        "workshop_id": workshop_id,
        "position": position,
        "seat": SeatState.HELD,
        "seat_revision": 0,
        "amount_minor": amount_minor,
        "link_version": 1,
        "given_name": attendee.given_name,
        "family_name": attendee.family_name,
        "email": attendee.email,
        "registry_email": attendee.registry_email,
    }
