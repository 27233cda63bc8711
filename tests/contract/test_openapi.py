"""Each API's OpenAPI document is valid and complete: every answer with an example, every kind of problem explained."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_smorest import Blueprint
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]  # its stubs are not installed
from marshmallow import Schema, fields
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import validate

from shared.auth.guards import public
from shared.web.app import create_web
from shared.web.documented import NoExample
from tests.factories.services import SERVICES, composed
from tests.support.demo_service import demo_service, write_templates

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module", params=SERVICES)
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The web app of one service."""
    service = composed(request.param, tmp_path_factory.mktemp("service"))
    yield create_web(service)
    service.engine.dispose()


@pytest.fixture(scope="module")
def document(app: Flask) -> dict[str, Any]:
    """Its OpenAPI document."""
    answer = app.test_client().get(f"/{app.name}/api/openapi.json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    found = answer.json
    assert isinstance(found, dict)
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation, with its name."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield f"{method.upper()} {path}", operation


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that is sent or answered: where it stands, and its schema with its examples."""
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            for kind, content in response["content"].items():
                yield f"{name} {status} {kind}", content
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name} takes {kind}", content


def accepts(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Raise unless the value is as the schema says."""
    whole = {**schema, "components": document["components"]}
    OAS31Validator(whole, format_checker=oas31_format_checker).validate(value)


def test_it_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_every_request_and_answer_has_an_example_that_is_as_its_schema_says(document: dict[str, Any]) -> None:
    found = list(bodies(document))
    assert found
    for where, content in found:
        assert content["examples"], where
        for example in content["examples"].values():
            accepts(document, content["schema"], example["value"])


def test_an_example_that_is_wrong_would_be_noticed(document: dict[str, Any]) -> None:
    _, content = next(iter(bodies(document)))
    (example,) = list(content["examples"].values())[:1]
    with pytest.raises(ValidationError):
        accepts(document, content["schema"], {**example["value"], "surprise": 1})
    with pytest.raises(ValidationError):
        accepts(document, content["schema"], {})


def test_every_operation_says_what_it_does_who_may_and_what_can_come_back(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))
    for where, operation in operations(document):
        assert operation["summary"], where
        assert "security" in operation, where
        assert "default" not in operation["responses"], where
        assert {"500", "503"} < set(operation["responses"]), where
        assert any(status.startswith("2") for status in operation["responses"]), where
        for status, response in operation["responses"].items():
            expected = "application/json" if status.startswith("2") else PROBLEM
            assert set(response["content"]) == {expected}, (where, status)
            assert "X-Correlation-ID" in response["headers"], (where, status)


def test_every_parameter_has_an_example(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for parameter in [
            *item.get("parameters", ()),
            *(p for m, o in item.items() if m != "parameters" for p in o.get("parameters", ())),
        ]:
            shown = parameter.get("example", parameter["schema"].get("example"))
            assert shown is not None, (path, parameter["name"])
            accepts(document, parameter["schema"], shown)


def test_what_changes_something_needs_a_key_and_can_be_refused_for_it(document: dict[str, Any]) -> None:
    for where, operation in operations(document):
        if not where.startswith("POST"):
            continue
        (key,) = (each for each in operation["parameters"] if each["name"] == "Idempotency-Key")
        assert key["required"], where
        codes = {
            status: set(operation["responses"][status]["content"][PROBLEM]["examples"])
            for status in ("400", "409", "422")
        }
        assert {"idempotency_key_missing", "idempotency_key_malformed"} <= codes["400"], where
        assert "idempotency_key_in_use" in codes["409"], where
        assert "idempotency_key_reused" in codes["422"], where


def test_staff_operations_name_the_cookie_and_unsafe_ones_the_token(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert schemes["staff"]["name"] == "rostrum_staff"
    for where, operation in operations(document):
        if any("staff" in way for way in operation["security"]):
            assert {"401", "403"} <= set(operation["responses"]), where
            if where.startswith("POST"):
                assert operation["security"] == [{"staff": [], "form": []}], where
        for way in operation["security"]:
            assert way.keys() <= schemes.keys(), where


def test_every_kind_of_problem_has_its_place_on_the_page(app: Flask, document: dict[str, Any]) -> None:
    types = {
        example["value"]["type"]
        for where, content in bodies(document)
        if PROBLEM in where
        for example in content["examples"].values()
    }
    assert len(types) > 5
    client = app.test_client()
    for address in types:
        path, _, anchor = re.sub(r"^https?://[^/]+", "", address).partition("#")
        page = client.get(path)
        assert page.status_code == 200, address
        assert f'id="{anchor}"' in page.text, address


def test_the_page_explains_this_service_alone(app: Flask) -> None:
    text = app.test_client().get(f"/{app.name}/docs/problems").text
    assert ('id="workshop-full"' in text) == (app.name == "enrollment")
    for common in (
        "idempotency-key-missing",
        "malformed",
        "unsupported-media-type",
        "unexpected",
        "form-too-old",
    ):
        assert text.count(f'id="{common}"') == 1, common


def test_a_field_without_an_example_is_a_mistake_of_whoever_adds_it(tmp_path: Path) -> None:
    class Bare(Schema):
        """Says nothing about itself."""

        colour = fields.String()

    api = Blueprint("bare", "bare", description="Bare")

    @api.get("/bare")
    @public("a test")
    @api.response(200, Bare())
    def bare() -> dict[str, str]:
        """Nothing."""
        return {}

    write_templates(tmp_path)
    service = demo_service(tmp_path, apis=(api,))
    app = create_web(service, folder=tmp_path)
    with pytest.raises(NoExample, match=r"Bare\.colour"):
        app.view_functions["api_docs.openapi"]()
    service.engine.dispose()
