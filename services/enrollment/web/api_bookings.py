"""Bookings through the API: place one, and read one by its link."""

from typing import Any

from flask_smorest import Blueprint

from services.enrollment import handlers, queries
from services.enrollment.commands import PlaceBooking
from services.enrollment.domain import HoldPolicy
from services.enrollment.domain.errors import BookingClosed, PriceChanged, UnknownWorkshop, WorkshopFull
from services.enrollment.web.links import booking_links, certificate_urls
from services.enrollment.web.schemas import (
    BookingSchema,
    KeptBookingSchema,
    PlaceBookingSchema,
    PlacedBookingSchema,
)
from shared.auth.guards import link, public
from shared.auth.links import Link, NotHeardYet, check_version
from shared.web.current import current_service
from shared.web.documented import leads_to, refuses
from shared.web.idempotency import idempotent, once

api = Blueprint("bookings_api", __name__, description="Book seats and follow a booking")

_KEPT = KeptBookingSchema()


@api.post("/bookings")
@public("buyers have no account")
@idempotent
@api.arguments(PlaceBookingSchema())
@api.response(201, PlacedBookingSchema())
@refuses(
    UnknownWorkshop(), WorkshopFull(1), BookingClosed("This workshop has already begun."), PriceChanged()
)
@leads_to("get_booking", "What became of the booking", token="/booking_token")
def place_booking(data: dict[str, Any]) -> dict[str, Any]:
    """Hold seats until they are paid

    Open `pay_url` in a browser before `pay_by`.
    """
    service = current_service()
    command = PlaceBooking(hold=service.gateway(HoldPolicy), **data)
    placed = once(_KEPT, lambda tx: vars(handlers.place_booking(command, tx)))
    links = booking_links(service, placed["booking_id"], placed["link_version"])
    certificates = certificate_urls(service, [(seat, 1) for seat in placed["enrollment_ids"]])
    return {
        **placed,
        **vars(links),
        "enrollments": [
            {"enrollment_id": enrollment_id, "certificate_url": url}
            for enrollment_id, url in certificates.items()
        ],
    }


@api.get("/bookings/<token>")
@link("booking")
@api.response(200, BookingSchema())
def get_booking(link: Link) -> queries.BookingPage:
    """What became of a booking, by the token of its link"""
    with current_service().transactions.read() as session:
        page = queries.booking_page(session, link.subject_id)
    if page is None:
        raise NotHeardYet
    check_version(link, page.link_version)
    return page
