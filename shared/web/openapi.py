"""The OpenAPI document: the library's, completed by what guards, keys and views declare.

Every answer an operation can give stands in it with an example. There is no `default` answer: a status that
is not listed is a mistake, and the tests treat it as one.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import marshmallow
from flask import Flask
from marshmallow import fields

from shared.auth.guards import Access, access_of
from shared.auth.links import BadLink, NotHeardYet
from shared.errors import AppError, Forbidden, Malformed, Unauthenticated
from shared.web import idempotency
from shared.web.csrf import HEADER as FORM_HEADER
from shared.web.csrf import FormTooOld
from shared.web.documented import Answer, Next, example_of, next_of, refusals_of, shown
from shared.web.problems import MEDIA_TYPE, Problem, invalid, plain, problem_of
from shared.web.request_log import HEADER as CORRELATION

LINK_HEADER = "X-Link-Token"
EXAMPLE_KEY = "8e03978e-40d5-43dd-bc93-6ac53dfd6ef2"
_VARIABLE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_ID = "0199f3a2-7c1e-7a40-9d55-40b0d4e2a1c6"
_CORRELATION = "0199f3a2-8d01-7f3e-b1c4-5a6b7c8d9e0f"
_TOKEN = "WyIwMTk5ZjNhMjdjMWU3YTQwOWQ1NTQwYjBkNGUyYTFjNiIsMV0.dGhpcy1pcy1hbi1leGFtcGxl"


class FieldProblemSchema(Answer):
    """One thing that is wrong with one field of the input."""

    field = fields.String(metadata=shown("email", "Path of the field; empty for the whole"))
    detail = fields.String(metadata=shown("Enter an e-mail address.", "What is wrong, in a sentence"))


class ProblemSchema(marshmallow.Schema):
    """A problem document, RFC 9457."""

    type = fields.String(
        required=True,
        metadata=shown("/docs/problems#not-found", "Explains this kind of problem", format="uri-reference"),
    )
    title = fields.String(required=True, metadata=shown("Not found", "The kind of problem in a few words"))
    status = fields.Integer(required=True, metadata=shown(404, "The HTTP status"))
    detail = fields.String(required=True, metadata=shown("There is no such thing.", "What to do"))
    code = fields.String(required=True, metadata=shown("not_found", "Stable name of this very problem"))
    correlation_id = fields.String(
        required=True, metadata=shown(_CORRELATION, "Quote it when you ask for help")
    )
    errors = fields.List(
        fields.Nested(FieldProblemSchema), metadata={"description": "What is wrong with which field"}
    )


def taken_by(view: Any) -> Mapping[str, marshmallow.Schema]:
    """The schemas of what a view takes, by where it stands: `json`, `query`."""
    arguments = getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", ())
    return {each["in"]: each["schema"] for each in arguments}


def security_schemes(staff_cookie: str) -> dict[str, Any]:
    """How callers say who they are."""
    return {
        "staff": {
            "type": "apiKey",
            "in": "cookie",
            "name": staff_cookie,
            "description": "The signed cookie of `/staff/login`.",
        },
        "form": {
            "type": "apiKey",
            "in": "header",
            "name": FORM_HEADER,
            "description": "The form token of a page of the same session: whatever a browser sends by itself"
            " is not enough to change something.",
        },
        "link": {
            "type": "apiKey",
            "in": "header",
            "name": LINK_HEADER,
            "description": "The token of a signed link, for people without an account.",
        },
        "linkInQuery": {
            "type": "apiKey",
            "in": "query",
            "name": "token",
            "description": "The same token where no header can be sent; prefer the header.",
        },
    }


def complete(document: dict[str, Any], app: Flask, *, types_at: str) -> dict[str, Any]:
    """Add to the library's document what it cannot know."""
    _name_tags(document)
    schemas = document["components"].setdefault("schemas", {})
    schemas.pop("PaginationMetadata", None)
    document["components"].pop("responses", None)
    operations = _operations(document, app)
    names = {view.__name__: operation for _, _, view, operation in operations}
    for path, method, view, operation in operations:
        operation["operationId"] = view.__name__
        _Operation(operation, path, method, view, types_at).complete(names)
    return document


def _name_tags(document: dict[str, Any]) -> None:
    # The library's tags are the names of blueprints.
    for tag in document.get("tags", ()):
        tag["name"] = _title(tag["name"])
    for item in document["paths"].values():
        for method in item.keys() - {"parameters"}:
            item[method]["tags"] = [_title(name) for name in item[method]["tags"]]


def _title(blueprint: str) -> str:
    return blueprint.removesuffix("_api").replace("_", " ").capitalize()


def _operations(document: dict[str, Any], app: Flask) -> list[tuple[str, str, Any, dict[str, Any]]]:
    found = []
    for rule in app.url_map.iter_rules():
        path = _VARIABLE.sub(r"{\1}", rule.rule)
        for method, operation in document["paths"].get(path, {}).items():
            if method.upper() in (rule.methods or set()):
                found.append((path, method, app.view_functions[rule.endpoint], operation))
    # Parameters of the path stand above its operations.
    for item in document["paths"].values():
        for parameter in item.get("parameters", ()):
            _describe_path_parameter(parameter)
    return found


def _describe_path_parameter(parameter: dict[str, Any]) -> None:
    if parameter["name"] == "token":
        parameter |= {"description": "The token at the end of a signed link", "example": _TOKEN}
        parameter["schema"] |= {"minLength": 1, "maxLength": 512, "pattern": "^[A-Za-z0-9_.-]+$"}
    else:
        parameter["example"] = _ID


