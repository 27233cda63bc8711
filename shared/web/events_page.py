"""The events as a page: who says what, who reads it, in which shape. Made of the AsyncAPI document itself."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Blueprint, render_template

from shared.auth.guards import public


@dataclass(frozen=True, kw_only=True)
class EventView:
    """One event. `fields` are pairs of a path and what may stand there."""

    type: str
    meaning: str
    publisher: str
    readers: Sequence[str]
    fields: Sequence[tuple[str, str]]
    example: str


def events_page(service_name: str, document: Callable[[], Mapping[str, Any]]) -> Blueprint:
    """The page. `document` makes the AsyncAPI document; it is asked once."""
    blueprint = Blueprint("events", __name__)
    known = cache(lambda: events_of(document()))

    @blueprint.get(f"/{service_name}/docs/events")
    @public("documentation")
    def events() -> str:
        """Every event."""
        return render_template("rostrum/events.html", events=known())

    return blueprint


def events_of(document: Mapping[str, Any]) -> list[EventView]:
    """Every event of the document, in its order."""
    schemas = document["components"]["schemas"]
    found = []
    for name, message in document["components"]["messages"].items():
        data = message["payload"]["allOf"][1]["properties"]["data"]
        schema = schemas[data["$ref"].rsplit("/", 1)[1]]
        found.append(
            EventView(
                type=name,
                meaning=schema["description"],
                publisher=_partners(document, name, "sends")[0],
                readers=_partners(document, name, "receives"),
                fields=list(_fields(schema, "")),
                example=json.dumps(message["examples"][0]["payload"], indent=2, ensure_ascii=False),
            )
        )
    return found


def _partners(document: Mapping[str, Any], name: str, verb: str) -> list[str]:
    ending = f".{verb}.{name}"
    return [each.removesuffix(ending) for each in document["operations"] if each.endswith(ending)]


def _fields(schema: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for name, member in schema["properties"].items():
        bare = member["oneOf"][0] if "oneOf" in member else member
        nullable = " or null" if bare is not member else ""
        path = f"{above}{name}"
        if bare["type"] == "array" and bare["items"]["type"] == "object":
            yield path, f"list of: {bare['items']['description']}"
            yield from _fields(bare["items"], f"{path}[].")
        elif bare["type"] == "object":
            yield path, f"object{nullable}: {bare['description']}"
            yield from _fields(bare, f"{path}.")
        else:
            yield path, _kind(bare) + nullable


def _kind(schema: Mapping[str, Any]) -> str:
    if schema["type"] == "array":
        return f"list of {_kind(schema['items'])}"
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    return str(schema.get("format", schema["type"]))
