"""Bodies that no reader can use, each certainly bad, made from good events with a seed.

Whatever is wrong with them, somebody's name (`MARKER`) may stand in it: none of it may reach an error or a log.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.contracts import REGISTRY
from shared.contracts.published import read_examples
from shared.messaging.bus import Manifest
from shared.messaging.shape import Listing, Scalar, record_of

MARKER = "Zephyrine Quuxworth"
MARKED_EMAIL = "zephyrine.quuxworth@example.com"
TRACES = ("Zephyrine", "Quuxworth", "zephyrine", "quuxworth")


@dataclass(frozen=True, kw_only=True)
class Bad:
    """One bad body, what is wrong with it, and the routing key under which it travels."""

    kind: str
    type: str
    message_id: str
    body: bytes


Event = dict[str, Any]
Text = Callable[[random.Random, Event], str | bytes]
Change = Callable[[random.Random, Event], None]


def bad_events(seed: int, count: int, manifest: Manifest) -> Iterator[Bad]:
    """`count` bad messages of types that somebody reads; every kind comes up, no body twice."""
    rng = random.Random(f"malformed {seed}")
    good = read_examples()
    read = sorted(t for t in set().union(*manifest.subscriptions.values()) if _ids(t))
    kinds = [*TEXTS, *CHANGES]
    seen: set[bytes] = set()
    while len(seen) < count:
        kind = kinds[len(seen) % len(kinds)]
        event_type = rng.choice(read)
        event = _fresh(rng, good[event_type])
        message_id = event["id"]
        made = _changed(rng, event, CHANGES[kind]) if kind in CHANGES else TEXTS[kind](rng, event)
        body = made.encode("utf-8", "surrogatepass") if isinstance(made, str) else made
        if body in seen:
            # The few that are always the same, such as nothing at all, differ by the white space around them.
            body = b" " * rng.randrange(1, 5000) + body
        if body not in seen:
            seen.add(body)
            yield Bad(kind=kind, type=event_type, message_id=message_id, body=body)


def _fresh(rng: random.Random, example: Event) -> Event:
    """The example with ids of its own and our marker in every personal field."""
    event = json.loads(json.dumps(example))
    event["id"] = _id(rng)
    event["data"] = _marked(event["data"], inside=False)
    return dict(event)


def _id(rng: random.Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))


def _marked(value: Any, *, inside: bool) -> Any:
    if isinstance(value, dict):
        return {key: _marked(below, inside=inside or key == "person") for key, below in value.items()}
    if isinstance(value, list):
        return [_marked(item, inside=inside) for item in value]
    if inside and isinstance(value, str):
        return MARKED_EMAIL if "@" in value else MARKER
    return value


def _changed(rng: random.Random, event: Event, change: Change) -> str:
    change(rng, event)
    return json.dumps(event, ensure_ascii=rng.random() < 0.5)


def _truncated(rng: random.Random, event: Event) -> str:
    text = json.dumps(event)
    return text[: rng.randrange(1, len(text))]


def _raw_byte(byte: bytes) -> Text:
    def make(rng: random.Random, event: Event) -> bytes:
        text = json.dumps(event).encode()
        at = text.index(b'"data"') + 1
        return text[:at] + byte + text[at:]

    return make


def _nested(rng: random.Random, event: Event) -> str:
    depth = rng.randrange(2_000, 60_000)
    return rng.choice(["[" * depth, '{"a":' * depth, "[" * depth + "]" * depth])


def _with_value(text: str) -> Text:
    """The event with some number of its data replaced by a piece of text that JSON, or we, do not take."""

    def make(rng: random.Random, event: Event) -> str:
        event["data"][_some_field(rng, event)] = "@@"
        return json.dumps(event).replace('"@@"', text)

    return make


def _twice(rng: random.Random, event: Event) -> str:
    """A second member of the same name: readers that take the first and such that take the last would differ."""
    text = json.dumps(event)
    name = rng.choice(["id", "data", "type"])
    other = json.dumps({"note": MARKER} if name == "data" else MARKER)
    return f'{{"{name}":{other},{text[1:]}'


def _long(rng: random.Random, event: Event) -> str:
    event["data"][_some_field(rng, event)] = {"note": MARKER * (1_000_000 // len(MARKER))}
    return json.dumps(event)


TEXTS: dict[str, Text] = {
    "truncated": _truncated,
    "nothing": lambda rng, event: b"",
    "no JSON": lambda rng, event: f"hello, this is {MARKER} {rng.random()}",
    "not an object": lambda rng, event: json.dumps(rng.choice([[event], 7, None, True, MARKER])),
    "random bytes": lambda rng, event: rng.randbytes(rng.randrange(1, 400)),
    "UTF-16": lambda rng, event: json.dumps(event).encode("utf-16"),
    "Latin-1": lambda rng, event: (
        json.dumps(event, ensure_ascii=False).replace('"data"', '"d\xe4ta"').encode("latin-1")
    ),
    "byte order mark": lambda rng, event: b"\xef\xbb\xbf" + json.dumps(event).encode(),
    "raw NUL": _raw_byte(b"\x00"),
    "raw control character": _raw_byte(b"\x1b"),
    "invalid UTF-8": _raw_byte(b"\xff\xfe"),
    "overlong UTF-8": _raw_byte(b"\xc0\xaf"),
    "surrogate in UTF-8": _raw_byte(b"\xed\xa0\x80"),
    "two documents": lambda rng, event: json.dumps(event) * 2,
    "trailing comma": lambda rng, event: json.dumps(event)[:-1] + ",}",
    "single quotes": lambda rng, event: json.dumps(event).replace('"', "'"),
    "comment": lambda rng, event: f"/* {MARKER} */ " + json.dumps(event),
    "deep nesting": _nested,
    "NaN": _with_value("NaN"),
    "Infinity": _with_value("-Infinity"),
    "float beyond range": _with_value("1e999"),
    "beyond 64 bit": _with_value("9223372036854775808"),
    "five thousand digits": _with_value("9" * 5000),
    "same name twice": _twice,
    "a megabyte in the wrong place": _long,
}


def _some_field(rng: random.Random, event: Event) -> str:
    """A field of the data that must be there and is no free text: an id, an amount, a moment, a list."""
    members = record_of(REGISTRY.get(event["type"])).members
    strict = [m.name for m in members if m.required and not m.nullable and _is_strict(m.shape)]
    return rng.choice(strict)


def _is_strict(shape: Any) -> bool:
    return isinstance(shape, Listing) or shape in (Scalar.UUID, Scalar.INTEGER, Scalar.INSTANT)


def _ids(event_type: str) -> list[str]:
    """The fields of a type that must be there and be UUIDs."""
    members = record_of(REGISTRY.get(event_type)).members
    return [m.name for m in members if m.required and not m.nullable and m.shape is Scalar.UUID]


def _set(**members: Any) -> Change:
    def change(rng: random.Random, event: Event) -> None:
        event.update(members)

    return change


def _without(*names: str) -> Change:
    def change(rng: random.Random, event: Event) -> None:
        del event[rng.choice(names)]

    return change


def _data(*values: Any) -> Change:
    def change(rng: random.Random, event: Event) -> None:
        event["data"][_some_field(rng, event)] = rng.choice(values)

    return change


def _lacks_a_field(rng: random.Random, event: Event) -> None:
    del event["data"][_some_field(rng, event)]


def _bad_id(rng: random.Random, event: Event) -> None:
    name = rng.choice(_ids(event["type"]))
    event["data"][name] = rng.choice(
        [MARKER, "019cf5f1", 17, "", [MARKER], "019cf5f1-1358-7006-80de-0003b54cdaZZ"]
    )


def _another_version(rng: random.Random, event: Event) -> None:
    event["type"] = event["type"].rsplit(".", 1)[0] + f".v{rng.randrange(2, 10**6)}"


CHANGES: dict[str, Change] = {
    "another CloudEvents version": _set(specversion="0.3"),
    "another kind of data": _set(datacontenttype="text/xml"),
    "no attribute": _without("specversion", "id", "type", "source", "subject", "time", "data"),
    "attribute of a wrong type": lambda rng, event: event.update(
        {
            rng.choice(["id", "source", "subject", "time"]): rng.choice(
                [7, None, [MARKER], {"note": MARKER}, ""]
            )
        }
    ),
    "endless attribute": lambda rng, event: event.update(
        {rng.choice(["id", "source", "subject"]): MARKER * 100}
    ),
    "time without a zone": _set(time="2026-03-16T09:12:41"),
    "time that overflows": lambda rng, event: event.update(
        time=rng.choice(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "10000-01-01T00:00:00Z"])
    ),
    "sequence of words": _set(sequence="first"),
    "data of a wrong type": lambda rng, event: event.update(
        data=rng.choice([[event["data"]], MARKER, 7, None])
    ),
    "NUL in an id": _set(id="0199\x00a4e2"),
    "lone surrogate in an id": _set(id="0199\ud800a4e2"),
    "unknown type": lambda rng, event: event.update(type=f"party.planned.v{rng.randrange(10**6)}"),
    "unknown version": _another_version,
    "no type at all": _set(type="Party Planned"),
    "a field is missing": _lacks_a_field,
    "no UUID": _bad_id,
    "null": _data(None),
    "text with a name": _data(MARKER, MARKED_EMAIL),
    "a list": _data([[MARKER]]),
    "an object": _data({"note": MARKER}),
    "a number with a fraction": _data(1.5),
    "a moment that overflows": _data(
        "10000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "2026-02-30T00:00:00Z"
    ),
}
