"""From a stored or delivered body to something a reaction can be given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from shared.errors import Permanent
from shared.messaging.codec import Codec, redact
from shared.messaging.inbox import BUS
from shared.messaging.subscriptions import InboxSource, Reaction, Subscriptions, Task


class Message(NamedTuple):
    """A readable message: `event` is what the reaction gets, `redacted` the body that is kept afterwards."""

    consumer: str
    message_id: str
    type: str
    body: str
    event: Any
    redacted: str
    references: tuple[str, ...]
    correlation_id: str | None
    reaction: Reaction | None


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Knows every source of one service: the bus with its codec, and others with theirs."""

    codec: Codec
    subscriptions: Subscriptions
    sources: Mapping[str, InboxSource] = field(default_factory=dict)

    def reaction(self, consumer: str, event_type: str) -> Reaction | None:
        """What this service does with such a message; None for one it only remembers."""
        table = self.subscriptions if consumer == BUS else self.sources[consumer].subscriptions
        return table.get(event_type)

    def task_types(self) -> tuple[tuple[str, str], ...]:
        """(consumer, type) of every message that starts a task."""
        tables = [(BUS, self.subscriptions), *((s.name, s.subscriptions) for s in self.sources.values())]
        return tuple(
            (consumer, event_type)
            for consumer, table in tables
            for event_type, reaction in table.items()
            if isinstance(reaction, Task)
        )

    def made_at(self, consumer: str, event: Any) -> datetime | None:
        """When another source than the bus says that it made a message, by its own clock."""
        if consumer == BUS:
            return None
        tell = self.sources[consumer].made_at
        return tell(event) if tell is not None else None

    def read_delivery(self, body: bytes) -> Message:
        """A body from the bus; raises `Permanent` (unreadable, unknown type) quoting no value."""
        decoded = self.codec.decode(body)
        envelope = decoded.envelope
        text = body.decode()
        return Message(
            consumer=BUS,
            message_id=envelope.id,
            type=envelope.type,
            body=text,
            event=decoded.event,
            redacted=decoded.redacted if decoded.redacted is not None else text,
            references=decoded.references,
            correlation_id=envelope.correlation_id,
            reaction=self.subscriptions.get(envelope.type),
        )

    def read_stored(
        self, consumer: str, message_id: str, event_type: str, body: str, correlation_id: str | None
    ) -> Message:
        """A body from the inbox; raises `Permanent`."""
        if consumer == BUS:
            return self.read_delivery(body.encode())
        source = self.sources.get(consumer)
        if source is None:
            raise Permanent(f"no source {consumer!r} is known here")
        return Message(
            consumer=consumer,
            message_id=message_id,
            type=event_type,
            body=body,
            event=source.decode(body),
            redacted=source.redact(body),
            references=(),
            correlation_id=correlation_id,
            reaction=source.subscriptions.get(event_type),
        )

    def redacted(self, consumer: str, body: str | None) -> str | None:
        """What may be kept of a body without its personal data; None when it cannot be told apart, or is none."""
        if not body:
            return None
        try:
            if consumer == BUS:
                # Not by reading it: a body of an unknown type, or one redacted before, must work as well.
                return redact(body) or body
            return self.sources[consumer].redact(body)
        except Exception:
            # Whatever makes it unreadable, personal data must not stay because of it.
            return None
