"""The booking page behind its link."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from services.enrollment import queries
from services.enrollment.domain import BookingState
from services.enrollment.web.links import booking_links, certificate_urls
from shared.auth.guards import link
from shared.auth.links import Link, NotHeardYet, check_version
from shared.web.current import current_service
from shared.web.pages import page, see_other

blueprint = Blueprint("bookings", __name__)

_LOOK_AGAIN_SECONDS = 15


@blueprint.get("/bookings/<token>")
@link("booking")
def show_booking(link: Link) -> ResponseReturnValue:
    """What became of the booking, what happens next, and the way to pay while it is held."""
    service = current_service()
    with service.transactions.read() as session:
        booking = queries.booking_page(session, link.subject_id)
    if booking is None:
        raise NotHeardYet
    check_version(link, booking.link_version)
    links = booking_links(service, booking.booking_id, booking.link_version)
    certificates = certificate_urls(
        service, [(attendee.enrollment_id, attendee.link_version) for attendee in booking.attendees]
    )
    can_pay = booking.can_pay(service.clock.now())
    response = page(
        "enrollment/booking.html",
        booking=booking,
        can_pay=can_pay,
        pay_path=f"/pay/{links.pay_token}",
        certificates=certificates,
    )
    if booking.state is BookingState.HELD and not can_pay:
        # The page promises to tell; whoever can still pay is left to read in peace.
        response.headers["Refresh"] = str(_LOOK_AGAIN_SECONDS)
    return response


@blueprint.get("/bookings/continue/<token>")
@link("pay")
def continue_booking(link: Link) -> ResponseReturnValue:
    """From the payment page back to the booking: whoever may pay for it may see it."""
    service = current_service()
    with service.transactions.read() as session:
        version = queries.booking_link_version(session, link.subject_id)
    if version is None:
        raise NotHeardYet
    check_version(link, version)
    return see_other(f"/bookings/{service.links.issue('booking', link.subject_id, version)}")
