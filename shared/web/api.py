"""The API of a service: flask-smorest's parsing and OpenAPI document, our problems in place of its errors."""

from collections.abc import Sequence
from typing import Any

import flask_smorest
from flask import Flask, current_app, request
from flask_smorest import Api
from werkzeug.exceptions import UnsupportedMediaType

from shared.web.api_docs import documentation
from shared.web.openapi import ProblemSchema, complete, security_schemes, taken_by


class ServiceApi(Api):  # type: ignore[misc]  # flask-smorest has no type hints
    """Leaves errors to `problems.py` and the documentation pages to us."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """The library's handler drops `Allow` and answers application/json: ours is registered instead."""


def install_api(
    app: Flask,
    service_name: str,
    blueprints: Sequence[flask_smorest.Blueprint],
    *,
    staff_cookie: str,
    types_at: str,
) -> None:
    """Mount the API below `/<service>/api`, with its OpenAPI document and Swagger UI."""
    prefix = f"/{service_name}/api"
    app.config.update(
        API_TITLE=f"Rostrum {service_name}",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {"description": _about(service_name), "license": {"name": "MIT", "identifier": "MIT"}},
            "externalDocs": {"description": "Kinds of problems", "url": types_at},
            "components": {"securitySchemes": security_schemes(staff_cookie)},
        },
    )
    api = ServiceApi(app)
    for blueprint in blueprints:
        api.register_blueprint(blueprint, url_prefix=prefix + (blueprint.url_prefix or ""))

    def document() -> dict[str, Any]:
        return complete(api.spec.to_dict(), app, types_at=types_at)

    app.register_blueprint(documentation(service_name, document))
    app.before_request(_refuse_other_content)


def _about(service_name: str) -> str:
    return (
        "Every refusal is a problem document (RFC 9457): `type` leads to the page that explains its kind, `code`"
        " names the very problem and never changes, `detail` says what to do, `errors` names each wrong field.\n\n"
        "Every POST needs an `Idempotency-Key`: sent again with the same key, a request has its effect once and"
        " gets the same answer.\n\n"
        "Times are ISO 8601 with their offset. Amounts are whole numbers of the currency's minor unit. Unknown"
        " fields are refused.\n\n"
        f"Staff sign in at `/staff/login`; see also the [kinds of problems](/{service_name}/docs/problems)."
    )


def _refuse_other_content() -> None:
    """Say 415 where JSON is wanted and something else came; the library would find all fields missing."""
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or "json" not in taken_by(view) or request.is_json:
        return
    if request.mimetype or request.content_length:
        raise UnsupportedMediaType
