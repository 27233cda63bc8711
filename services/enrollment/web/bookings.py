"""The booking page behind its link."""

from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.enrollment import handlers, queries
from services.enrollment.commands import KeepSeatsLonger
from services.enrollment.domain import BookingState, HoldPolicy
from services.enrollment.web.links import booking_links, certificate_urls
from shared.auth.guards import link
from shared.auth.links import Link, NotHeardYet, check_version
from shared.errors import Conflict
from shared.web.current import current_service, request_tx
from shared.web.pages import field_errors, page, see_other

blueprint = Blueprint("bookings", __name__)

_LOOK_AGAIN_SECONDS = 15


@blueprint.get("/bookings/<token>")
@link("booking")
def show_booking(link: Link) -> ResponseReturnValue:
    """What became of the booking, what happens next, and the way to pay while it is held."""
    return _show(link, {})


@blueprint.post("/bookings/<token>/more-time")
@link("booking")
def ask_for_more_time(link: Link) -> ResponseReturnValue:
    """Keep the seats longer, before the payment page is opened."""
    service = current_service()
    with service.transactions.read() as session:
        check_version(link, _known_version(session, link.subject_id))
    command = KeepSeatsLonger(booking_id=link.subject_id, hold=service.gateway(HoldPolicy))
    try:
        with request_tx() as tx:
            handlers.keep_seats_longer(command, tx)
    except Conflict as error:
        return _show(link, field_errors(error))
    token = str((request.view_args or {}).get("token", ""))
    return see_other(f"/bookings/{token}?said=longer")


def _show(link: Link, errors: dict[str, list[str]]) -> ResponseReturnValue:
    service = current_service()
    now, hold = service.clock.now(), service.gateway(HoldPolicy)
    with service.transactions.read() as session:
        booking = queries.booking_page(session, link.subject_id)
    if booking is None:
        raise NotHeardYet
    check_version(link, booking.link_version)
    links = booking_links(service, booking.booking_id, booking.link_version)
    certificates = certificate_urls(
        service, [(attendee.enrollment_id, attendee.link_version) for attendee in booking.attendees]
    )
    can_pay = booking.can_pay(now)
    response = page(
        "enrollment/booking.html",
        409 if errors else 200,
        errors=errors,
        booking=booking,
        now=now,
        can_pay=can_pay,
        longer_until=booking.longer_until(now, hold),
        extensions_left=hold.most_extensions - booking.extensions,
        said=request.args.get("said"),
        booking_path=f"/bookings/{links.booking_token}",
        pay_path=f"/pay/{links.pay_token}",
        certificates=certificates,
    )
    if booking.state is BookingState.HELD and not can_pay and not errors:
        # The page promises to tell; whoever can still pay is left to read in peace.
        response.headers["Refresh"] = str(_LOOK_AGAIN_SECONDS)
    return response


@blueprint.get("/bookings/continue/<token>")
@link("pay")
def continue_booking(link: Link) -> ResponseReturnValue:
    """From the payment page back to the booking: whoever may pay for it may see it."""
    service = current_service()
    with service.transactions.read() as session:
        version = _known_version(session, link.subject_id)
    check_version(link, version)
    return see_other(f"/bookings/{service.links.issue('booking', link.subject_id, version)}")


def _known_version(session: Session, booking_id: UUID) -> int:
    version = queries.booking_link_version(session, booking_id)
    if version is None:
        raise NotHeardYet
    return version
