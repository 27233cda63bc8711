"""The generated fast path and marshmallow give the same answers; bad bodies say why and quote nothing."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from shared.errors import Permanent
from shared.messaging import schema
from shared.messaging.codec import Codec, Decoded, Encoded, InvalidEvent, Unreadable, redact
from shared.messaging.event import Event, EventRegistry, UnknownEventType
from shared.messaging.shape import references_in
from tests.factories.messages import messages, spoiled, strange_values

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
EVENTS: st.SearchStrategy[Event] = messages(OrderPlaced) | messages(OrderClosed)


def an_order(**changes: Any) -> OrderPlaced:
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


# The two paths agree


@given(EVENTS)
def test_what_is_written_is_what_marshmallow_would_write_and_reads_back_as_it_was(event: Event) -> None:
    encoded = encode(event)
    raw = json.loads(encoded.body)
    assert raw["data"] == schema.check_and_dump(event)
    assert list(raw["data"]) == [field.name for field in dataclasses.fields(event)]
    decoded = CODEC.decode(encoded.body.encode())
    assert decoded.event == event
    assert decoded.references == encoded.references == references_in(event)
    assert decoded.redacted == encoded.redacted


@given(EVENTS)
def test_the_schema_path_writes_the_same_bytes(event: Event) -> None:
    encoded = encode(event)
    whole, public, references = CODEC._encode_by_schema(event)
    assert encoded.body.endswith(f'"data":{whole}}}')
    assert references == encoded.references
    assert encoded.redacted is None or encoded.redacted.endswith(f'"data":{public}}}')
    assert (encoded.redacted is None) == (whole == public)


@given(st.data(), EVENTS)
def test_a_spoiled_body_is_read_or_refused_by_both_paths_alike(draw: st.DataObject, event: Event) -> None:
    data = draw.draw(spoiled(schema.check_and_dump(event)))
    try:
        expected = schema.load(type(event), data)
    except ValidationError:
        with pytest.raises(Unreadable):
            CODEC.decode(body_of(event.TYPE, data))
        return
    decoded = CODEC.decode(body_of(event.TYPE, data))
    assert (decoded.event, repr(decoded.event)) == (expected, repr(expected))
    assert decoded.references == references_in(expected)


@given(st.data(), messages(OrderPlaced), strange_values)
def test_a_spoiled_event_is_written_or_refused_by_both_paths_alike(
    draw: st.DataObject, event: OrderPlaced, value: Any
) -> None:
    holder: Any = draw.draw(st.sampled_from([event, event.plain, event.person]))
    name = draw.draw(st.sampled_from([field.name for field in dataclasses.fields(holder)]))
    object.__setattr__(holder, name, value)
    try:
        expected = schema.check_and_dump(event)
    except ValidationError:
        with pytest.raises(InvalidEvent):
            encode(event)
        return
    assert json.loads(encode(event).body)["data"] == expected


# Writing


def test_the_body_is_a_cloud_event() -> None:
    raw = json.loads(encode(an_order(), causation_id="m-0").body)
    del raw["data"]
    assert raw == {
        "specversion": "1.0",
        "id": "m-1",
        "type": "order.placed.v1",
        "source": "shop",
        "subject": str(ORDER_ID),
        "time": "2026-03-02T09:30:00Z",
        "datacontenttype": "application/json",
        "correlationid": "c-1",
        "causationid": "m-0",
        "sequence": "0000000007",
    }


def test_absent_attributes_are_left_out() -> None:
    raw = json.loads(encode(an_order(), sequence=None).body)
    assert not {"causationid", "sequence"} & set(raw)


def test_personal_data_is_redacted_at_every_depth_and_nothing_else_is() -> None:
    encoded = encode(an_order())
    assert encoded.redacted is not None
    redacted, whole = json.loads(encoded.redacted), json.loads(encoded.body)
    assert redacted["data"]["person"] is None
    assert [line["person"] for line in redacted["data"]["lines"]] == [None, None]
    whole["data"]["person"] = None
    for line in whole["data"]["lines"]:
        line["person"] = None
    assert redacted == whole
    assert redact(encoded.body) == encoded.redacted


def test_without_personal_data_there_is_nothing_to_redact() -> None:
    closed = OrderClosed(order_id=ORDER_ID, plain=Plain(parcel_id=None, colour="green"))
    encoded = encode(closed)
    assert encoded.redacted is None
    assert CODEC.decode(encoded.body.encode()).redacted is None


def test_references_are_every_id_once_but_none_of_a_person() -> None:
    assert encode(an_order()).references == (str(ORDER_ID), "carrier-1", str(LINE_ID), "parcel-1")


def test_other_time_zones_are_written_in_utc() -> None:
    event = an_order(at=datetime(2026, 3, 2, 11, 30, tzinfo=timezone(timedelta(hours=2))))
    encoded = encode(event)
    assert json.loads(encoded.body)["data"]["at"] == "2026-03-02T09:30:00Z"
    assert CODEC.decode(encoded.body.encode()).event == event


def test_a_state_enum_is_written_as_its_value() -> None:
    class Kind(StrEnum):
        GIFT = "gift"

    encoded = encode(an_order(kind=Kind.GIFT, note=Kind.GIFT))
    data = json.loads(encoded.body)["data"]
    assert (data["kind"], data["note"]) == ("gift", "gift")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount_minor": True}, "amount_minor"),
        ({"amount_minor": 1.0}, "amount_minor"),
        ({"amount_minor": 2**63}, "amount_minor"),
        ({"order_id": str(ORDER_ID)}, "order_id"),
        ({"at": NAIVE}, "at"),
        ({"day": NOW}, "day"),
        ({"note": "secret\x00"}, "note"),
        ({"note": "secret\ud800"}, "note"),
        ({"kind": "secret"}, "kind"),
        ({"numbers": [1]}, "numbers"),
        ({"urgent": 1}, "urgent"),
        ({"person": None}, "person"),
        ({"plain": an_order().person}, "plain"),
    ],
)
def test_an_event_that_breaks_its_contract_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidEvent) as refusal:
        encode(an_order(**changes))
    assert f"order.placed.v1: {field}: " in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_an_event_of_another_registry_is_refused() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Stranger(Event):
        """Not declared."""

    with pytest.raises(InvalidEvent, match="Stranger is not declared"):
        encode(Stranger())


@pytest.mark.parametrize(
    "changes",
    [{"message_id": ""}, {"correlation_id": "x" * 501}, {"source": "\x00"}, {"time": NAIVE}],
)
def test_a_bad_attribute_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent):
        encode(an_order(), **changes)


# Reading


def decode_changed(*, drop: str | None = None, **data: Any) -> Decoded:
    changed = {**schema.check_and_dump(an_order()), **data}
    changed.pop(drop or "", None)
    return CODEC.decode(body_of("order.placed.v1", changed))


def test_what_a_newer_writer_added_is_left_out() -> None:
    assert decode_changed(brand_new={"x": 1}).event == an_order()


def test_what_an_older_writer_did_not_send_has_its_default() -> None:
    assert decode_changed(drop="added_later").event == an_order()
    assert decode_changed(drop="added_later_too").event == an_order()
    assert decode_changed(drop="note").event == an_order()


def test_an_id_in_another_spelling_is_found_by_its_usual_one() -> None:
    assert decode_changed(order_id=str(ORDER_ID).upper()).references[0] == str(ORDER_ID)


def test_personal_data_that_this_version_does_not_know_is_redacted_too() -> None:
    decoded = CODEC.decode(
        body_of(
            "order.closed.v1",
            {
                "order_id": str(ORDER_ID),
                "plain": {"parcel_id": None, "colour": "red"},
                "newer": [{"person": {"name": "secret"}}],
            },
        )
    )
    assert decoded.redacted is not None
    assert "secret" not in decoded.redacted


def test_a_key_spelled_with_escapes_does_not_hide_personal_data() -> None:
    body = body_of("order.closed.v1", {"order_id": str(ORDER_ID), "plain": {"colour": "red"}, "x": 1})
    sneaky = body.replace(b'"x": 1', b'"\\u0070erson": {"name": "secret"}')
    redacted = CODEC.decode(sneaky).redacted
    assert redacted is not None
    assert "secret" not in redacted


def test_a_message_without_a_correlation_starts_its_own() -> None:
    assert decode_changed().envelope.correlation_id == "m-1"


def test_the_envelope_comes_back() -> None:
    envelope = CODEC.decode(encode(an_order(), causation_id="m-0").body.encode()).envelope
    assert (envelope.id, envelope.type, envelope.source) == ("m-1", "order.placed.v1", "shop")
    assert (envelope.correlation_id, envelope.causation_id, envelope.sequence) == ("c-1", "m-0", 7)
    assert (envelope.subject, envelope.time) == (str(ORDER_ID), NOW)


def unreadable_bodies() -> Iterator[tuple[bytes, str]]:
    good = schema.check_and_dump(an_order())
    yield b"", "not JSON"
    yield b"\xff\x00secret", "not JSON"
    yield b'{"secret"', "not JSON"
    yield "{}".encode("utf-16"), "not JSON"
    yield b"[" * 100_000, "not JSON"
    yield b"1" * 5_000, "not JSON"
    yield b'{"x": NaN}', "not JSON"
    yield b"[]", "not a JSON object"
    yield body_of("order.placed.v1", good, specversion="0.3"), "specversion"
    yield body_of("order.placed.v1", good, datacontenttype="text/secret"), "datacontenttype"
    yield body_of("order.placed.v1", good, id=None), "id"
    yield body_of("order.placed.v1", good, id="secret" * 100), "id"
    yield body_of("order.placed.v1", good, time="secret"), "time"
    yield body_of("order.placed.v1", good, time="2026-03-02T09:30:00"), "time"
    yield body_of("order.placed.v1", good, sequence="secret"), "sequence"
    yield body_of("order.placed.v1", good, sequence="9" * 30), "sequence"
    yield body_of("Secret value!", good), "type"
    yield body_of("order.placed.v1", ["secret"]), "data"
    yield body_of("order.placed.v1", {**good, "person": None}), "data: person: "
    yield body_of("order.placed.v1", {**good, "kind": "secret"}), "data: kind: "
    yield (
        body_of("order.placed.v1", {**good, "lines": [{"line_id": "secret", "count": 1}]}),
        "data: lines.0.line_id: Not a valid UUID.",
    )


@pytest.mark.parametrize(("body", "reason"), list(unreadable_bodies()))
def test_a_bad_body_is_unreadable_for_a_reason_that_quotes_no_value(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        CODEC.decode(body)
    assert reason in str(refusal.value)
    assert "secret" not in str(refusal.value).lower()
    assert len(str(refusal.value)) <= 300
    assert isinstance(refusal.value, Permanent)


def test_an_unknown_version_is_told_from_a_bad_body() -> None:
    with pytest.raises(UnknownEventType):
        CODEC.decode(body_of("order.placed.v2", {}))


@given(st.binary(max_size=200))
def test_any_bytes_are_unreadable_or_unknown(body: bytes) -> None:
    with pytest.raises(Permanent):
        CODEC.decode(body)
