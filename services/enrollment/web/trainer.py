"""The trainer's pages: my workshops, and the roster with minutes, decisions and completion."""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from services.enrollment import handlers, queries
from services.enrollment.commands import (
    BlockMinutes,
    CompleteWorkshop,
    CorrectAssessment,
    Decision,
    MarkEveryonePresent,
    PublishWorkshop,
    RecordAttendance,
    RecordDecisions,
)
from services.enrollment.domain.errors import NotYourWorkshop, UnknownWorkshop
from shared.auth.guards import current_staff, staff
from shared.db.transaction import Tx
from shared.errors import AppError
from shared.web.current import current_service, request_tx
from shared.web.pages import field_errors, form_page, page, see_other

blueprint = Blueprint("trainer", __name__)

_ID = 36
"""Characters of an id as text."""

_ANSWERS = {"yes": True, "no": False}
_SUBJECTS: Mapping[str, Literal["participation", "understanding"]] = {
    "participation": "participation",
    "understanding": "understanding",
}


@blueprint.get("/trainer")
@staff("trainer", "admin")
def list_my_workshops() -> ResponseReturnValue:
    """A trainer's own workshops; an administrator sees everybody's."""
    me = current_staff()
    everybody = me.has_role(["admin"])
    service = current_service()
    with service.transactions.read() as session:
        workshops = queries.trainer_workshops(session, None if everybody else me.staff_id)
    return page("enrollment/trainer.html", workshops=workshops, now=service.clock.now(), everybody=everybody)


@blueprint.get("/trainer/workshops/<uuid:workshop_id>")
@staff("trainer", "admin")
def show_roster(workshop_id: UUID) -> ResponseReturnValue:
    """The roster; `?done=` says what a form did before it came here."""
    return _roster(workshop_id, {}, {})


@blueprint.post("/trainer/workshops/<uuid:workshop_id>")
@staff("trainer", "admin")
def change_roster(workshop_id: UUID) -> ResponseReturnValue:
    """Save what was typed, then do what the pressed button says: save, everyone, publish, complete, correct-<id>."""
    _readable(workshop_id)
    step = request.form.get("step", "save")
    try:
        minutes, decisions = _typed()
        with request_tx() as tx:
            _act(workshop_id, step, minutes, decisions, tx)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        return _roster(workshop_id, field_errors(error), dict(request.form.items()))
    return see_other(f"/trainer/workshops/{workshop_id}?done={step.split('-')[0]}")


def _act(
    workshop_id: UUID, step: str, minutes: tuple[BlockMinutes, ...], decisions: tuple[Decision, ...], tx: Tx
) -> None:
    actor = current_staff().staff_id
    if step == "publish":
        handlers.publish_workshop(PublishWorkshop(workshop_id=workshop_id), tx)
        return
    if step.startswith("correct-"):
        enrollment_id = UUID(step.removeprefix("correct-"))
        handlers.correct_assessment(
            CorrectAssessment(
                enrollment_id=enrollment_id,
                actor_id=actor,
                reason=request.form.get(f"reason-{enrollment_id}", ""),
                minutes=tuple(entry for entry in minutes if entry.enrollment_id == enrollment_id),
                decisions=tuple(entry for entry in decisions if entry.enrollment_id == enrollment_id),
            ),
            tx,
        )
        return
    handlers.record_attendance(RecordAttendance(workshop_id=workshop_id, actor_id=actor, minutes=minutes), tx)
    handlers.record_decisions(
        RecordDecisions(workshop_id=workshop_id, actor_id=actor, decisions=decisions), tx
    )
    if step == "everyone":
        handlers.mark_everyone_present(MarkEveryonePresent(workshop_id=workshop_id, actor_id=actor), tx)
    if step == "complete":
        handlers.complete_workshop(CompleteWorkshop(workshop_id=workshop_id, actor_id=actor), tx)


def _typed() -> tuple[tuple[BlockMinutes, ...], tuple[Decision, ...]]:
    minutes, decisions = [], []
    for name, value in request.form.items():
        kind, _, ids = name.partition("-")
        if kind == "minutes" and value.strip():
            # What is no number is refused with its field, as minutes outside the block are.
            number = int(value) if value.strip().isdecimal() and len(value.strip()) < 5 else -1
            minutes.append(
                BlockMinutes(enrollment_id=UUID(ids[:_ID]), block_id=UUID(ids[_ID + 1 :]), minutes=number)
            )
        elif kind in _SUBJECTS and value:
            note = request.form.get(f"{kind}_note-{ids}", "").strip() or None
            decisions.append(
                Decision(
                    enrollment_id=UUID(ids), subject=_SUBJECTS[kind], value=_ANSWERS.get(value), note=note
                )
            )
    return tuple(minutes), tuple(decisions)


def _readable(workshop_id: UUID) -> queries.Roster:
    me = current_staff()
    with current_service().transactions.read() as session:
        roster = queries.roster(session, workshop_id)
    if roster is None:
        raise UnknownWorkshop
    if roster.trainer_id != me.staff_id and not me.has_role(["admin"]):
        raise NotYourWorkshop
    return roster


def _roster(workshop_id: UUID, errors: dict[str, list[str]], typed: dict[str, str]) -> ResponseReturnValue:
    roster = _readable(workshop_id)
    service = current_service()
    named = {str(entry.enrollment_id): entry.full_name for entry in roster.entries}
    # A roster's complaints go by enrollment id; people are called by name on their own trainer's page.
    shown = {
        f"person-{key}" if key in named else key: [f"{named[key]}: {text}" for text in texts]
        if key in named
        else texts
        for key, texts in errors.items()
    }
    return form_page(
        "enrollment/roster.html",
        shown,
        roster=roster,
        typed=typed,
        now=service.clock.now(),
        over=service.clock.now() >= roster.ends_at,
        mine=roster.trainer_id == current_staff().staff_id,
        done=request.args.get("done"),
    )
