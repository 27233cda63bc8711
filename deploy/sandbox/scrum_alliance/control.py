"""The controls below `/_sandbox`: for tests, and for the buttons of the dashboard."""

from flask import Blueprint, Response, abort, jsonify, request

from deploy.sandbox.look import see_other, wants_page
from deploy.sandbox.scrum_alliance.api import show
from deploy.sandbox.scrum_alliance.behaviour import WrongBehaviour
from deploy.sandbox.scrum_alliance.letters import activation_url
from deploy.sandbox.scrum_alliance.roster import Member
from deploy.sandbox.scrum_alliance.sandbox import current_sandbox

blueprint = Blueprint("control", __name__, url_prefix="/_sandbox")


@blueprint.get("/counters")
def show_counters() -> Response:
    """Requests and accepted submissions, in all and per reference."""
    return jsonify(current_sandbox().roster.counters())


@blueprint.get("/members")
def list_members() -> Response:
    """Everybody on the roster, the latest first, with what the API does not tell."""
    sandbox = current_sandbox()
    reference = request.args.get("reference")
    members = sandbox.roster.newest(10_000) if reference is None else sandbox.roster.find(reference)
    return jsonify(members=[_show_all(member) for member in members])


@blueprint.get("/behaviour")
def show_behaviour() -> Response:
    """What is switched on."""
    rules = current_sandbox().behaviours
    return jsonify(behaviours=rules.in_force(), auto_activate=rules.auto_activate)


@blueprint.post("/behaviour")
def change_behaviour() -> Response | tuple[Response, int]:
    """Misbehave: `{"behaviour": "slow", "seconds": 2, "times": 3, "on": "submit"}`; or `auto_activate`."""
    wish = request.form.to_dict() if wants_page() else request.get_json(silent=True)
    try:
        if not isinstance(wish, dict):
            raise WrongBehaviour("send a JSON object or a form")
        current_sandbox().behaviours.apply(wish)
    except WrongBehaviour as problem:
        return jsonify(code="invalid", message=str(problem)), 422
    return _done(show_behaviour())


@blueprint.delete("/behaviour")
@blueprint.post("/behaviour/reset", endpoint="reset_behaviour")
def reset_behaviour() -> Response:
    """Behave again."""
    current_sandbox().behaviours.reset()
    return _done(show_behaviour())


@blueprint.post("/reset")
def reset() -> Response:
    """Forget everybody and behave again."""
    current_sandbox().roster.reset()
    current_sandbox().behaviours.reset()
    return _done(show_counters())


@blueprint.post("/members/<int:member_id>/activate")
def activate(member_id: int) -> Response:
    """What the student does on the activation page."""
    member = _member(member_id)
    current_sandbox().roster.activate(member, current_sandbox().config.clock.now())
    return _done(jsonify(_show_all(_member(member_id))))


@blueprint.post("/members/<int:member_id>/pass-exam")
def pass_exam(member_id: int) -> Response:
    """The student passes the exam: the certificate is issued."""
    member = _member(member_id)
    current_sandbox().roster.pass_exam(member, current_sandbox().config.clock.now())
    return _done(jsonify(_show_all(_member(member_id))))


def _member(member_id: int) -> Member:
    return current_sandbox().roster.by_id(member_id) or abort(404)


def _show_all(member: Member) -> dict[str, object]:
    return {
        **show(member),
        "id": member.id,
        "given_name": member.given_name,
        "family_name": member.family_name,
        "email": member.email,
        "letter": member.letter,
        "activation_url": activation_url(member, current_sandbox().config),
    }


def _done(answer: Response) -> Response:
    return see_other("/") if wants_page() else answer
