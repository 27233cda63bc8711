"""Receiving one service's messages: the connection's thread only queues them, the worker takes and acks.

**Probation.** A broker counts a delivery for everything a dying process had been handed, not only for
the message that killed it. So each connection begins with one message at a time; returned messages come
first, and a killer among them harms only itself. The first fresh message that has been acknowledged ends
the probation: a new channel takes the full prefetch (on the old one RabbitMQ 3.10 may refuse to change it).
"""

import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from shared.messaging.bus import Delivery
from shared.messaging.rabbitmq_bus.connection import BrokerConnection
from shared.messaging.rabbitmq_bus.topology import Channel, crashed_queue, inbox_queue

_CLOSE_SECONDS = 5.0


class _Subscription:
    """One channel and what was delivered on it; its number is the epoch of its deliveries."""

    def __init__(self, epoch: int, channel: Channel, *, on_probation: bool) -> None:
        self.epoch = epoch
        self.channel = channel
        self.on_probation = on_probation
        self.retired = False
        self.consumer_tags: list[str] = []
        self.fresh_tags: set[int] = set()
        self.last_delivered = 0
        self._first_unacked = 1
        self._acked_beyond: set[int] = set()

    @property
    def has_open_deliveries(self) -> bool:
        """Whether something delivered on probation is not acknowledged yet."""
        return self._first_unacked <= self.last_delivered

    def ack(self, tags: list[int]) -> None:
        """Acknowledge tags: all that form a run from the oldest open one in one frame, the rest singly."""
        acked = self._acked_beyond
        acked.update(tags)
        first = self._first_unacked
        while first in acked:
            acked.discard(first)
            first += 1
        self._first_unacked = first
        run = [tag for tag in tags if tag < first]
        if run:
            self.channel.basic_ack(max(run), True)
        for tag in tags:
            if tag > first:
                self.channel.basic_ack(tag, False)


class RabbitMQConsumer:
    """A `Consumer` of `<service>.inbox` and `<service>.crashed`.

    What comes from the crashed queue is marked as redelivered, so that its reader stores it before it
    touches it.
    """

    def __init__(
        self,
        connect: Callable[["RabbitMQConsumer"], BrokerConnection],
        *,
        service: str,
        prefetch: int,
    ) -> None:
        self._inbox = inbox_queue(service)
        self._crashed = crashed_queue(service)
        self._prefetch = prefetch
        self._received: SimpleQueue[tuple[int, str, Any, Any, bytes]] = SimpleQueue()
        self._epoch = 0
        self._subscriptions: dict[int, _Subscription] = {}
        self.connection = connect(self)
        self.connection.start()

    # --- the worker's thread ---------------------------------------------------------------------

    def receive(self, limit: int, timeout: float) -> list[Delivery]:
        """See `Consumer.receive`."""
        deadline = time.monotonic() + timeout
        deliveries: list[Delivery] = []
        while len(deliveries) < limit:
            try:
                if deliveries:
                    raw = self._received.get_nowait()
                else:
                    raw = self._received.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                break
            # Of a channel that is gone the broker hands everything out again: working on it is waste.
            if raw[0] in self._subscriptions:
                deliveries.append(self._delivery(*raw))
        return deliveries

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See `Consumer.ack`."""
        tags: dict[int, list[int]] = {}
        for delivery in deliveries:
            tags.setdefault(delivery.epoch, []).append(delivery.tag)
        if tags:
            self.connection.call(lambda: self._ack(tags))

    def close(self) -> None:
        """Send the acknowledgements handed over so far and end the connection, within five seconds."""
        self.connection.close(_CLOSE_SECONDS)

    def _delivery(self, epoch: int, queue: str, method: Any, properties: Any, body: bytes) -> Delivery:
        return Delivery(
            message_id=_text(properties.message_id),
            type=_text(properties.type),
            body=body,
            redelivered=method.redelivered or queue == self._crashed,
            delivery_count=_returned_times(properties),
            tag=method.delivery_tag,
            epoch=epoch,
            queue=queue,
        )

    # --- the connection's thread -----------------------------------------------------------------

    def opened(self) -> None:
        """See `ConnectionUser.opened`."""
        self._subscribe(on_probation=True)

    def lost(self, problem: str) -> None:
        """See `ConnectionUser.lost`."""
        self._subscriptions.clear()

    def _subscribe(self, *, on_probation: bool) -> None:
        def ready(channel: Channel) -> None:
            self._epoch += 1
            subscription = _Subscription(self._epoch, channel, on_probation=on_probation)
            self._subscriptions[subscription.epoch] = subscription
            channel.add_on_cancel_callback(
                lambda _frame: self.connection.fail("the broker ended the subscription")
            )
            channel.basic_qos(prefetch_count=1 if on_probation else self._prefetch)
            for queue in (self._crashed, self._inbox):
                tag = channel.basic_consume(queue, self._receiver(subscription, queue))
                subscription.consumer_tags.append(tag)

        self.connection.open_channel(ready)

    def _receiver(self, subscription: _Subscription, queue: str) -> Callable[..., None]:
        put, epoch = self._received.put, subscription.epoch

        def on_message(_channel: object, method: Any, properties: Any, body: bytes) -> None:
            put((epoch, queue, method, properties, body))

        def on_probation(channel: object, method: Any, properties: Any, body: bytes) -> None:
            subscription.last_delivered = method.delivery_tag
            if queue == self._inbox and _returned_times(properties) == 0:
                subscription.fresh_tags.add(method.delivery_tag)
            on_message(channel, method, properties, body)

        return on_probation if subscription.on_probation else on_message

    def _ack(self, tags: dict[int, list[int]]) -> None:
        for epoch, epoch_tags in tags.items():
            subscription = self._subscriptions.get(epoch)
            if subscription is None or not subscription.channel.is_open:
                continue
            if subscription.on_probation and subscription.fresh_tags.intersection(epoch_tags):
                self._end_probation(subscription)
            subscription.ack(sorted(epoch_tags))
            if subscription.retired and not subscription.has_open_deliveries:
                del self._subscriptions[epoch]
                subscription.channel.close()

    def _end_probation(self, old: _Subscription) -> None:
        """Stop deliveries on the old channel *before* the acknowledgement would fetch the next one.

        Without waiting for an answer: pika holds back everything but acknowledgements while it waits.
        """
        old.retired, old.on_probation = True, False
        for tag in old.consumer_tags:
            old.channel.basic_cancel(tag)
        self._subscribe(on_probation=False)


def _text(value: Any) -> str | None:
    """A property as text. Its sender may have put any bytes there, and pika hands over as bytes what is no UTF-8."""
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else value


def _returned_times(properties: Any) -> int:
    """How often the broker has taken this message back; a quorum queue counts in a header."""
    count = (properties.headers or {}).get("x-delivery-count", 0)
    return count if isinstance(count, int) else 0
