"""GET /certificates/{enrollment_id}: the way to one certificate, for its attendee or for staff."""

from typing import Any
from uuid import UUID

from flask import request
from flask_smorest import Blueprint
from marshmallow import RAISE

from services.certification.queries import CertificateView, certificate_view
from services.certification.web.progress import obstacles
from services.certification.web.schemas import LinkQuery, ProgressOut
from shared.auth.guards import current_staff, public
from shared.auth.links import BadLink, check_version
from shared.errors import Forbidden, NotFound, Unauthenticated
from shared.web.current import current_service
from shared.web.documented import refuses
from shared.web.openapi import LINK_HEADER

_NO_ROLE = ("role_missing", "Ask an administrator for a role.")
_UNKNOWN = ("enrollment_unknown", "Nothing has been heard of this enrollment here, or not yet.")
_ROLES = frozenset({"trainer", "finance", "ops", "admin"})

blueprint = Blueprint("certificates_api", __name__, url_prefix="/certificates", description="Certificates")


@blueprint.get("/<uuid:enrollment_id>")
@public("checked inside: the certificate link's token, or a staff cookie")
@blueprint.arguments(LinkQuery(), location="query", unknown=RAISE)
@blueprint.response(200, ProgressOut())
@blueprint.doc(security=[{"link": []}, {"linkInQuery": []}, {"staff": []}])
@refuses(Unauthenticated("sign_in", "Sign in, then try again."), Forbidden(*_NO_ROLE), NotFound(*_UNKNOWN))
def get_certificate(query: dict[str, Any], enrollment_id: UUID) -> dict[str, Any]:
    """Where the certificate is: facts, what is missing and who can supply it, and the certificate.

    Attendees send the token of their certificate link as `token` or in the header X-Link-Token.
    """
    token = request.headers.get(LINK_HEADER) or query.get("token")
    link = current_service().links.verify("certificate", token) if token else None
    if link is None and not current_staff().has_role(_ROLES):
        raise Forbidden(*_NO_ROLE)
    if link is not None and link.subject_id != enrollment_id:
        raise BadLink()
    with current_service().transactions.read() as session:
        view = certificate_view(session, enrollment_id)
    if view is None:
        raise NotFound(*_UNKNOWN)
    if link is not None:
        check_version(link, view.join.link_version or 0)
    return _progress(view)


def _progress(view: CertificateView) -> dict[str, Any]:
    join, certificate = view.join, view.certificate
    today = current_service().clock.now().date()
    names = (
        "enrollment_id", "booking_id", "course_code", "seat", "coverage", "requested_at",
        "submitted_at", "activated_at", "refusal", "exam_passed_on",
    )  # fmt: skip
    answer: dict[str, Any] = {name: getattr(join, name) for name in names}
    answer["state"] = view.state
    answer["exam_required"] = view.course.exam_required if view.course else None
    answer["assessment"] = None
    if join.assessment_revision:
        answer["assessment"] = {
            "eligible": join.eligible,
            "attended_minutes": join.attended_minutes,
            "required_minutes": join.required_minutes,
            "participation": join.participation,
            "understanding": join.understanding,
            "reasons": [reason for reason in join.assessment_reasons.split(",") if reason],
            "assessed_at": join.assessed_at,
        }
    answer["missing"] = [
        {
            "code": str(obstacle),
            "fact": explanation.fact,
            "meaning": explanation.meaning,
            "who": explanation.who,
            "next_step": explanation.next_step,
        }
        for obstacle, explanation in obstacles(view)
    ]
    answer["certificate"] = None
    if certificate is not None:
        answer["certificate"] = {
            "number": certificate.number,
            "issued_on": certificate.issued_on,
            "expires_on": certificate.expires_on,
            "standing": certificate.standing(today, flagged=join.flagged_at is not None),
        }
    return answer
