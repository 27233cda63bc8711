"""The generated fast path and marshmallow give the same answers, whatever is wrong with a message."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from shared.messaging import schema
from shared.messaging.codec import InvalidEvent, Unreadable
from shared.messaging.event import Event
from shared.messaging.shape import references_in
from tests.factories.messages import messages, relaxed, spoiled, strange_values
from tests.factories.orders import CODEC, OrderClosed, OrderPlaced, body_of, encode

EVENTS: st.SearchStrategy[Event] = messages(OrderPlaced) | messages(OrderClosed)


@relaxed
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


@relaxed
@given(EVENTS)
def test_the_schema_path_writes_the_same_bytes(event: Event) -> None:
    encoded = encode(event)
    whole, public, references = CODEC._encode_by_schema(event)
    assert encoded.body.endswith(f'"data":{whole}}}')
    assert references == encoded.references
    assert encoded.redacted is None or encoded.redacted.endswith(f'"data":{public}}}')
    assert (encoded.redacted is None) == (whole == public)


@relaxed
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


@relaxed
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
