"""The API of a service: flask-smorest's parsing and OpenAPI, our problem documents and documentation page."""

import re
from collections.abc import Sequence
from typing import Any

import flask_smorest
import marshmallow
from flask import Blueprint, Flask, Response, current_app, jsonify, render_template
from flask_smorest import Api
from marshmallow import fields

from shared.auth.guards import Access, access_of, public
from shared.errors import AppError
from shared.web.problems import MEDIA_TYPE, kind_of

_VARIABLE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


class FieldProblemSchema(marshmallow.Schema):
    """One thing that is wrong with one field of the input."""

    field = fields.String(
        metadata={"description": "Path of the field; empty for the whole", "example": "email"}
    )
    detail = fields.String(metadata={"description": "What is wrong, in a sentence"})


class ProblemSchema(marshmallow.Schema):
    """A problem document, RFC 9457."""

    type = fields.String(metadata={"description": "Address of the page that explains this kind of problem"})
    title = fields.String(metadata={"description": "The kind of problem in a few words"})
    status = fields.Integer(metadata={"description": "The HTTP status"})
    detail = fields.String(metadata={"description": "What happened and what to do"})
    code = fields.String(metadata={"description": "Stable name of this very problem", "example": "not_found"})
    correlation_id = fields.String(metadata={"description": "Quote it when you ask for help"})
    errors = fields.List(fields.Nested(FieldProblemSchema))


class ServiceApi(Api):  # type: ignore[misc]  # flask-smorest has no type hints
    """Leaves errors to `problems.py` and the documentation page to us."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """The library's handler drops `Allow` and answers application/json: ours is registered instead."""


def install_api(
    app: Flask, service_name: str, blueprints: Sequence[flask_smorest.Blueprint], *, staff_cookie: str
) -> None:
    """Mount the API below `/<service>/api`, with its OpenAPI document and Swagger UI."""
    prefix = f"/{service_name}/api"
    app.config.update(
        API_TITLE=f"Rostrum {service_name}",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {"description": "Errors are problem documents (RFC 9457) that name the field."},
            "components": {
                "securitySchemes": {
                    "staff": {"type": "apiKey", "in": "cookie", "name": staff_cookie},
                    "form": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
                }
            },
        },
    )
    api = ServiceApi(app)
    for blueprint in blueprints:
        api.register_blueprint(blueprint, url_prefix=prefix + (blueprint.url_prefix or ""))
    app.register_blueprint(_documentation(service_name, api))


def _documentation(service_name: str, api: Api) -> Blueprint:
    blueprint = Blueprint("api_docs", __name__)

    @blueprint.get(f"/{service_name}/api/openapi.json")
    @public("documentation")
    def openapi() -> Response:
        """The OpenAPI document."""
        response = jsonify(_document(current_app, api))
        # Documentation tools on other sites may read it: it holds no data.
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    @blueprint.get(f"/{service_name}/docs")
    @public("documentation")
    def docs() -> str:
        """Swagger UI."""
        return render_template("rostrum/api_docs.html", service_name=service_name)

    @blueprint.get(f"/{service_name}/docs/problems")
    @public("documentation")
    def problems() -> str:
        """What the kinds of problems mean: the address in every problem's `type`."""
        kinds = sorted(
            ((kind_of(kind), kind.status, kind.title, _meaning(kind)) for kind in _kinds(AppError)),
            key=lambda kind: (kind[1], kind[0]),
        )
        return render_template("rostrum/problems.html", kinds=kinds, service_name=service_name)

    return blueprint


def _kinds(base: type[AppError]) -> set[type[AppError]]:
    below = set(base.__subclasses__())
    return below.union(*(_kinds(kind) for kind in below)) if below else below


def _meaning(kind: type[AppError]) -> str:
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split())


def _document(app: Flask, api: Api) -> dict[str, Any]:
    """The library's document, with our media type for problems and each operation's guard."""
    document: dict[str, Any] = api.spec.to_dict()
    for response in document.get("components", {}).get("responses", {}).values():
        content = response.get("content", {})
        if "application/json" in content:
            content[MEDIA_TYPE] = content.pop("application/json")
    for rule in app.url_map.iter_rules():
        operations = document.get("paths", {}).get(_VARIABLE.sub(r"{\1}", rule.rule), {})
        for method, operation in operations.items():
            access = _access(app.view_functions[rule.endpoint], method)
            if access is not None and method.upper() in (rule.methods or set()):
                operation["security"] = _security(access, method)
    return document


def _access(view: Any, method: str) -> Access | None:
    view_class = getattr(view, "view_class", None)
    return access_of(getattr(view_class, method, view) if view_class is not None else view)


def _security(access: Access, method: str) -> list[dict[str, list[str]]]:
    if access.kind != "staff":
        return []
    return [{"staff": []} if method == "get" else {"staff": [], "form": []}]
