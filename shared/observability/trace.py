"""One story out of the logs of several processes: what an id, or a request, went through."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Line = Mapping[str, Any]

_TOOK_IN = {"edge_request": "seconds", "request": "milliseconds"}
"""Where a line that is written at its end says how long it took; the field is named by its unit."""

_FIRST = {"edge_request": 0, "request": 1}
"""What comes first of all that began at the same moment: the edge is asked before the service behind it."""


def read_lines(text: Iterable[str]) -> Iterator[Line]:
    """The JSON objects among lines of text; anything else is not ours."""
    for raw in text:
        # Tools that gather logs put a name in front of each line.
        begin = raw.find("{")
        try:
            found = json.loads(raw[begin:]) if begin >= 0 else None
        except ValueError:
            continue
        if isinstance(found, dict) and "event" in found and _moment(found.get("timestamp")) is not None:
            yield found


def began(line: Line) -> datetime:
    """When it was; of a request when it began, because its line is written at its end, behind what it caused."""
    moment = _moment(line["timestamp"])
    assert moment is not None, "read_lines passes on no line without a moment"
    unit = _TOOK_IN.get(str(line["event"]))
    took = line.get(unit) if unit else None
    return moment - timedelta(**{unit: took}) if unit and isinstance(took, int | float) else moment


def _moment(timestamp: object) -> datetime | None:
    # Read and not compared as text: one logs thousandths of a second, another millionths, a third an offset.
    try:
        moment = datetime.fromisoformat(str(timestamp))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """The lines of one story in the order of time, a request before what it caused."""

    lines: Sequence[Line]

    def of(self, event: str, **wanted: Any) -> list[Line]:
        """Its lines about one kind of event with these values."""
        return [
            line
            for line in self.lines
            if line["event"] == event and all(line.get(key) == value for key, value in wanted.items())
        ]


@dataclass(kw_only=True)
class _Index:
    messages: dict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))
    requests: dict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))
    wanted: set[str] = field(default_factory=set)
    correlations: set[str] = field(default_factory=set)


def trace(lines: Iterable[Line], wanted: str) -> Trace:
    """What names `wanted` (any id in a message, a message's id, or a correlation id), and what led to it.

    Requests belong to it when they caused one of its messages; whatever else was logged about one of its
    messages belongs to it too.
    """
    index = _Index(correlations={wanted})
    for line in lines:
        for message_id in _ids_of(line):
            index.messages[message_id].append(line)
        if line["event"] in ("request", "edge_request"):
            index.requests[str(line.get("correlation_id"))].append(line)
        if line["event"] in ("message_said", "message_received") and _names(line, wanted):
            index.wanted.add(str(line["message_id"]))
            index.correlations.add(str(line.get("correlation_id")))
    found = [line for message_id in index.wanted for line in index.messages[message_id]]
    found += [line for correlation in index.correlations for line in index.requests[correlation]]
    once = {id(line): line for line in found}.values()
    return Trace(lines=sorted(once, key=lambda line: (began(line), _FIRST.get(str(line["event"]), 2))))


def _ids_of(line: Line) -> Sequence[str]:
    if "message_ids" in line:
        return [str(each) for each in line["message_ids"]]
    return [str(line["message_id"])] if "message_id" in line else []


def _names(line: Line, wanted: str) -> bool:
    return wanted in (line.get("message_id"), line.get("correlation_id")) or wanted in line.get(
        "references", ()
    )


def told(line: Line) -> str:
    """One line for people."""
    what = {
        "request": f"{line.get('method')} {line.get('path')} → {line.get('status')}",
        "edge_request": f"{line.get('method')} came to the edge → {line.get('status')}",
        "message_received": f"received {line.get('event_type')} from {line.get('source')}",
        "message_said": f"said {line.get('event_type')}",
        "messages_published": "published",
        "message_handled": f"handled {line.get('event_type')} ({line.get('reaction')})",
    }.get(str(line["event"]))
    if what is None:
        rest = {
            key: value
            for key, value in line.items()
            if key not in ("event", "service", "timestamp", "level", "correlation_id", "message_id", "logger")
        }
        what = " ".join([str(line["event"]), *(f"{key}={value}" for key, value in rest.items())])
    took = f"  {line['milliseconds']} ms" if "milliseconds" in line else ""
    return f"{began(line):%Y-%m-%dT%H:%M:%S.%fZ}  {line.get('service', '')!s:13}  {what}{took}"
