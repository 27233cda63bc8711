"""A message that is published once more must be the one that came, and be known when it comes back."""

import hashlib
from typing import Any

from shared.messaging.rabbitmq_bus import frames

_COUNT = "x-delivery-count"


class _AsSent:
    """Properties in the bytes in which they came: pika would lose what it cannot read, and cut numbers."""

    INDEX = 0x3C

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded

    def encode(self) -> list[bytes]:
        return [self._encoded]


def as_it_came(properties: Any) -> Any:
    """Its properties, to be published once more: in the bytes in which they came, wherever the broker takes those."""
    counted = _COUNT in (properties.headers or {})
    kept_on_disk = properties.delivery_mode == frames.KEPT_ON_DISK
    # What cannot be read cannot be changed either; the topology's queues keep everything on disk by themselves.
    if not properties.readable or (kept_on_disk and not counted and properties.user_id is None):
        return _AsSent(properties.as_sent)
    if counted:
        # How often this queue has handed it out is nothing to the next one.
        del properties.headers[_COUNT]
    # The broker lets nobody speak in another user's name: it would close the channel.
    properties.user_id = None
    properties.delivery_mode = frames.KEPT_ON_DISK
    return properties


def identity_of(method: Any, properties: Any, body: bytes) -> bytes:
    """The same for a message that has come back; not its count, which the broker writes."""
    text = repr((method.routing_key, properties.message_id, properties.type, len(body)))
    return hashlib.sha256(text.encode(errors="backslashreplace") + body).digest()


def printable(routing_key: str | bytes) -> str:
    """Anybody's bytes, for somebody's terminal."""
    text = routing_key.decode(errors="backslashreplace") if isinstance(routing_key, bytes) else routing_key
    return text if text.isprintable() else text.encode("unicode_escape").decode()
