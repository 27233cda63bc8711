"""The documentation of a service's API: the OpenAPI document, Swagger UI, and a page about the kinds of problems."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from shared.auth.guards import public
from shared.errors import AppError
from shared.web.openapi import EXAMPLE_KEY
from shared.web.problems import MEDIA_TYPE, kind_of, usual_problems

_WHY = "documentation"


@dataclass(frozen=True, kw_only=True)
class Code:
    """One very problem: what is said, and which operations say it."""

    code: str
    detail: str
    operations: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of problem, as its section on the page says it."""

    name: str
    status: int
    title: str
    meaning: str


def documentation(service_name: str, document: Callable[[], dict[str, Any]]) -> Blueprint:
    """The pages. `document` makes the OpenAPI document; it is asked once."""
    blueprint = Blueprint("api_docs", __name__)
    # Made by the first reader: an app that nobody asks for it starts without it.
    known = cache(document)

    @blueprint.get(f"/{service_name}/api/openapi.json")
    @public(_WHY)
    def openapi() -> Response:
        """The OpenAPI document."""
        response = jsonify(known())
        # Documentation tools on other sites may read it: it holds no data.
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    @blueprint.get(f"/{service_name}/docs")
    @public(_WHY)
    def docs() -> str:
        """Swagger UI."""
        return render_template("rostrum/api_docs.html", example_key=EXAMPLE_KEY)

    @blueprint.get(f"/{service_name}/docs/problems")
    @public(_WHY)
    def problems() -> str:
        """What the kinds of problems mean: the address in every problem's `type`."""
        return render_template("rostrum/problems.html", kinds=kinds_of(service_name), codes=codes_in(known()))

    return blueprint


def kinds_of(service_name: str) -> Sequence[Kind]:
    """Every kind of problem that this service answers with: the kernel's and its own."""
    found = {
        problem.kind: Kind(
            name=problem.kind, status=problem.status, title=problem.title, meaning=problem.detail
        )
        for problem in usual_problems()
    }
    # One process may run several services: theirs have pages of their own.
    for error in _below(AppError):
        if error.__module__.startswith(("shared.", f"services.{service_name}.")):
            name = kind_of(error)
            found[name] = Kind(name=name, status=error.status, title=error.title, meaning=_meaning(error))
    return sorted(found.values(), key=lambda kind: (kind.status, kind.name))


def codes_in(document: dict[str, Any]) -> dict[str, list[Code]]:
    """The codes that operations document, by kind."""
    found: dict[str, dict[str, tuple[str, list[str]]]] = {}
    operations = 0
    for path, item in document["paths"].items():
        for method in item.keys() - {"parameters"}:
            operations += 1
            for problem in _problems_of(item[method]):
                by_code = found.setdefault(problem["type"].rpartition("#")[2], {})
                by_code.setdefault(problem["code"], (problem["detail"], []))[1].append(
                    f"{method.upper()} {path}"
                )
    return {
        kind: [
            Code(
                code=code,
                detail=detail,
                operations=["any operation"] if len(where) == operations > 1 else sorted(where),
            )
            for code, (detail, where) in sorted(by_code.items())
        ]
        for kind, by_code in found.items()
    }


def _problems_of(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for response in operation["responses"].values():
        for example in response["content"].get(MEDIA_TYPE, {}).get("examples", {}).values():
            yield example["value"]


def _below(base: type[AppError]) -> set[type[AppError]]:
    direct = set(base.__subclasses__())
    return direct.union(*map(_below, direct)) if direct else direct


def _meaning(error: type[AppError]) -> str:
    return " ".join((error.__doc__ or "").split("\n\n")[0].split())
