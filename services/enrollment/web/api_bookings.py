"""Bookings through the API: place one, and read one by its link."""

from typing import Any
from uuid import UUID, uuid5

from flask import request
from flask_smorest import Blueprint

from services.enrollment import handlers, queries
from services.enrollment.commands import PlaceBooking
from services.enrollment.domain import HoldPolicy
from services.enrollment.web.links import booking_links, certificate_urls
from services.enrollment.web.schemas import BookingSchema, PlaceBookingSchema, PlacedBookingSchema
from shared.auth.guards import link, public
from shared.auth.links import Link, NotHeardYet, check_version
from shared.errors import Invalid
from shared.web.current import current_service, request_tx

api = Blueprint("bookings_api", __name__, description="Book seats and follow a booking")

_NAMESPACE = UUID("8f2b1c0e-3a2f-5c57-9d55-40b0d4e2a1c6")
_LONGEST_KEY = 200


@api.post("/bookings")
@public("buyers have no account")
@api.arguments(PlaceBookingSchema())
@api.response(201, PlacedBookingSchema())
@api.alt_response(404, description="There is no such workshop")
@api.alt_response(
    409, description="The workshop is full or takes no bookings; the detail names the seats left"
)
@api.alt_response(422, description="Some field is wrong; `errors` names it")
def place_booking(data: dict[str, Any]) -> dict[str, Any]:
    """Hold seats until they are paid

    Open `pay_url` in a browser before `pay_by`. With an `Idempotency-Key` header the same request sent
    twice is one booking.
    """
    service = current_service()
    command = PlaceBooking(submission_id=_submission_id(), hold=service.gateway(HoldPolicy), **data)
    with request_tx() as tx:
        placed = handlers.place_booking(command, tx)
    links = booking_links(service, placed.booking_id, placed.link_version)
    certificates = certificate_urls(service, [(enrollment_id, 1) for enrollment_id in placed.enrollment_ids])
    return {
        "booking_id": placed.booking_id,
        "reference": placed.reference,
        "amount_minor": placed.amount_minor,
        "currency": placed.currency,
        "pay_by": placed.pay_by,
        "booking_token": links.booking_token,
        "booking_url": links.booking_url,
        "pay_token": links.pay_token,
        "pay_url": links.pay_url,
        "enrollments": [
            {"enrollment_id": enrollment_id, "certificate_url": url}
            for enrollment_id, url in certificates.items()
        ],
    }


@api.get("/bookings/<token>")
@link("booking")
@api.response(200, BookingSchema())
@api.alt_response(404, description="The link is incomplete or was never issued")
def get_booking(link: Link) -> queries.BookingPage:
    """What became of a booking, by the token of its link"""
    with current_service().transactions.read() as session:
        page = queries.booking_page(session, link.subject_id)
    if page is None:
        raise NotHeardYet
    check_version(link, page.link_version)
    return page


def _submission_id() -> UUID | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not key or len(key) > _LONGEST_KEY:
        text = f"Send a key of 1 to {_LONGEST_KEY} characters, such as a UUID."
        raise Invalid("bad_idempotency_key", text, fields={"Idempotency-Key": [text]})
    return uuid5(_NAMESPACE, key)
