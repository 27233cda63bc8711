"""Letters: what is to be sent is noted before it is sent, and what was sent afterwards."""

from collections.abc import Sequence
from uuid import UUID

from services.enrollment import repository
from services.enrollment.commands import RecordLetter, WantLetters
from services.enrollment.domain import Booking, BookingState, Letter, LetterKind
from services.enrollment.domain.letter import TO_AN_ATTENDEE, letter_id
from shared.db.transaction import Tx
from shared.errors import Permanent


def want_letters(command: WantLetters, tx: Tx) -> Sequence[Letter]:
    """Note a booking's letters of these kinds; those that have not gone out, in a steady order."""
    booking = tx.get_for_update(Booking, command.booking_id)
    if booking is None:
        raise Permanent(f"booking {command.booking_id} was never placed here")
    known = repository.letters_of_booking(tx.session, booking.booking_id)
    wanted: list[Letter] = []
    for kind in command.kinds:
        if kind is LetterKind.BOOKING_HELD and not _waits_for_money(booking):
            # The letter that says what became of it says more.
            continue
        if kind is LetterKind.SEAT_LINK_RENEWED and booking.state is not BookingState.CONFIRMED:
            # They have had no link yet.
            continue
        for subject_id in _subjects(kind, booking, tx):
            key = letter_id(kind, subject_id, booking.link_version)
            if key not in known:
                known[key] = Letter(
                    letter_id=key,
                    kind=kind,
                    booking_id=booking.booking_id,
                    subject_id=subject_id,
                    wanted_at=tx.now(),
                )
                tx.add(known[key])
            wanted.append(known[key])
    return [letter for letter in wanted if letter.sent_at is None]


def record_letter(command: RecordLetter, tx: Tx) -> None:
    """Note what became of a letter."""
    letter = tx.get_for_update(Letter, command.letter_id)
    assert letter is not None
    if command.refused:
        letter.refused_at = tx.now()
    else:
        letter.sent_at, letter.refused_at = tx.now(), None


def _waits_for_money(booking: Booking) -> bool:
    return booking.state is BookingState.HELD and booking.amount_minor > 0


def _subjects(kind: LetterKind, booking: Booking, tx: Tx) -> Sequence[UUID]:
    """Whom a letter is about: the booking, or each of its enrollments."""
    if kind not in TO_AN_ATTENDEE:
        return [booking.booking_id]
    return [row.enrollment_id for row in repository.enrollments_of_booking(tx.session, booking.booking_id)]
