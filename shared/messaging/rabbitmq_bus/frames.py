"""Messages as AMQP frames, many in one piece of bytes.

pika hands each message to the socket in three pieces and builds each from objects; the two together were
measured to halve the relay's rate. What is written here is byte for byte what pika writes (a test compares
them). Only the way to the socket, `_output_marshaled_frames`, is not in pika's documented interface: where a
release has it no more, and for bodies that fill several frames, pika's own `basic_publish` is used.
"""

import struct
from collections.abc import Sequence
from typing import Any

from shared.messaging.bus import OutgoingMessage

CONTENT_TYPE = "application/cloudevents+json"
KEPT_ON_DISK = 2
_OVERHEAD = 8
"""Bytes of a frame besides what it carries."""

_METHOD, _HEADER, _BODY = 1, 2, 3
_BASIC, _PUBLISH, _MANDATORY = 60, 40, 1
_END = b"\xce"
# Which properties follow: content type, delivery mode, message id, type.
_PROPERTIES = 1 << 15 | 1 << 12 | 1 << 7 | 1 << 5

_start = struct.Struct(">BHI").pack
_content = struct.Struct(">BHIHHQH").pack


def joined(channel_number: int, exchange: str, messages: Sequence[OutgoingMessage]) -> bytes:
    """Publishing `messages` in their order, mandatory, by type as routing key; the bodies `fit`."""
    pieces: list[bytes] = []
    heads: dict[str, tuple[bytes, bytes, bytes]] = {}
    for message in messages:
        if message.type not in heads:
            heads[message.type] = _head(channel_number, exchange, message.type)
        method, before, after = heads[message.type]
        properties = b"".join((before, _short(message.message_id), after))
        body = message.body
        pieces += (
            method,
            _content(_HEADER, channel_number, 14 + len(properties), _BASIC, 0, len(body), _PROPERTIES),
            properties,
            _END,
            _start(_BODY, channel_number, len(body)),
            body,
            _END,
        )
    return b"".join(pieces)


def _head(channel_number: int, exchange: str, event_type: str) -> tuple[bytes, bytes, bytes]:
    """The same for every message of a type: the whole method frame, properties before and after the id."""
    arguments = b"".join(
        (struct.pack(">HHH", _BASIC, _PUBLISH, 0), _short(exchange), _short(event_type), bytes([_MANDATORY]))
    )
    method = _start(_METHOD, channel_number, len(arguments)) + arguments + _END
    return method, _short(CONTENT_TYPE) + bytes([KEPT_ON_DISK]), _short(event_type)


def _short(text: str) -> bytes:
    encoded = text.encode()
    # More than 255 bytes raise here: such a text has no form in AMQP.
    return bytes([len(encoded)]) + encoded


def output_of(channel: Any) -> Any:
    """pika's way to write frames; None where this release has none, or the channel takes none any more."""
    return getattr(channel.connection, "_output_marshaled_frames", None) if channel.is_open else None


def fit(channel: Any, messages: Sequence[OutgoingMessage]) -> bool:
    """Whether every body fills exactly one frame of the size that both sides agreed on."""
    largest = channel.connection.params.frame_max - _OVERHEAD
    return all(0 < len(message.body) <= largest for message in messages)
