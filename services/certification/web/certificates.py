"""What attendees see behind their link: where the certificate is, and their certificate of attendance."""

from flask import Blueprint, Response, request, url_for

from services.certification.queries import CertificateView, certificate_view
from services.certification.web.headline import headline
from services.certification.web.progress import attended, steps
from shared.auth.guards import link
from shared.auth.links import Link, NotHeardYet, check_version
from shared.errors import Conflict
from shared.web.current import current_service
from shared.web.pages import page

blueprint = Blueprint("certificates", __name__)


@blueprint.get("/certificates/<token>")
@link("certificate")
def show_certificate(link: Link) -> Response:
    """Where is my certificate?"""
    view = _view(link)
    now = current_service().clock.now()
    return page(
        "certification/certificate.html",
        view=view,
        join=view.join,
        headline=headline(view, now),
        steps=steps(view, now),
        verify_url=_verify_url(view),
        attendance_url=f"{request.path}/attendance" if attended(view) else None,
    )


@blueprint.get("/certificates/<token>/attendance")
@link("certificate")
def show_attendance(link: Link) -> Response:
    """A certificate of attendance, ours: it must not be taken for the Scrum Alliance's."""
    view = _view(link)
    if not attended(view):
        raise Conflict(
            "not_attended",
            "A certificate of attendance is ready when your trainer has released that you were there for the "
            "whole workshop. Your certificate page shows what is still missing.",
        )
    done_at = view.closed_workshop.completed_at if view.closed_workshop else view.join.assessed_at
    return page("certification/attendance.html", view=view, join=view.join, done_at=done_at)


def _verify_url(view: CertificateView) -> str | None:
    """In full, because attendees copy it into letters and profiles."""
    if view.certificate is None:
        return None
    path = url_for("verification.verify_certificate", number=view.certificate.number)
    return current_service().settings.public_url.rstrip("/") + path


def _view(link: Link) -> CertificateView:
    with current_service().transactions.read() as session:
        view = certificate_view(session, link.subject_id)
    # Facts may have come before the booking, which alone tells the link's version.
    if view is None or view.join.link_version is None:
        raise NotHeardYet()
    check_version(link, view.join.link_version)
    return view
