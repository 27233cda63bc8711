"""What stands in the broker: names, arguments, and how they are declared or only looked at.

Type, limits and dead-lettering are queue arguments, not policies: the safety of a queue must not hang on
an operator's policy being there. Arguments cannot be changed later; a change means a queue of a new name.
"""

from collections.abc import Callable
from typing import Any, Protocol

from shared.messaging.bus import Manifest

EVENTS = "rostrum.events"
UNROUTED = "rostrum.unrouted"

# How often the broker hands out one message before it moves it to the crashed queue.
DELIVERY_LIMIT = 20
# RabbitMQ 4 gives every quorum queue a limit of 20 and drops what exceeds it where there is no dead-letter
# exchange. Last nets must never drop, and RabbitMQ 3 knows no word for "unlimited".
PRACTICALLY_UNLIMITED = 1_000_000


class Channel(Protocol):
    """The part of an AMQP channel that this package uses (pika is imported by `connection` alone)."""

    is_open: bool

    def exchange_declare(
        self, exchange: str, *, exchange_type: str = ..., passive: bool = ..., durable: bool = ...,
        arguments: dict[str, Any] | None = ...,
    ) -> object: ...  # fmt: skip

    def queue_declare(
        self, queue: str, *, passive: bool = ..., durable: bool = ...,
        arguments: dict[str, Any] | None = ..., callback: Callable[..., None] | None = ...,
    ) -> object: ...  # fmt: skip

    def queue_bind(self, queue: str, exchange: str, routing_key: str | None = ...) -> object: ...

    def basic_qos(
        self, prefetch_size: int = ..., prefetch_count: int = ..., global_qos: bool = ...,
        callback: Callable[..., None] | None = ...,
    ) -> object: ...  # fmt: skip

    def basic_consume(self, queue: str, on_message_callback: Callable[..., None]) -> str: ...

    def basic_cancel(self, consumer_tag: str) -> object: ...

    def basic_ack(self, delivery_tag: int, multiple: bool) -> None: ...

    def basic_publish(
        self,
        exchange: str,
        routing_key: str,
        body: bytes,
        properties: Any,
        mandatory: bool,
    ) -> None: ...

    def confirm_delivery(
        self, ack_nack_callback: Callable[..., None], callback: Callable[..., None]
    ) -> object: ...

    def add_on_return_callback(self, callback: Callable[..., None]) -> None: ...

    def add_on_cancel_callback(self, callback: Callable[..., None]) -> None: ...

    def close(self) -> None: ...


def inbox_queue(service: str) -> str:
    """The queue a service reads."""
    return f"{service}.inbox"


def crashed_queue(service: str) -> str:
    """Where the broker puts what was handed out too often: the message probably kills its reader."""
    return f"{service}.crashed"


def queues(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """Every queue of the manifest with its arguments; targets of dead letters come before their sources."""
    net: dict[str, Any] = {
        "x-queue-type": "quorum",
        "x-delivery-limit": PRACTICALLY_UNLIMITED,
    }
    result = {UNROUTED: net}
    for service in sorted(manifest.subscriptions):
        result[crashed_queue(service)] = net
        result[inbox_queue(service)] = {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-overflow": "reject-publish",
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": crashed_queue(service),
            "x-dead-letter-strategy": "at-least-once",
        }
    return result


def declare(channel: Channel, manifest: Manifest, done: Callable[[], None]) -> None:
    """Declare the whole manifest on an open channel, then call `done`; an error closes the channel.

    All but the last step go without an answer: the broker works a channel off in order, so that the last
    answer confirms them all in one round trip.
    """
    channel.exchange_declare(UNROUTED, exchange_type="fanout", durable=True)
    channel.exchange_declare(
        EVENTS,
        exchange_type="topic",
        durable=True,
        arguments={"alternate-exchange": UNROUTED},
    )
    for queue, arguments in queues(manifest).items():
        channel.queue_declare(queue, durable=True, arguments=arguments)
    channel.queue_bind(UNROUTED, UNROUTED, "")
    for service, event_types in sorted(manifest.subscriptions.items()):
        for event_type in sorted(event_types):
            channel.queue_bind(inbox_queue(service), EVENTS, event_type)
    channel.queue_declare(UNROUTED, passive=True, callback=lambda _answer: done())


def look(channel: Channel, manifest: Manifest, done: Callable[[], None]) -> None:
    """Check that everything is there, for broker users that may not declare; else the channel is closed.

    The broker tells neither arguments nor bindings this way: who declares answers for them.
    """
    channel.exchange_declare(UNROUTED, passive=True)
    channel.exchange_declare(EVENTS, passive=True)
    for queue in queues(manifest):
        channel.queue_declare(queue, passive=True)
    channel.queue_declare(UNROUTED, passive=True, callback=lambda _answer: done())
