"""The trainer's pages: my workshops, and the roster with minutes, decisions, completion and corrections."""

from collections.abc import Mapping, Sequence
from typing import Literal
from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from services.enrollment import handlers, queries
from services.enrollment.commands import (
    BlockMinutes,
    CancelWorkshop,
    CompleteWorkshop,
    CorrectAssessment,
    Decision,
    MarkEveryonePresent,
    PublishWorkshop,
    RecordAttendance,
    RecordDecisions,
)
from services.enrollment.domain import WorkshopState
from services.enrollment.domain.errors import NotYourWorkshop, UnknownWorkshop
from shared.auth.guards import current_staff, staff
from shared.db.transaction import Tx
from shared.errors import AppError, Invalid, Malformed
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
_STEPS = ("save", "everyone", "complete", "publish", "withdraw")
_PAST = (WorkshopState.COMPLETED, WorkshopState.CANCELLED)


@blueprint.get("/trainer")
@staff("trainer", "admin")
def list_my_workshops() -> ResponseReturnValue:
    """A trainer's own workshops; an administrator sees everybody's. What waits for somebody comes first."""
    me = current_staff()
    everybody = me.has_role(["admin"])
    service = current_service()
    with service.transactions.read() as session:
        workshops = queries.trainer_workshops(session, None if everybody else me.staff_id)
    open_ones = sorted(
        (row for row in workshops if row.state not in _PAST), key=lambda row: (row.starts_at, row.workshop_id)
    )
    past = [row for row in workshops if row.state in _PAST]
    return page(
        "enrollment/trainer.html",
        lists=[("Open", open_ones), ("Past", past)],
        any=bool(workshops),
        now=service.clock.now(),
        everybody=everybody,
    )


@blueprint.get("/trainer/workshops/<uuid:workshop_id>")
@staff("trainer", "admin")
def show_roster(workshop_id: UUID) -> ResponseReturnValue:
    """The roster; `?done=` says what a form did before it came here."""
    return _roster(_readable(workshop_id), {}, {})


@blueprint.get("/trainer/workshops/<uuid:workshop_id>/print")
@staff("trainer", "admin")
def print_roster(workshop_id: UUID) -> ResponseReturnValue:
    """An attendance list for paper, with room for the minutes of each block."""
    return page("enrollment/roster_print.html", roster=_readable(workshop_id))


@blueprint.post("/trainer/workshops/<uuid:workshop_id>")
@staff("trainer", "admin")
def change_roster(workshop_id: UUID) -> ResponseReturnValue:
    """Save what was typed, then do what the pressed button says: save, everyone, publish, complete, correct-<id>."""
    roster = _readable(workshop_id)
    step = request.form.get("step", "save")
    if step not in _STEPS and not step.startswith("correct-"):
        raise Malformed("unknown_step", "Go back, reload the page and press the button again.")
    try:
        minutes, decisions = _typed(roster)
        with request_tx() as tx:
            _act(workshop_id, step, minutes, decisions, tx)
    except AppError as error:
        if error.status not in (409, 422):
            raise
        errors = field_errors(error)
        if (reason := errors.pop("reason", None)) is not None:
            errors[f"reason-{step.removeprefix('correct-')}"] = reason
        return _roster(_readable(workshop_id), errors, dict(request.form.items()))
    if step == "withdraw":
        return see_other("/trainer")
    return see_other(f"/trainer/workshops/{workshop_id}?done={step.split('-')[0]}")


def _act(
    workshop_id: UUID,
    step: str,
    minutes: tuple[BlockMinutes, ...],
    decisions: tuple[Decision, ...],
    tx: Tx,
) -> None:
    actor = current_staff().staff_id
    if step == "publish":
        handlers.publish_workshop(PublishWorkshop(workshop_id=workshop_id), tx)
        return
    if step == "withdraw":
        handlers.cancel_workshop(CancelWorkshop(workshop_id=workshop_id), tx)
        return
    if step.startswith("correct-"):
        enrollment_id = _id(step.removeprefix("correct-"))
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


def _typed(roster: queries.Roster) -> tuple[tuple[BlockMinutes, ...], tuple[Decision, ...]]:
    minutes, decisions = [], []
    known = {(entry.enrollment_id, block) for entry in roster.entries for block in entry.minutes}
    emptied: dict[str, list[str]] = {}
    for name, value in request.form.items():
        kind, _, ids = name.partition("-")
        if kind == "minutes":
            enrollment_id, block_id = _id(ids[:_ID]), _id(ids[_ID + 1 :])
            text = value.strip()
            if text:
                # What is no number is refused with its field, as minutes outside the block are.
                number = int(text) if text.isdecimal() and len(text) < 5 else -1
                minutes.append(BlockMinutes(enrollment_id=enrollment_id, block_id=block_id, minutes=number))
            elif (enrollment_id, block_id) in known:
                # Nothing typed leaves things as they are: whoever empties a field must not think otherwise.
                emptied[name] = ["Enter the minutes, 0 for somebody who was not there."]
        elif kind in _SUBJECTS and value:
            note = request.form.get(f"{kind}_note-{ids}", "").strip() or None
            decisions.append(
                Decision(
                    enrollment_id=_id(ids), subject=_SUBJECTS[kind], value=_ANSWERS.get(value), note=note
                )
            )
    if emptied:
        raise Invalid("minutes_emptied", "Enter the minutes that are marked.", fields=emptied)
    return tuple(minutes), tuple(decisions)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Malformed("unknown_field", "Go back, reload the page and send it again.") from None


def _readable(workshop_id: UUID) -> queries.Roster:
    me = current_staff()
    with current_service().transactions.read() as session:
        roster = queries.roster(session, workshop_id)
    if roster is None:
        raise UnknownWorkshop
    if roster.trainer_id != me.staff_id and not me.has_role(["admin"]):
        raise NotYourWorkshop
    return roster


def _roster(
    roster: queries.Roster, errors: dict[str, list[str]], typed: dict[str, str]
) -> ResponseReturnValue:
    service = current_service()
    return form_page(
        "enrollment/roster.html",
        errors,
        summary=_by_person(errors, roster),
        roster=roster,
        typed=typed,
        now=service.clock.now(),
        over=service.clock.now() >= roster.ends_at,
        mine=roster.trainer_id == current_staff().staff_id,
        recorded=sum(1 for entry in roster.entries if not entry.missing),
        done=request.args.get("done"),
    )


def _by_person(errors: Mapping[str, Sequence[str]], roster: queries.Roster) -> dict[str, list[str]]:
    """For the summary: whom a sentence is about. People are called by name on their own trainer's page."""
    people = {str(entry.enrollment_id): entry.full_name for entry in roster.entries}
    blocks = {str(block.block_id): f", block {block.position}" for block in roster.blocks}
    named = {}
    for name, texts in errors.items():
        if name in people:
            # What a roster lacks goes by person, not by field.
            named[f"person-{name}"] = [f"{people[name]}: {' '.join(texts)}"]
            continue
        _kind, _, ids = name.partition("-")
        person = people.get(ids[:_ID])
        whom = f"{person}{blocks.get(ids[_ID + 1 :], '')}: " if person else ""
        named[name] = [f"{whom}{text}" for text in texts]
    return named
