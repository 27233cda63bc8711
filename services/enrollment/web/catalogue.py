"""What can be booked: the catalogue and the page of one workshop."""

from uuid import UUID

from flask import Blueprint
from flask.typing import ResponseReturnValue

from services.enrollment import queries
from services.enrollment.domain.errors import UnknownWorkshop
from shared.auth.guards import public
from shared.web.current import current_service
from shared.web.pages import page

blueprint = Blueprint("catalogue", __name__)


@blueprint.get("/")
@public("the front door")
def show_home() -> ResponseReturnValue:
    """A door for each kind of user."""
    service = current_service()
    with service.transactions.read() as session:
        entries = queries.catalogue(session, service.clock.now())
    return page("enrollment/home.html", next_workshop=entries[0] if entries else None, count=len(entries))


@blueprint.get("/workshops")
@public("anybody may look at what is offered")
def list_workshops() -> ResponseReturnValue:
    """The catalogue."""
    service = current_service()
    with service.transactions.read() as session:
        entries = queries.catalogue(session, service.clock.now())
    return page("enrollment/workshops.html", entries=entries)


@blueprint.get("/workshops/<uuid:workshop_id>")
@public("anybody may look at what is offered")
def show_workshop(workshop_id: UUID) -> ResponseReturnValue:
    """One workshop."""
    return page("enrollment/workshop.html", workshop=read_workshop(workshop_id))


def read_workshop(workshop_id: UUID) -> queries.WorkshopPage:
    """The workshop as buyers see it; raises `UnknownWorkshop`."""
    service = current_service()
    with service.transactions.read() as session:
        workshop = queries.workshop_page(session, workshop_id, service.clock.now())
    if workshop is None:
        raise UnknownWorkshop
    return workshop
