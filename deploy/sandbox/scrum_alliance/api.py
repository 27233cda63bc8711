"""The interface that certification's adapter speaks: submit a name, look one up by our reference."""

import hmac
import re
import socket
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

from flask import Blueprint, Response, jsonify, request

from deploy.sandbox.scrum_alliance import behaviour
from deploy.sandbox.scrum_alliance.behaviour import LOOK_UP, SUBMIT
from deploy.sandbox.scrum_alliance.roster import Member, Submission
from deploy.sandbox.scrum_alliance.sandbox import current_sandbox

blueprint = Blueprint("api", __name__, url_prefix="/api")

Answer = Response | tuple[Response, int] | tuple[Response, int, dict[str, str]]

_COURSE_CODE = re.compile(r"[A-Z][A-Z-]{1,11}")
# Some scripts spell with these; Python does not call them printable.
_JOINERS = {0x200C: None, 0x200D: None}
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_LONGEST = {"reference": 200, "course_code": 12, "given_name": 200, "family_name": 200, "email": 254}


def show(member: Member) -> dict[str, Any]:
    """A member as the API answers."""
    return {
        "member_id": f"sa_{member.id}",
        "reference": member.reference,
        "course_code": member.course_code,
        "status": member.status,
        "submitted_at": member.submitted_at,
        "activated_at": member.activated_at,
        "issued_on": member.issued_on,
    }


@blueprint.before_request
def refuse_strangers() -> Answer | None:
    """Only the holder of the key may ask."""
    expected = f"Bearer {current_sandbox().config.api_key}"
    if hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode()):
        return None
    answer = jsonify(code="unauthorized", message="Send the key as `Authorization: Bearer …`.")
    return answer, 401, {"WWW-Authenticate": "Bearer"}


@blueprint.get("/members")
def look_up() -> Answer:
    """The names accepted under a reference: none, one, or several if repetitions were not recognised."""
    sandbox = current_sandbox()
    reference = request.args.get("reference", "")
    sandbox.roster.count_request("look_ups", reference)
    if (disturbed := _disturb(LOOK_UP)) is not None:
        return disturbed
    if not reference:
        return jsonify(code="invalid", message="Name a reference.", errors={"reference": ["Missing."]}), 422
    return jsonify(members=[show(member) for member in sandbox.roster.find(reference)])


@blueprint.post("/members")
def submit() -> Answer:
    """Accept a name; the same name under the same reference again is answered, not accepted twice."""
    sandbox = current_sandbox()
    body = request.get_json(silent=True)
    reference = str(body.get("reference", "")) if isinstance(body, dict) else ""
    sandbox.roster.count_request("submissions", reference)
    if (disturbed := _disturb(SUBMIT)) is not None:
        return disturbed
    if not isinstance(body, dict):
        return jsonify(code="invalid", message="Send a JSON object."), 400
    submission, errors = _read(body)
    if submission is None:
        return jsonify(code="invalid", message="Some fields are wrong.", errors=errors), 422
    rules = sandbox.behaviours
    if rules.take(behaviour.UNKNOWN_EMAIL, SUBMIT, submission.email):
        return jsonify(code="unknown_email", message="Nobody has this e-mail address."), 422
    repeats = rules.take(behaviour.NO_DEDUPLICATION, SUBMIT, submission.email) is not None
    if late := rules.take(behaviour.ACCEPT_LATE, SUBMIT, submission.email):
        sandbox.accept_later(submission, late.seconds, deduplicate=not repeats)
        return _hang_up(0)
    member, is_new = sandbox.accept(submission, deduplicate=not repeats)
    if silence := rules.take(behaviour.TIMEOUT_AFTER_ACCEPTING, SUBMIT, submission.email):
        return _hang_up(silence.seconds)
    if not member.has(submission):
        message = "This reference was accepted with other details."
        return jsonify(code="reference_in_use", message=message, member=show(member)), 409
    return jsonify(show(member)), 201 if is_new else 200


def _disturb(on: str) -> Answer | None:
    """What was asked for instead of an answer, or before it."""
    rules = current_sandbox().behaviours
    if slow := rules.take(behaviour.SLOW, on):
        time.sleep(slow.seconds)
    if drip := rules.take(behaviour.DRIP, on):
        return Response(_dripping(drip.seconds), mimetype="application/json")
    if rules.take(behaviour.SERVER_ERROR, on):
        return jsonify(code="server_error", message="Something went wrong on our side."), 500
    if limited := rules.take(behaviour.TOO_MANY_REQUESTS, on):
        message = "Too many requests."
        return (
            jsonify(code="too_many_requests", message=message),
            429,
            {"Retry-After": f"{limited.seconds:.0f}"},
        )
    return None


def _dripping(seconds: float) -> Iterator[bytes]:
    """An answer that never leaves the socket quiet for long, and never says anything."""
    for _ in range(int(seconds * 10)):
        yield b" "
        time.sleep(0.1)
    yield b"{}"


def _hang_up(seconds: float) -> Answer:
    """Keep the caller waiting, then close the connection: nobody learns that the name was accepted."""
    time.sleep(seconds)
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
    # Written into a closed connection; only a test client, which has none, reads it.
    return jsonify(code="gateway_timeout", message="No answer."), 504


def _read(body: dict[str, Any]) -> tuple[Submission | None, dict[str, list[str]]]:
    errors: dict[str, list[str]] = {}
    texts = {name: _text(body.get(name), longest, name, errors) for name, longest in _LONGEST.items()}
    for name in sorted(set(body) - set(_LONGEST) - {"course_ended_on"}):
        errors[name] = ["Unknown field."]
    if "course_code" not in errors and not _COURSE_CODE.fullmatch(texts["course_code"]):
        errors["course_code"] = ["Not the code of a course."]
    if "email" not in errors and not _EMAIL.fullmatch(texts["email"]):
        errors["email"] = ["Not an e-mail address."]
    ended: date | None = None
    if body.get("course_ended_on") is not None:
        try:
            ended = date.fromisoformat(str(body["course_ended_on"]))
        except ValueError:
            errors["course_ended_on"] = ["Not a date."]
    return (None, errors) if errors else (Submission(**texts, course_ended_on=ended), {})


def _text(value: object, longest: int, name: str, errors: dict[str, list[str]]) -> str:
    if not isinstance(value, str) or not value.strip():
        errors[name] = ["Missing."]
    elif len(value) > longest or not value.translate(_JOINERS).isprintable():
        errors[name] = [f"At most {longest} characters, and nothing that cannot be printed."]
    else:
        return value.strip()
    return ""
