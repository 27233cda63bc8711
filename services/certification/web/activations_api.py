"""GET /activations: for staff who watch that nobody waits."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from services.certification.queries import ActivationList, activations
from services.certification.web.schemas import ActivationsOut, ActivationsQuery
from shared.auth.guards import staff
from shared.web.current import current_service
from shared.web.documented import leads_to

blueprint = Blueprint("activations_api", __name__, url_prefix="/activations", description="Activations")


@blueprint.get("")
@staff("ops", "admin")
@blueprint.arguments(ActivationsQuery(), location="query", unknown=RAISE)
@blueprint.response(200, ActivationsOut())
@leads_to("get_certificate", "The whole way of one", enrollment_id="/items/0/enrollment_id")
def list_activations(query: dict[str, Any]) -> dict[str, Any]:
    """Activations, newest enrollment first, narrowed by `state` (`attention`: flagged or refused) and `q`."""
    with current_service().transactions.read() as session:
        found: ActivationList = activations(
            session, state=query.get("state"), search=query["q"].strip(), page=query["page"]
        )
    return {"items": found.rows, "total": found.total, "page": found.page, "pages": found.pages}
