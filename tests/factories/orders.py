"""A small contract that uses every type a message may hold, and messages of it."""

import dataclasses
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID

from shared.messaging.codec import Codec, Encoded
from shared.messaging.event import Event, EventRegistry

REGISTRY = EventRegistry()
ORDER_ID = UUID("01926b1e-0000-7000-8000-000000000001")
LINE_ID = UUID("01926b1e-0000-7000-8000-000000000002")
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NAIVE = NOW.replace(tzinfo=None)


@dataclass(frozen=True, kw_only=True)
class Who:
    """Personal data."""

    name: str
    passport_id: str
    born_on: date | None


@dataclass(frozen=True, kw_only=True)
class Line:
    """A part with an id and with personal data of its own."""

    line_id: UUID
    count: int
    person: Who | None


@dataclass(frozen=True, kw_only=True)
class Plain:
    """A part without personal data."""

    parcel_id: str | None
    colour: Literal["red", "green"]


@REGISTRY.event("order.placed.v1", publisher="shop", aggregate="order", key="order_id")
@dataclass(frozen=True, kw_only=True)
class OrderPlaced(Event):
    """Every type a message may hold."""

    order_id: UUID
    carrier_id: str | None
    at: datetime
    seen_at: datetime | None
    day: date
    urgent: bool
    note: str | None
    amount_minor: int
    kind: Literal["gift", "own"]
    kinds: tuple[Literal["gift", "own"], ...]
    numbers: tuple[int, ...]
    flags: tuple[bool, ...]
    moments: tuple[datetime, ...]
    lines: tuple[Line, ...]
    plain: Plain
    plains: tuple[Plain, ...] | None
    person: Who
    added_later: str = "nothing"
    added_later_too: int | None = None


@REGISTRY.event("order.closed.v1", publisher="shop", aggregate="order", key="order_id")
@dataclass(frozen=True, kw_only=True)
class OrderClosed(Event):
    """Nothing personal in it."""

    order_id: UUID
    plain: Plain


CODEC = Codec(REGISTRY)


def an_order(**changes: Any) -> OrderPlaced:
    """An order with everything in it."""
    who = Who(name="Zoë", passport_id="P-1", born_on=None)
    order = OrderPlaced(
        order_id=ORDER_ID,
        carrier_id="carrier-1",
        at=NOW,
        seen_at=None,
        day=date(2026, 3, 2),
        urgent=False,
        note=None,
        amount_minor=1,
        kind="gift",
        kinds=(),
        numbers=(),
        flags=(),
        moments=(),
        lines=(Line(line_id=LINE_ID, count=2, person=who), Line(line_id=LINE_ID, count=1, person=None)),
        plain=Plain(parcel_id="parcel-1", colour="red"),
        plains=None,
        person=who,
    )
    return dataclasses.replace(order, **changes)


def encode(event: Event, **changes: Any) -> Encoded:
    """Write an event with usual attributes."""
    options: dict[str, Any] = {
        "message_id": "m-1",
        "time": NOW,
        "correlation_id": "c-1",
        "causation_id": None,
        "source": "shop",
        "sequence": 7,
    }
    return CODEC.encode(event, **{**options, **changes})


def body_of(event_type: str, data: Any, **attributes: Any) -> bytes:
    """A body as somebody else might have written it."""
    envelope = {
        "specversion": "1.0",
        "id": "m-1",
        "type": event_type,
        "source": "shop",
        "subject": "s-1",
        "time": "2026-03-02T09:30:00Z",
        "data": data,
    }
    return json.dumps({**envelope, **attributes}).encode()
