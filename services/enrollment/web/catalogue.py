"""What can be booked: the catalogue with its filter, and the page of one workshop."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from services.enrollment import queries
from services.enrollment.domain import HoldPolicy
from services.enrollment.domain.errors import UnknownWorkshop
from shared.auth.guards import public
from shared.web.current import current_service
from shared.web.pages import page, page_number

blueprint = Blueprint("catalogue", __name__)

_PAGE = 50
_LONGEST_CODE = 20
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip

FORMATS = (("", "Online or in person"), ("online", "Live online"), ("in_person", "In person"))


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody looks for; an empty text is anything."""

    course: str = ""
    format: str = ""
    month: str = ""

    def fits(self, offer: queries.Offer) -> bool:
        """Whether this workshop is one of those."""
        return (
            self.course in ("", offer.course_code)
            and self.format in ("", offer.delivery)
            and (not self.month or self.month == month_of(offer))
        )

    @property
    def narrowed(self) -> bool:
        """Whether something is left out."""
        return bool(self.course or self.format or self.month)


@blueprint.get("/workshops")
@public("anybody may look at what is offered")
def list_workshops() -> ResponseReturnValue:
    """The catalogue."""
    return show_catalogue()


def show_catalogue() -> ResponseReturnValue:
    """What is on offer, narrowed by course, month and format, month by month."""
    service = current_service()
    with service.transactions.read() as session:
        offers = queries.offers(session, service.clock.now())
        wanted = _wanted()
        found = [offer for offer in offers if wanted.fits(offer)]
        pages = max(1, -(-len(found) // _PAGE))
        number = min(page_number(), pages)
        ids = [offer.workshop_id for offer in found[(number - 1) * _PAGE : number * _PAGE]]
        shown = queries.catalogue_entries(session, ids)
    question = urlencode({name: value for name, value in vars(wanted).items() if value})
    return page(
        "enrollment/workshops.html",
        offered=bool(offers),
        months=[(month_name(key), list(group)) for key, group in groupby(shown, month_of)],
        found=len(found),
        wanted=wanted,
        options=_options(offers, wanted),
        number=number,
        pages=pages,
        page_url=f"/workshops?{question}" if question else "/workshops",
    )


@blueprint.get("/workshops/<uuid:workshop_id>")
@public("anybody may look at what is offered")
def show_workshop(workshop_id: UUID) -> ResponseReturnValue:
    """One workshop."""
    return workshop_page(read_workshop(workshop_id))


def workshop_page(workshop: queries.WorkshopPage, status: int = 200) -> ResponseReturnValue:
    """The page of a workshop."""
    hold = current_service().gateway(HoldPolicy)
    return page(
        "enrollment/workshop.html",
        status,
        workshop=workshop,
        hold_minutes=int(hold.hold.total_seconds()) // 60,
    )


def read_workshop(workshop_id: UUID) -> queries.WorkshopPage:
    """The workshop as buyers see it; raises `UnknownWorkshop`."""
    service = current_service()
    with service.transactions.read() as session:
        workshop = queries.workshop_page(session, workshop_id, service.clock.now())
    if workshop is None:
        raise UnknownWorkshop
    return workshop


def month_of(entry: queries.Offer | queries.CatalogueEntry) -> str:
    """The month in which it begins, where it takes place: `2026-11`."""
    return _month(entry.starts_at, entry.time_zone)


@lru_cache(maxsize=4096)
def _month(at: datetime, time_zone: str) -> str:
    local = at.astimezone(ZoneInfo(time_zone))
    return f"{local.year}-{local.month:02}"


def month_name(month: str) -> str:
    """`November 2026`."""
    year, number = month.split("-")
    return f"{_MONTHS[int(number) - 1]} {year}"


def _wanted() -> Wanted:
    # What no form of ours sends is not looked for.
    course, kind, month = (request.args.get(name, "") for name in ("course", "format", "month"))
    return Wanted(
        course=course[:_LONGEST_CODE],
        format=kind if kind in dict(FORMATS) else "",
        month=month if _MONTH.fullmatch(month) else "",
    )


def _options(offers: Sequence[queries.Offer], wanted: Wanted) -> dict[str, Sequence[tuple[str, str]]]:
    courses = {offer.course_code: offer.course_name for offer in offers}
    months = {month_of(offer) for offer in offers}
    # What an old address asks for stays choosable, so that the form shows what the list was narrowed to.
    if wanted.course:
        courses.setdefault(wanted.course, wanted.course)
    if wanted.month:
        months.add(wanted.month)
    return {
        "course": [
            ("", "All courses"),
            *((code, f"{name} ({code})") for code, name in sorted(courses.items())),
        ],
        "format": FORMATS,
        "month": [("", "Any month"), *((month, month_name(month)) for month in sorted(months))],
    }
