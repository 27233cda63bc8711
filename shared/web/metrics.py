"""`/metrics` of a web process, on the service's own port; the edge does not lead here."""

from collections.abc import Sequence

from flask import Blueprint, Response

from shared.auth.guards import public
from shared.ops.metrics import CONTENT_TYPE, exposition
from shared.service import Service


def metrics_blueprint(services: Sequence[Service]) -> Blueprint:
    """The figures of these services; more than one where one process serves several."""
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    @public("read by the monitoring, which has no account; nothing in it tells of a person or a message")
    def metrics() -> Response:
        """For Prometheus."""
        return Response(exposition(services), content_type=CONTENT_TYPE)

    return blueprint
