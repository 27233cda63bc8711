"""What ops and admin see: activations by state, one of them in full, and the three things done by hand."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from services.certification import handlers
from services.certification.commands import RecordExam, ResubmitMembership, ResumeActivation
from services.certification.domain.activation import Activation, activation_id_of
from services.certification.domain.judgement import OBSTACLES
from services.certification.queries import (
    PAGE_SIZE,
    STATES,
    activations,
    certificate_view,
    needing_attention,
    resumptions_of,
    submissions_of,
)
from services.certification.web.headline import headline
from services.certification.web.progress import REFUSALS, obstacles, steps
from services.certification.web.schemas import ExamForm, ResubmissionForm, ResumptionForm
from shared.auth.guards import current_staff, staff
from shared.errors import AppError, NotFound
from shared.web.current import current_service, request_tx
from shared.web.forms import load_form
from shared.web.pages import field_errors, form_page, page, page_number, see_other

blueprint = Blueprint("activations", __name__)

STATE_WORDS: Mapping[str, tuple[str, str]] = {
    "attention": ("Needs attention", "bad"),
    "flagged": ("On hold after submission", "bad"),
    "refused": ("Refused", "bad"),
    "stranded": ("Stopped by an error", "bad"),
    "withheld": ("Stopped before submission", "warn"),
    "waiting": ("Not complete yet", "neutral"),
    "requested": ("Being submitted", "wait"),
    "sending": ("Sent, answer open", "wait"),
    "submitted": ("Submitted", "wait"),
    "activated": ("Activated", "ok"),
}
"""State → what people call it, and the tag's kind."""

_OPTIONS = [(state, words) for state, (words, _) in STATE_WORDS.items()]


@blueprint.get("/certificates/activations")
@staff("ops", "admin")
def list_activations() -> Response:
    """Activations by state, with search."""
    search = request.args.get("q", "").strip()[:200]
    # Who looks for somebody wants to find them in any state; who just looks wants what has begun.
    state = request.args.get("state", "" if search else "started")
    state = state if state in STATES else ""
    with current_service().transactions.read() as session:
        found = activations(session, state=state or None, search=search, page=page_number())
        waiting = needing_attention(session, found.stranded)
    return page(
        "certification/activations.html",
        found=found,
        first=(found.page - 1) * PAGE_SIZE + 1,
        state=state,
        state_options=[("", "Everything"), ("started", "Started"), *_OPTIONS],
        search=search,
        needing_attention=waiting,
        words=STATE_WORDS,
        refusals=REFUSALS,
        obstacles=OBSTACLES,
    )


@blueprint.get("/certificates/activations/<uuid:enrollment_id>")
@staff("ops", "admin")
def show_activation(enrollment_id: UUID) -> Response:
    """One activation in full."""
    return _activation_page(enrollment_id)


@blueprint.post("/certificates/activations/<uuid:enrollment_id>/resubmission")
@staff("ops", "admin")
def resubmit(enrollment_id: UUID) -> AnyResponse:
    """Send a refused name again, with the right address."""
    data, errors = load_form(ResubmissionForm(), request.form)
    if not errors:
        who = current_staff()
        try:
            with request_tx() as tx:
                handlers.resubmit_membership(
                    ResubmitMembership(
                        enrollment_id=enrollment_id,
                        registry_email=data["registry_email"],
                        reason=data["reason"],
                        actor_id=who.staff_id,
                        actor_name=who.name,
                    ),
                    tx,
                )
            return see_other(url_for("activations.show_activation", enrollment_id=enrollment_id, done="sent"))
        except NotFound:
            raise
        except AppError as error:
            errors = field_errors(error)
    return _activation_page(enrollment_id, errors)


@blueprint.post("/certificates/activations/<uuid:enrollment_id>/resumption")
@staff("ops", "admin")
def resume(enrollment_id: UUID) -> AnyResponse:
    """Make a discarded request once more."""
    data, errors = load_form(ResumptionForm(), request.form)
    if not errors:
        who = current_staff()
        try:
            with request_tx() as tx:
                handlers.resume_activation(
                    ResumeActivation(
                        enrollment_id=enrollment_id,
                        reason=data["reason"],
                        actor_id=who.staff_id,
                        actor_name=who.name,
                    ),
                    tx,
                )
            return see_other(
                url_for("activations.show_activation", enrollment_id=enrollment_id, done="resumed")
            )
        except NotFound:
            raise
        except AppError as error:
            errors = field_errors(error)
    return _activation_page(enrollment_id, errors)


@blueprint.post("/certificates/activations/<uuid:enrollment_id>/exam")
@staff("ops", "admin")
def record_exam(enrollment_id: UUID) -> AnyResponse:
    """Note that the exam was passed."""
    data, errors = load_form(ExamForm(), request.form)
    if not errors:
        try:
            with request_tx() as tx:
                handlers.record_exam(RecordExam(enrollment_id=enrollment_id, passed_on=data["passed_on"]), tx)
            return see_other(url_for("activations.show_activation", enrollment_id=enrollment_id, done="exam"))
        except NotFound:
            raise
        except AppError as error:
            errors = field_errors(error)
    return _activation_page(enrollment_id, errors)


def _activation_page(enrollment_id: UUID, errors: dict[str, list[str]] | None = None) -> Response:
    with current_service().transactions.read() as session:
        view = certificate_view(session, enrollment_id)
        history: list[Any] = list(submissions_of(session, enrollment_id))
        resumed = resumptions_of(session, activation_id_of(enrollment_id))
    if view is None:
        raise NotFound("enrollment_unknown", "There is no such enrollment here.")
    now = current_service().clock.now()
    join = view.join
    course = view.course
    return form_page(
        "certification/activation.html",
        errors or {},
        view=view,
        join=join,
        history=history,
        resumed=resumed,
        headline=headline(view, now),
        steps=steps(view, now),
        missing=obstacles(view),
        words=STATE_WORDS,
        refusals=REFUSALS,
        typed=request.form,
        done=request.args.get("done", ""),
        may_resubmit=join.activation is Activation.REFUSED and not obstacles(view),
        may_resume=view.stranded is not None and view.stranded.state == "discarded" and not obstacles(view),
        may_record_exam=bool(
            course and course.exam_required and join.activated_at and not join.exam_passed_on
        ),
    )
