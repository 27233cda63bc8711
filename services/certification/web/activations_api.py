"""GET /activations: for staff who watch that nobody waits."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from services.certification.domain.join import Join
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
    """Activations, newest enrollment first, narrowed by `state` and `q`.

    `attention`: flagged, refused, or stranded, which means that an error stopped the submission.
    """
    with current_service().transactions.read() as session:
        found: ActivationList = activations(
            session, state=query.get("state"), search=query["q"].strip(), page=query["page"]
        )
    return {
        "items": [_item(join, found) for join in found.rows],
        "total": found.total,
        "page": found.page,
        "pages": found.pages,
    }


def _item(join: Join, found: ActivationList) -> dict[str, Any]:
    names = (
        "enrollment_id", "booking_id", "booking_reference", "activation_id", "course_code",
        "submission_revision", "requested_at", "submitted_at", "activated_at", "refusal", "flag_reason",
    )  # fmt: skip
    return {**{name: getattr(join, name) for name in names}, "state": found.state_of(join)}
