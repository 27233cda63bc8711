"""What the codec writes, what it reads, and what it says of bad bodies without quoting a value."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Permanent
from shared.messaging import schema
from shared.messaging.codec import Decoded, InvalidEvent, Unreadable, redact
from shared.messaging.event import Event, UnknownEventType
from tests.factories.messages import relaxed
from tests.factories.orders import (
    CODEC,
    LINE_ID,
    NAIVE,
    NOW,
    ORDER_ID,
    OrderClosed,
    Plain,
    an_order,
    body_of,
    encode,
)

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
    yield body_of("order.placed.v1", {**good, "kind": {}}), "data: kind: "
    yield body_of("order.placed.v1", {**good, "at": ""}), "data: at: "
    yield body_of("order.placed.v1", {**good, "at": []}), "data: at: "
    yield body_of("order.placed.v1", {**good, "at": {"secret": 1}}), "data: at: "
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


@relaxed
@given(st.binary(max_size=200))
def test_any_bytes_are_unreadable_or_unknown(body: bytes) -> None:
    with pytest.raises(Permanent):
        CODEC.decode(body)
