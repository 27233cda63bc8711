"""Booking in two pages before Stripe: details, then check answers.

Nothing is stored until the answers are confirmed, so what was typed travels in the form itself; each page
works without JavaScript.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from services.enrollment import handlers, queries
from services.enrollment.commands import PlaceBooking
from services.enrollment.domain import HoldPolicy
from services.enrollment.domain.booking import MAX_SEATS
from services.enrollment.web.catalogue import read_workshop
from services.enrollment.web.links import booking_links
from services.enrollment.web.schemas import BookingDetailsSchema
from shared.auth.guards import public
from shared.errors import AppError
from shared.ids import new_id
from shared.web.current import current_service, request_tx
from shared.web.forms import load_form
from shared.web.pages import field_errors, form_page, page, see_other

blueprint = Blueprint("checkout", __name__)

_DETAILS = BookingDetailsSchema()
_ATTENDEE_FIELDS = ("given_name", "family_name", "email", "registry_email")
_CARRIED = {"step", "submission_id", "amount_minor"}
_WHY_PUBLIC = "buyers have no account"


@blueprint.get("/workshops/<uuid:workshop_id>/book")
@public(_WHY_PUBLIC)
def ask_details(workshop_id: UUID) -> ResponseReturnValue:
    """Who pays and who attends, for `?seats=` people."""
    workshop = read_workshop(workshop_id)
    if not workshop.bookable:
        return page("enrollment/workshop.html", 409, workshop=workshop)
    seats = request.args.get("seats", "1")
    wanted = int(seats) if seats.isdecimal() and len(seats) < 4 else 1
    return _details(workshop, {}, _most(workshop, wanted), {})


@blueprint.post("/workshops/<uuid:workshop_id>/book")
@public(_WHY_PUBLIC)
def take_details(workshop_id: UUID) -> ResponseReturnValue:
    """One step of the checkout: `step` is add, remove-<n>, change, check or confirm."""
    workshop = read_workshop(workshop_id)
    step = request.form.get("step", "check")
    typed = dict(request.form.items())
    seats = _seats_in(typed)
    if step == "add":
        return _details(workshop, typed, _most(workshop, seats + 1), {})
    if step.startswith("remove-") and step.removeprefix("remove-").isdecimal():
        return _details(workshop, *_without(typed, seats, int(step.removeprefix("remove-"))), {})
    if step == "change":
        return _details(workshop, typed, seats, {})
    # The schema is strict; which button was pressed and what only travels along are not its fields.
    answers = MultiDict((name, value) for name, value in typed.items() if name not in _CARRIED)
    data, errors = load_form(_DETAILS, answers)
    if errors:
        return _details(workshop, typed, seats, errors)
    if not workshop.bookable:
        return page("enrollment/workshop.html", 409, workshop=workshop)
    if step == "confirm":
        return _confirm(workshop, typed, seats, data)
    typed.setdefault("submission_id", str(new_id()))
    return page("enrollment/check.html", **_shown(workshop, typed, seats), **data)


def _confirm(
    workshop: queries.WorkshopPage, typed: dict[str, str], seats: int, data: Mapping[str, Any]
) -> ResponseReturnValue:
    service = current_service()
    command = PlaceBooking(
        workshop_id=workshop.workshop_id,
        hold=service.gateway(HoldPolicy),
        submission_id=_uuid_or_none(typed.get("submission_id")),
        expected_amount_minor=_int_or_none(typed.get("amount_minor")),
        **data,
    )
    try:
        with request_tx() as tx:
            placed = handlers.place_booking(command, tx)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        # The page is read again: it now says how many seats are left, or the price as it is today.
        return _details(read_workshop(workshop.workshop_id), typed, seats, field_errors(error))
    links = booking_links(service, placed.booking_id, placed.link_version)
    if placed.amount_minor == 0:
        return see_other(f"/bookings/{links.booking_token}")
    return see_other(f"/pay/{links.pay_token}")


def _details(
    workshop: queries.WorkshopPage, typed: dict[str, str], seats: int, errors: dict[str, list[str]]
) -> ResponseReturnValue:
    return form_page("enrollment/details.html", errors, **_shown(workshop, typed, seats))


def _shown(workshop: queries.WorkshopPage, typed: dict[str, str], seats: int) -> dict[str, Any]:
    # A new booking with new answers is a new submission; only a form sent twice keeps its number.
    carried = {
        name: typed.get(name, "")
        for name in (
            "payer_name",
            "payer_email",
            *(f"attendees-{n}-{field}" for n in range(seats) for field in _ATTENDEE_FIELDS),
        )
    }
    return {
        "workshop": workshop,
        "typed": carried,
        "seats": seats,
        "most_seats": _most(workshop, MAX_SEATS),
        "amount_minor": workshop.price_minor * seats,
        "submission_id": typed.get("submission_id"),
    }


def _seats_in(typed: Mapping[str, str]) -> int:
    numbers = [0]
    for name in typed:
        parts = name.split("-")
        if len(parts) == 3 and parts[0] == "attendees" and parts[1].isdecimal() and len(parts[1]) < 4:
            numbers.append(int(parts[1]))
    return min(max(numbers) + 1, MAX_SEATS)


def _without(typed: dict[str, str], seats: int, gone: int) -> tuple[dict[str, str], int]:
    if seats == 1 or gone >= seats:
        return typed, seats
    moved = {name: value for name, value in typed.items() if not name.startswith("attendees-")}
    kept = [n for n in range(seats) if n != gone]
    for new, old in enumerate(kept):
        for field in _ATTENDEE_FIELDS:
            moved[f"attendees-{new}-{field}"] = typed.get(f"attendees-{old}-{field}", "")
    return moved, seats - 1


def _most(workshop: queries.WorkshopPage, wanted: int) -> int:
    return max(1, min(wanted, MAX_SEATS, max(workshop.seats_left, 1)))


def _uuid_or_none(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _int_or_none(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 15 else None
