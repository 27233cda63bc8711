"""Workshops through the API: the catalogue, one workshop, and its completion by the trainer."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from services.enrollment import handlers, queries
from services.enrollment.commands import CompleteWorkshop
from services.enrollment.domain.errors import (
    NotOverYet,
    NotYourWorkshop,
    RosterIncomplete,
    UnknownWorkshop,
    WrongWorkshopState,
)
from services.enrollment.web.schemas import CompletionSchema, WorkshopListSchema, WorkshopPageSchema
from shared.auth.guards import current_staff, public, staff
from shared.db.transaction import Tx
from shared.web.current import current_service
from shared.web.documented import leads_to, refuses
from shared.web.idempotency import idempotent, once

api = Blueprint("workshops_api", __name__, description="What can be booked")

_COMPLETION = CompletionSchema()


@api.get("/workshops")
@public("catalogue")
@api.response(200, WorkshopListSchema())
@leads_to("get_workshop", "Its schedule", workshop_id="/workshops/0/workshop_id")
@leads_to("place_booking", "Book seats in it", body={"workshop_id": "/workshops/0/workshop_id"})
def list_workshops() -> dict[str, Any]:
    """Published workshops that have not begun, the next one first"""
    service = current_service()
    with service.transactions.read() as session:
        return {"workshops": queries.catalogue(session, service.clock.now())}


@api.get("/workshops/<uuid:workshop_id>")
@public("catalogue")
@api.response(200, WorkshopPageSchema())
@refuses(UnknownWorkshop())
@leads_to("place_booking", "Book seats in it", body={"workshop_id": "/workshop_id"})
def get_workshop(workshop_id: UUID) -> queries.WorkshopPage:
    """One workshop with its schedule, price and free seats"""
    service = current_service()
    with service.transactions.read() as session:
        page = queries.workshop_page(session, workshop_id, service.clock.now())
    if page is None:
        raise UnknownWorkshop
    return page


@api.post("/workshops/<uuid:workshop_id>/completion")
@staff("trainer")
@idempotent
@api.response(200, _COMPLETION)
@refuses(
    UnknownWorkshop(),
    NotYourWorkshop(),
    NotOverYet(datetime(2026, 9, 15, 15, tzinfo=UTC)),
    RosterIncomplete({UUID(int=1): ["The decision about participation is missing."]}),
    WrongWorkshopState("This workshop is already completed."),
)
def complete_workshop(workshop_id: UUID) -> dict[str, Any]:
    """Complete a workshop and release its results

    Only the workshop's own trainer may, after its last block has ended and when the roster is complete.
    """
    command = CompleteWorkshop(workshop_id=workshop_id, actor_id=current_staff().staff_id)

    def complete(tx: Tx) -> dict[str, Any]:
        handlers.complete_workshop(command, tx)
        # The roster is read as this transaction leaves it.
        tx.flush()
        roster = queries.roster(tx.session, workshop_id)
        assert roster is not None
        return {
            "workshop_id": workshop_id,
            "state": roster.state,
            "completed_at": roster.completed_at,
            "released": len(roster.entries),
            "eligible": sum(1 for entry in roster.entries if entry.eligible),
        }

    completion: dict[str, Any] = once(_COMPLETION, complete)
    return completion
