"""The one mapping from what can go wrong to what callers get.

Programs get a problem document (RFC 9457), people a page that says what happened and what to do. Headers
of an HTTP error (`Allow`, `Retry-After`, …) are kept in both.
"""

import json
import re
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import marshmallow
import structlog
from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from shared.auth.links import NotHeardYet
from shared.db.engine import database_away
from shared.errors import AppError, Unauthenticated, Unavailable
from shared.observability.redaction import describe_error, where
from shared.web.addresses import sign_in_address
from shared.web.error_pages import advice_on, one_moment
from shared.web.kind import wants_problem

MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger("web")

_USUAL: Mapping[int, tuple[str, str, str]] = {
    400: ("malformed", "The request cannot be read", "Check what was sent, then try again."),
    404: ("not-found", "Page not found", "Check the address, or follow the link in your e-mail again."),
    405: ("method-not-allowed", "Not possible here", "This address does not take that kind of request."),
    406: ("not-acceptable", "Not available in that form", "Ask for application/json or text/html."),
    413: ("too-large", "Too large", "What was sent is larger than we take. Send less."),
    415: ("unsupported-media-type", "Unknown kind of content", "Send application/json."),
    422: ("invalid", "Please correct what you entered", "Some fields are missing or wrong."),
    429: ("too-many-requests", "Too many attempts", "Wait a little, then try again."),
    500: (
        "unexpected",
        "Something went wrong",
        "This is our mistake. Nothing was half done; please try again.",
    ),
    503: ("unavailable", "Not available for a moment", "Nothing was lost. Please try again in a minute."),
}
"""Kind, title and advice by status, for what is no `AppError`: other statuses speak as 400 or 500 do."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What went wrong, ready to be shown."""

    status: int
    kind: str
    title: str
    detail: str
    code: str
    fields: Mapping[str, list[str]] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()

    def document(self, *, correlation_id: str, types_at: str) -> dict[str, Any]:
        """The problem document's members."""
        body: dict[str, Any] = {
            "type": f"{types_at}#{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "correlation_id": correlation_id,
        }
        if self.fields:
            body["errors"] = [
                {"field": name, "detail": text} for name, texts in self.fields.items() for text in texts
            ]
        return body


class RepeatedProblem(Exception):
    """A refusal that was given before to the same request."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def problem_of(error: BaseException) -> Problem:
    """The problem an exception stands for."""
    if isinstance(error, RepeatedProblem):
        return error.problem
    if isinstance(error, AppError):
        return _of_app_error(error)
    if isinstance(error, HTTPException):
        return _of_http_exception(error)
    if isinstance(error, marshmallow.ValidationError):
        return invalid(error.messages)
    if isinstance(error, Unavailable) or database_away(error):
        return plain(503, headers=(("Retry-After", "5"),))
    return plain(500)


def flat_fields(messages: Any, *, skip: Iterable[str] = ()) -> dict[str, list[str]]:
    """Marshmallow's nested messages as `guests.0.email` → sentences."""
    found: dict[str, list[str]] = {}
    _flatten(messages, (), found, frozenset(skip))
    return found


def _flatten(messages: Any, path: tuple[str, ...], found: dict[str, list[str]], skip: frozenset[str]) -> None:
    if isinstance(messages, Mapping):
        for key, below in messages.items():
            # "_schema" is marshmallow's name for the whole; webargs puts everything below its location.
            hidden = key == "_schema" or (not path and key in skip)
            _flatten(below, path if hidden else (*path, str(key)), found, skip)
    else:
        texts = messages if isinstance(messages, list | tuple) else [messages]
        found.setdefault(".".join(path), []).extend(str(text) for text in texts)


def _of_app_error(error: AppError) -> Problem:
    headers = []
    if (retry_after := getattr(error, "retry_after", None)) is not None:
        headers.append(("Retry-After", str(retry_after)))
    if error.status == 401:
        headers.append(("WWW-Authenticate", 'Cookie realm="staff"'))
    return Problem(
        status=error.status,
        kind=kind_of(type(error)),
        title=error.title,
        detail=error.detail,
        code=error.code,
        fields=error.fields,
        headers=tuple(headers),
    )