class _Operation:
    """One operation and its view."""

    def __init__(self, operation: dict[str, Any], path: str, method: str, view: Any, types_at: str) -> None:
        self.operation, self.path, self.method, self.view = operation, path, method, view
        self.types_at = types_at
        self.changes = method not in ("get", "head")
        self.taken = taken_by(view)
        access = access_of(view)
        assert access is not None
        self.access: Access = access

    def complete(self, names: Mapping[str, Any]) -> None:
        """Fill in what is missing."""
        operation = self.operation
        operation.setdefault("security", self._security())
        if idempotency.is_idempotent(self.view):
            operation.setdefault("parameters", []).insert(0, _key_parameter())
        if "json" in self.taken:
            content = operation["requestBody"]["content"]["application/json"]
            content["examples"] = {"usual": {"value": example_of(self.taken["json"])}}
        given = operation["responses"]
        success = {status: body for status, body in given.items() if status.startswith("2")}
        for body in success.values():
            self._complete_success(body, names)
        operation["responses"] = success | self._problems()

    def _security(self) -> list[dict[str, list[str]]]:
        if self.access.kind != "staff":
            return []
        return [{"staff": [], "form": []} if self.changes else {"staff": []}]

    def _complete_success(self, body: dict[str, Any], names: Mapping[str, Any]) -> None:
        schema = self.view._apidoc["response"]["responses"]
        ((described,),) = schema.values()
        body["content"]["application/json"]["examples"] = {
            "usual": {"value": example_of(described["schema"])}
        }
        body["headers"] = {CORRELATION: _correlation_header()}
        if idempotency.is_idempotent(self.view):
            body["headers"][idempotency.REPLAYED] = {
                "description": "There when this is the answer to an earlier request with the same key",
                "schema": {"type": "string", "const": "true"},
            }
        links = {step.operation: _link(step) for step in next_of(self.view)}
        assert links.keys() <= names.keys(), f"{self.view.__name__} leads to nothing: {sorted(links)}"
        if links:
            body["links"] = links

    def _problems(self) -> dict[str, Any]:
        by_status: dict[int, dict[str, Problem]] = {}
        for problem in self._possible():
            by_status.setdefault(problem.status, {}).setdefault(problem.code, problem)
        return {str(status): self._response(by_code) for status, by_code in sorted(by_status.items())}

    def _possible(self) -> Iterable[Problem]:
        yield from map(problem_of, refusals_of(self.view))
        yield from map(problem_of, self._refused_at_the_door())
        if "{" in self.path:
            yield plain(404)
        if self.changes:
            # Whoever sends a staff cookie along needs the form token, whatever the operation.
            yield problem_of(FormTooOld())
            yield from (plain(400), problem_of(Malformed("unclean_text", "The body holds NUL characters.")))
            yield plain(413)
        if "json" in self.taken:
            yield plain(415)
        if self.taken:
            yield invalid(
                {"email": ["Not a valid email address."]}
                if "json" in self.taken
                else {"page": ["Not a valid integer."]}
            )
        yield from (plain(500), plain(503, headers=(("Retry-After", "5"),)))

    def _refused_at_the_door(self) -> Iterable[AppError]:
        if self.access.kind == "staff":
            yield Unauthenticated("sign_in", "Sign in, then try again.")
            yield Forbidden("role_missing", "This page is for other roles. Ask an administrator.")
        if self.access.kind == "link" or self._opens_by_link():
            yield from (BadLink(), BadLink("replaced"), NotHeardYet())
        if idempotency.is_idempotent(self.view):
            yield from (
                idempotency.IdempotencyKeyMissing(),
                idempotency.IdempotencyKeyMalformed(),
                idempotency.IdempotencyKeyInUse(),
                idempotency.IdempotencyKeyReused(),
            )

    def _opens_by_link(self) -> bool:
        return any("link" in way for way in self.operation["security"])

    def _response(self, by_code: Mapping[str, Problem]) -> dict[str, Any]:
        titles = list(dict.fromkeys(problem.title for problem in by_code.values()))
        examples = {
            code: {
                "summary": problem.title,
                "value": problem.document(correlation_id=_CORRELATION, types_at=self.types_at),
            }
            for code, problem in sorted(by_code.items())
        }
        names = {name for problem in by_code.values() for name, _ in problem.headers}
        headers = {name: {"schema": {"type": "string"}} for name in sorted(names)}
        return {
            "description": "; or: ".join(titles),
            "content": {
                MEDIA_TYPE: {
                    "schema": {
                        "allOf": [
                            {"$ref": "#/components/schemas/Problem"},
                            {"type": "object", "properties": {"code": {"enum": sorted(by_code)}}},
                        ]
                    },
                    "examples": examples,
                }
            },
            "headers": {CORRELATION: _correlation_header(), **headers},
        }


def _correlation_header() -> dict[str, Any]:
    return {
        "description": "Names this request in every log; send your own to have it used",
        "required": True,
        "schema": {"type": "string"},
        "example": _CORRELATION,
    }


def _key_parameter() -> dict[str, Any]:
    return {
        "name": idempotency.HEADER,
        "in": "header",
        "required": True,
        "description": "A new random value for each new request. The same request with the same key has its"
        " effect once and gets the same answer again, for at least 24 hours.",
        "schema": {"type": "string", "pattern": idempotency.PATTERN},
        "example": EXAMPLE_KEY,
    }


def _link(step: Next) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": step.operation, "description": step.why}
    if step.parameters:
        found["parameters"] = {name: f"$response.body#{pointer}" for name, pointer in step.parameters.items()}
    if step.body:
        found["requestBody"] = {name: f"$response.body#{pointer}" for name, pointer in step.body.items()}
    return found
