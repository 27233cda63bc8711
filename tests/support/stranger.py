"""Somebody who may publish and speaks AMQP as they please: any properties at all, past our own publisher."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pika

from shared.messaging.rabbitmq_bus.topology import EVENTS


class FarMoment(datetime):
    """A moment that AMQP can say and Python cannot: somebody counted milliseconds where seconds belong."""

    def utctimetuple(self) -> Any:
        year, month, _, *time = super().utctimetuple()
        return (year, month, 10**8, *time)


PROPERTIES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "none at all": {},
        "a type that is no text": {"type": b"\xff\xfe", "message_id": "a"},
        "an id that is no text": {"type": "parcel.sent.v1", "message_id": b"\xc3(\xa0"},
        "neither is text": {"type": b"\xf0\x28\x8c\x28", "message_id": b"\xed\xa0\x80"},
        "as long as can be": {"type": "t" * 255, "message_id": "i" * 255},
        "as long as can be and no text": {"type": b"\xff" * 255, "message_id": b"\xfe" * 255},
        "empty": {"type": "", "message_id": ""},
        "NUL": {"type": "a\x00b", "message_id": "a\x00b"},
        "a count that is none": {"message_id": "b", "headers": {"x-delivery-count": "often", "n": [b"\xff"]}},
        "a count below nothing": {"message_id": "c", "headers": {"x-delivery-count": -3}},
        "a header whose name is no text": {"message_id": "d", "headers": {b"\xff": b"\xff"}},
        "a moment beyond all calendars": {
            "message_id": "e", "headers": {"at": FarMoment(2026, 11, 27, tzinfo=UTC)}
        },
        "every other property": {
            "message_id": "g", "content_type": b"\xff", "content_encoding": b"\xff", "priority": 255,
            "delivery_mode": 1, "correlation_id": b"\xff", "reply_to": b"\xff", "timestamp": 2**64 - 1,
            "app_id": b"\xff", "cluster_id": b"\xff",
        },
    }
)  # fmt: skip
"""What is strange about them → properties that a broker carries all the same."""


def properties(number: int) -> tuple[str, Mapping[str, Any]]:
    """One kind after the other, each with an id of its own where it has any."""
    name = list(PROPERTIES)[number % len(PROPERTIES)]
    chosen, mark = dict(PROPERTIES[name]), str(number)
    given = chosen.get("message_id")
    if given:
        # At the end, and within what the protocol allows.
        kept = given[: 255 - len(mark)]
        chosen["message_id"] = kept + (mark.encode() if isinstance(kept, bytes) else mark)
    return name, chosen


def say(url: str, messages: Iterable[tuple[str, bytes, Mapping[str, Any]]], exchange: str = EVENTS) -> None:
    """Publish (routing key, body, properties) in their order, each confirmed."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        for routing_key, body, properties in messages:
            channel.basic_publish(exchange, routing_key, body, pika.BasicProperties(**properties), True)
    finally:
        connection.close()