def _of_http_exception(error: HTTPException) -> Problem:
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    headers = [(name, value) for name, value in error.get_headers() if name.lower() != "content-type"]
    headers += list((data.get("headers") or {}).items())
    if status == 422 and "messages" in data:
        return invalid(data["messages"], tuple(headers))
    if status == 400 and "messages" in data:
        # A body that is not JSON at all: webargs has no field to name.
        return plain(400, detail="The body is not valid JSON.", headers=tuple(headers))
    return plain(status, detail=data.get("message"), headers=tuple(headers), name=error.name)


def invalid(messages: Any, headers: tuple[tuple[str, str], ...] = ()) -> Problem:
    """Fields that a schema does not take, by marshmallow's messages."""
    fields = flat_fields(messages, skip=("json", "query", "form", "path", "headers", "cookies"))
    return replace(plain(422, headers=headers), fields=fields)


def plain(
    status: int,
    *,
    detail: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    name: str | None = None,
) -> Problem:
    """The usual problem of a status."""
    kind, title, advice = _USUAL.get(status) or _USUAL[400 if status < 500 else 500]
    if status not in _USUAL and status < 500:
        title = name or title
    return Problem(
        status=status,
        kind=kind,
        title=title,
        detail=detail or advice,
        code=kind.replace("-", "_"),
        headers=headers,
    )


def usual_problems() -> list[Problem]:
    """Every kind of problem that is no `AppError`."""
    return [plain(status) for status in _USUAL]


def kind_of(error: type[AppError]) -> str:
    """The stable name of a kind of problem: the last part of its `type`."""
    return _slug(re.sub(r"(?<=[a-z])(?=[A-Z])", "-", error.__name__), "-")


def _slug(text: str, dash: str) -> str:
    return re.sub(r"[^a-z0-9]+", dash, text.lower()).strip(dash)


def install_problems(app: Flask, *, types_at: str) -> None:
    """Answer every error of the app. `types_at` is the page that explains the kinds."""

    def answer(error: Exception) -> AnyResponse:
        if isinstance(error, HTTPException) and (error.response is not None or (error.code or 500) < 400):
            return error.get_response(request.environ)
        problem = problem_of(error)
        _log(error, problem)
        if wants_problem():
            return _document(problem, types_at)
        return _page(error, problem)

    app.register_error_handler(Exception, answer)


def _document(problem: Problem, types_at: str) -> Response:
    body = problem.document(correlation_id=g.get("rostrum_correlation", ""), types_at=types_at)
    response = current_app.response_class(json.dumps(body), status=problem.status, mimetype=MEDIA_TYPE)
    _add(response, problem)
    return response


def _page(error: Exception, problem: Problem) -> AnyResponse:
    if isinstance(error, Unauthenticated):
        return redirect(sign_in_address(), 303)
    if isinstance(error, NotHeardYet):
        return one_moment()
    response = make_response(
        render_template(
            "rostrum/error.html",
            problem=problem,
            advice=advice_on(problem.status, problem.code, dict(problem.headers).get("Retry-After")),
            reference=g.get("rostrum_correlation", ""),
        ),
        problem.status,
    )
    _add(response, problem)
    return response


_MOST_FRAMES = 15


def _add(response: Response, problem: Problem) -> None:
    for name, value in problem.headers:
        response.headers[name] = value


def _log(error: Exception, problem: Problem) -> None:
    if problem.status < 500 or isinstance(error, NotHeardYet):
        return
    # Places only: the message goes through the redactor, and no value is printed.
    log.error(
        "request_failed",
        error=describe_error(error),
        where=where(error),
        trace=_places(error) if problem.status == 500 else None,
    )


def _places(error: Exception) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
