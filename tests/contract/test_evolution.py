"""Readers and writers are never deployed at one moment: today's schemas against the snapshots, both ways.

*Backward*: this code reads what was written under a snapshot. *Forward*: a reader of a snapshot reads what
this code writes. Changes of a small event show that the comparison notices, and that what it says is real.
"""

import copy
import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest

from shared.contracts import published
from shared.contracts.published import evolution_problems, present_schemas, read_examples, read_snapshots
from shared.messaging.codec import Codec, Unreadable
from shared.messaging.event import Event, EventRegistry
from shared.messaging.evolution import incompatibilities
from shared.messaging.json_schema import json_schema

THING_ID = UUID("01926b1e-0000-7000-8000-000000000001")


def test_no_published_event_is_broken() -> None:
    problems = evolution_problems(read_snapshots(), present_schemas())
    assert problems == [], "make it a new version, or give new fields a default"


def test_every_event_has_a_snapshot_that_is_current() -> None:
    assert read_snapshots() == present_schemas(), "run `make contracts`"


@pytest.mark.parametrize("name", sorted(read_examples()))
def test_an_example_has_everything_its_snapshot_requires(name: str) -> None:
    snapshot = read_snapshots()[name.split("--")[0]]
    assert set(snapshot["required"]) <= set(read_examples()[name]["data"]) <= set(snapshot["properties"])


# The rules, each shown by a change of one event, judged by the comparison and by real messages both ways


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part."""

    number: int


@dataclass(frozen=True, kw_only=True)
class Before(Event):
    """As it was published."""

    thing_id: UUID
    count: int
    note: str | None
    kind: Literal["a", "b"]
    parts: tuple[Part, ...]


def changed(**fields: Any) -> type[Event]:
    """The event with some fields of another type, or (type, default), or None to leave the field out."""
    annotations: dict[str, Any] = {**Before.__annotations__, **{k: v for k, v in fields.items() if v}}
    defaults = {name: hint[1] for name, hint in annotations.items() if isinstance(hint, tuple)}
    hints = {name: hint[0] if isinstance(hint, tuple) else hint for name, hint in annotations.items()}
    for name in [name for name, hint in fields.items() if hint is None]:
        del hints[name]
    body = {"__annotations__": hints, "__doc__": "As it is now.", **defaults}
    cls: type[Event] = dataclass(frozen=True, kw_only=True)(type("After", (Event,), body))
    return cls


@dataclass(frozen=True, kw_only=True)
class PartWithName:
    """A part that got a name."""

    number: int
    name: str


@dataclass(frozen=True, kw_only=True)
class PartWithDefaultName:
    """A part that got a name, if its writer knew of names."""

    number: int
    name: str = ""


COMPATIBLE: dict[str, Callable[[], type[Event]]] = {
    "nothing": changed,
    "an added field with a default": lambda: changed(extra=(int, 0)),
    "an added field that may be null": lambda: changed(extra=str | None),
    "a removed field that was never required": lambda: changed(note=None),
    "an added field with a default inside a part": lambda: changed(parts=tuple[PartWithDefaultName, ...]),
}

BREAKING: dict[str, tuple[Callable[[], type[Event]], str]] = {
    "an added required field": (lambda: changed(extra=int), "give it a default"),
    "a removed required field": (lambda: changed(count=None), "was removed"),
    "another type": (lambda: changed(count=str), "was integer, is string"),
    "another format": (lambda: changed(thing_id=str), "was string (uuid), is string"),
    "null where none was": (lambda: changed(count=int | None), "may be null now"),
    "no null where one was": (lambda: changed(note=str), "may no longer be null"),
    "a new choice": (lambda: changed(kind=Literal["a", "b", "c"]), "was one of a, b, is one of a, b, c"),
    "a lost choice": (lambda: changed(kind=Literal["a"]), "was one of a, b, is one of a"),
    "a list of something else": (lambda: changed(parts=tuple[int, ...]), "data.parts[]: was object"),
    "a required field inside a part": (lambda: changed(parts=tuple[PartWithName, ...]), "parts[].name"),
}


@pytest.mark.parametrize("change", COMPATIBLE)
def test_what_may_change_is_read_both_ways(change: str) -> None:
    after = COMPATIBLE[change]()
    assert incompatibilities(json_schema(Before), json_schema(after)) == []
    assert _reads(after, _message(Before)), "backward"
    assert _reads(Before, _message(after)), "forward"


@pytest.mark.parametrize("change", BREAKING)
def test_what_breaks_is_named(change: str) -> None:
    make, words = BREAKING[change]
    problems = incompatibilities(json_schema(Before), json_schema(make()))
    assert [text for text in problems if words in text], problems


@pytest.mark.parametrize("change", ["an added required field", "another type", "a list of something else"])
def test_backward_breaks_are_real(change: str) -> None:
    assert not _reads(BREAKING[change][0](), _message(Before))


@pytest.mark.parametrize("change", ["a removed required field", "null where none was", "another type"])
def test_forward_breaks_are_real(change: str) -> None:
    assert not _reads(Before, _message(BREAKING[change][0]()))


def test_a_published_type_may_not_vanish() -> None:
    assert evolution_problems({"thing.gone.v1": json_schema(Before)}, {}) == [
        "thing.gone.v1: was published and may not vanish"
    ]


def test_export_refuses_to_overwrite_a_published_type_it_would_break(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "SNAPSHOTS", tmp_path / "snapshots")
    monkeypatch.setattr(published, "ASYNCAPI", tmp_path / "asyncapi.yaml")
    old = copy.deepcopy(present_schemas())
    old["booking.placed.v1"]["properties"]["amount_minor"] = {"type": "string"}
    monkeypatch.setattr(published, "read_snapshots", lambda: old)
    assert published.export(frozenset()) == [
        "booking.placed.v1: data.amount_minor: was string, is integer",
    ]
    assert not (tmp_path / "snapshots").exists()
    assert published.export(frozenset({"booking.placed.v1"})) == []
    assert read_snapshots(tmp_path / "snapshots") == present_schemas()


def _codec(cls: type[Event]) -> Codec:
    fresh = dataclasses.make_dataclass(
        cls.__name__,
        [(f.name, f.type, dataclasses.field(default=f.default)) for f in dataclasses.fields(cls)],
        bases=(Event,),
        frozen=True,
        kw_only=True,
        namespace={"__doc__": "A thing."},
    )
    registry = EventRegistry()
    registry.event("thing.happened.v1", publisher="shop", aggregate="thing", key="thing_id")(fresh)
    return Codec(registry)


def _message(cls: type[Event]) -> bytes:
    """What a writer of this version sends, with null wherever it may."""
    data: dict[str, Any] = {}
    for name, schema in json_schema(cls)["properties"].items():
        data[name] = None if "oneOf" in schema else _value(schema)
    envelope = {
        "specversion": "1.0",
        "id": "m-1",
        "type": "thing.happened.v1",
        "source": "/shop",
        "subject": str(THING_ID),
        "time": "2026-03-02T09:30:00Z",
        "data": data,
    }
    return json.dumps(envelope).encode()


def _value(schema: dict[str, Any]) -> Any:
    match schema["type"]:
        case "integer":
            return 1
        case "array":
            return [_value(schema["items"])]
        case "object":
            return {name: _value(below) for name, below in schema["properties"].items()}
    return str(THING_ID) if schema.get("format") == "uuid" else schema.get("enum", ["text"])[0]


def _reads(cls: type[Event], body: bytes) -> bool:
    try:
        _codec(cls).decode(body)
    except Unreadable:
        return False
    return True
