"""Booking in two pages before Stripe: details, then check answers.

Nothing is stored until the answers are confirmed, so what was typed travels in the form itself; each page
works without JavaScript. Who names no payer pays for themselves: one seat asks for one person only.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from services.enrollment import handlers, queries
from services.enrollment.commands import PlaceBooking
from services.enrollment.domain import HoldPolicy
from services.enrollment.domain.booking import MAX_SEATS
from services.enrollment.domain.people import MAX_NAME
from services.enrollment.web.catalogue import read_workshop, workshop_page
from services.enrollment.web.links import booking_links
from services.enrollment.web.schemas import BookingDetailsSchema
from shared.auth.guards import public
from shared.errors import AppError
from shared.ids import new_id
from shared.web.current import current_service, request_tx
from shared.web.forms import load_form
from shared.web.pages import field_errors, form_page, page, see_other
from shared.web.repeated import count_groups, index_of, summarised, without_group

blueprint = Blueprint("checkout", __name__)

_DETAILS = BookingDetailsSchema()
_ATTENDEE_FIELDS = ("given_name", "family_name", "email", "registry_email")
_PAYER_FIELDS = ("payer_name", "payer_email")
_CARRIED = {"step", "submission_id", "amount_minor"}
_WHY_PUBLIC = "buyers have no account"


@blueprint.get("/workshops/<uuid:workshop_id>/book")
@public(_WHY_PUBLIC)
def ask_details(workshop_id: UUID) -> ResponseReturnValue:
    """Who attends and who pays, for `?seats=` people."""
    workshop = read_workshop(workshop_id)
    if not workshop.bookable:
        return workshop_page(workshop, 409)
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
    seats = max(count_groups(typed, "attendees", MAX_SEATS), 1)
    if step == "add":
        return _details(workshop, typed, _most(workshop, seats + 1), {})
    if (gone := index_of(step, "remove")) is not None and gone < seats > 1:
        return _details(workshop, without_group(typed, "attendees", gone), seats - 1, {})
    if step not in ("check", "confirm"):
        return _details(workshop, typed, seats, {})
    data, errors = _load(typed)
    if errors:
        return _details(workshop, typed, seats, errors)
    if step == "confirm":
        # Whether seats are free is asked of the handler alone: it knows a form that was sent before.
        return _confirm(workshop, typed, seats, data)
    if not workshop.bookable:
        return _details(workshop, typed, seats, {"": [f"{workshop.closed_because} Choose another date."]})
    service = current_service()
    hold = service.gateway(HoldPolicy)
    return page(
        "enrollment/check.html",
        hold_minutes=int(hold.hold.total_seconds()) // 60,
        held_until=hold.pay_by(service.clock.now()),
        pays_too=_names_no_payer(typed),
        **_shown(workshop, typed, seats),
        **data,
    )


def _confirm(
    workshop: queries.WorkshopPage, typed: dict[str, str], seats: int, data: Mapping[str, Any]
) -> ResponseReturnValue:
    service = current_service()
    command = PlaceBooking(
        workshop_id=workshop.workshop_id,
        hold=service.gateway(HoldPolicy),
        submission_id=_submission_id(typed, data),
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


def _load(typed: Mapping[str, str]) -> tuple[Any, dict[str, list[str]]]:
    # The schema is strict; which button was pressed and what only travels along are not its fields.
    answers = MultiDict((name, value) for name, value in typed.items() if name not in _CARRIED)
    if not _names_no_payer(typed):
        return load_form(_DETAILS, answers)
    names = (typed.get(f"attendees-0-{part}", "").strip() for part in ("given_name", "family_name"))
    answers["payer_name"] = " ".join(names)[:MAX_NAME]
    answers["payer_email"] = typed.get("attendees-0-email", "")
    data, errors = load_form(_DETAILS, answers)
    # What is wrong with this payer is said at the attendee's fields.
    return data, {name: texts for name, texts in errors.items() if name not in _PAYER_FIELDS}


def _names_no_payer(typed: Mapping[str, str]) -> bool:
    return not any(typed.get(name, "").strip() for name in _PAYER_FIELDS)


def _details(
    workshop: queries.WorkshopPage, typed: dict[str, str], seats: int, errors: dict[str, list[str]]
) -> ResponseReturnValue:
    # In the order of the page: the payer comes last.
    errors = dict(sorted(errors.items(), key=lambda item: item[0] in _PAYER_FIELDS))
    return form_page(
        "enrollment/details.html",
        errors,
        summary=summarised(errors, "attendees", "Attendee") if seats > 1 else errors,
        **_shown(workshop, typed, seats),
    )


def _shown(workshop: queries.WorkshopPage, typed: dict[str, str], seats: int) -> dict[str, Any]:
    names = (*_PAYER_FIELDS, *(f"attendees-{n}-{field}" for n in range(seats) for field in _ATTENDEE_FIELDS))
    return {
        "workshop": workshop,
        "typed": {name: typed.get(name, "") for name in names},
        "seats": seats,
        "most_seats": _most(workshop, MAX_SEATS),
        "amount_minor": workshop.price_minor * seats,
        "submission_id": _uuid_or_none(typed.get("submission_id")) or new_id(),
    }


def _submission_id(typed: Mapping[str, str], data: Mapping[str, Any]) -> UUID | None:
    """The same answers in the same form, sent twice or gone back to, are one booking; others are another."""
    form = _uuid_or_none(typed.get("submission_id"))
    return uuid5(form, repr((data["payer"], data["attendees"]))) if form else None


def _most(workshop: queries.WorkshopPage, wanted: int) -> int:
    return max(1, min(wanted, MAX_SEATS, max(workshop.seats_left, 1)))


def _uuid_or_none(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _int_or_none(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 15 else None
