"""What a bus is. Two implementations pass one conformance suite: RabbitMQ, and files of SQLite."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from shared.errors import Unavailable


class BusUnavailable(Unavailable):
    """The broker cannot be reached, or did not confirm: the outbox keeps the messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """One outbox row on its way: `body` is a whole CloudEvent in structured JSON, UTF-8."""

    message_id: str
    type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message handed to a consumer by a broker, not yet acknowledged.

    `message_id` and `type` are what its sender wrote beside the body: any text of any sender's.
    `redelivered` is the broker's flag, `delivery_count` how often it was returned before (0 at first).
    `tag` and `epoch` belong to the consumer that received it.
    """

    message_id: str | None
    type: str | None
    body: bytes
    redelivered: bool
    delivery_count: int
    tag: int
    epoch: int
    queue: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Which queue gets which event types: `<service>` → types. Declared whole before the first publish."""

    subscriptions: Mapping[str, frozenset[str]] = field(default_factory=dict)


class Publisher(Protocol):
    """Used by one relay, from one thread."""

    def publish(self, messages: Sequence[OutgoingMessage]) -> "Future[None]":
        """Hand over a batch; the future resolves when *every* message is durable, else `BusUnavailable`.

        After a failure some of the batch may have been stored: publishing again only repeats messages.
        """
        ...

    def close(self) -> None: ...


class Consumer(Protocol):
    """Receives one service's messages from a broker, from one thread."""

    def receive(self, limit: int, timeout: float) -> list[Delivery]:
        """Wait up to `timeout` seconds for a message, then take what is there, at most `limit`, no linger."""
        ...

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge; deliveries of a connection that is gone are ignored (the broker returns them)."""
        ...

    def close(self) -> None: ...


class Bus(Protocol):
    """Carries messages between services."""

    def publisher(self) -> Publisher: ...

    def consumer(self) -> Consumer | None:
        """None where publishing already stores into the subscribers' inboxes (the embedded bus)."""
        ...

    def check(self) -> None:
        """Raise `BusUnavailable` when messages cannot be carried now."""
        ...

    def depths(self) -> Mapping[str, int] | None:
        """Messages per queue, where the broker's management interface is at hand; else None."""
        ...

    def close(self) -> None: ...
