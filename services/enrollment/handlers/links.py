"""Links of a booking that are replaced, because one of them got into wrong hands."""

from collections.abc import Sequence

from services.enrollment import repository
from services.enrollment.commands import RenewLinks
from services.enrollment.domain import Booking, Enrollment
from shared.contracts.enrollment import BookingPlaced, Payer, PlacedSeat
from shared.db.transaction import Tx
from shared.errors import NotFound


def renew_links(command: RenewLinks, tx: Tx) -> int:
    """Give all links of a booking a new version, and tell it again: every service refuses the old ones.

    The letters with the new links follow from the same event. Returns the version.
    """
    booking = repository.booking_by_reference(tx.session, command.reference)
    if booking is None:
        raise NotFound("unknown_booking", "There is no booking with this reference.")
    enrollments = repository.enrollments_of_booking(tx.session, booking.booking_id)
    booking.link_version += 1
    for enrollment in enrollments:
        enrollment.link_version = booking.link_version
    tx.publish(_told_again(booking, enrollments, tx))
    return booking.link_version


def _told_again(booking: Booking, enrollments: Sequence[Enrollment], tx: Tx) -> BookingPlaced:
    workshop = repository.workshop(tx.session, booking.workshop_id)
    assert workshop is not None
    return BookingPlaced(
        booking_id=booking.booking_id,
        reference=booking.reference,
        workshop_id=booking.workshop_id,
        workshop_title=workshop.title,
        course_code=workshop.course_code,
        time_zone=workshop.time_zone,
        starts_at=workshop.starts_at,
        ends_at=workshop.ends_at,
        currency=booking.currency,
        amount_minor=booking.amount_minor,
        pay_by=booking.pay_by,
        link_version=booking.link_version,
        seats=tuple(
            PlacedSeat(
                enrollment_id=each.enrollment_id,
                amount_minor=each.amount_minor,
                link_version=each.link_version,
            )
            for each in enrollments
        ),
        person=Payer(payer_name=booking.payer_name, payer_email=booking.payer_email, locale=booking.locale),
    )
