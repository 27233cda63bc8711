"""Publishing with pipelined confirms: one hand-over and one future per batch, many batches in flight."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Any

from shared.messaging.bus import BusUnavailable, OutgoingMessage
from shared.messaging.rabbitmq_bus.connection import BrokerConnection, publish
from shared.messaging.rabbitmq_bus.state import State
from shared.messaging.rabbitmq_bus.topology import EVENTS, Channel

_CLOSE_SECONDS = 5.0
_JOINED = 100
"""Messages in one piece: enough to be cheap, few enough that the first travel while others are written."""

_REFUSED = "the broker refused a message: a queue is full, or has no majority"


class _Batch:
    __slots__ = ("future", "messages", "sent_at", "waiting")

    def __init__(self, messages: Sequence[OutgoingMessage]) -> None:
        self.messages = messages
        self.waiting = len(messages)
        self.future: Future[None] = Future()
        self.sent_at = 0.0

    def fail(self, problem: str) -> None:
        if not self.future.done():
            self.future.set_exception(BusUnavailable(problem))


class RabbitMQPublisher:
    """A `Publisher`. A batch succeeds when the broker has confirmed every message of it.

    Batches are taken while the connection is being made, and fail at once while the broker is known to
    be away. A broker that accepts and never confirms is given up after `confirm_seconds`.
    """

    def __init__(
        self,
        connect: Callable[["RabbitMQPublisher"], BrokerConnection],
        *,
        confirm_seconds: float = 25.0,
    ) -> None:
        self._incoming: deque[_Batch] = deque()
        self._channel: Channel | None = None
        self._unconfirmed: dict[int, _Batch] = {}
        self._last_tag = 0
        # Everything below was confirmed by a frame that meant several at once.
        self._first_open = 1
        self._confirm_seconds = confirm_seconds
        self._open_futures: set[Future[None]] = set()
        self.connection = connect(self)
        self.connection.start()

    # --- the relay's thread ----------------------------------------------------------------------

    def publish(self, messages: Sequence[OutgoingMessage]) -> "Future[None]":
        """See `Publisher.publish`."""
        batch = _Batch(messages)
        if not messages:
            batch.future.set_result(None)
            return batch.future
        self._open_futures = {future for future in self._open_futures if not future.done()}
        self._open_futures.add(batch.future)
        # First into the queue, then a look at the state: `lost` empties the queue after each change of
        # state, so that between the two of them no batch is forgotten.
        self._incoming.append(batch)
        if self.connection.call(self._send) in (State.AWAY, State.CLOSED):
            self._fail_incoming(self.connection.problem)
        return batch.future

    def close(self) -> None:
        """Wait for outstanding confirms, at most five seconds in all, then end the connection."""
        deadline = time.monotonic() + _CLOSE_SECONDS
        wait(self._open_futures, timeout=_CLOSE_SECONDS - 1)
        self.connection.close(max(0.5, deadline - time.monotonic()))

    # --- the connection's thread -----------------------------------------------------------------

    def opened(self) -> None:
        """See `ConnectionUser.opened`."""
        self.connection.open_channel(self._select_confirms)

    def lost(self, problem: str) -> None:
        """See `ConnectionUser.lost`."""
        self._channel = None
        for batch in self._unconfirmed.values():
            batch.fail(problem)
        self._unconfirmed.clear()
        self._fail_incoming(problem)

    def _select_confirms(self, channel: Channel) -> None:
        def selected(_answer: object) -> None:
            self._channel = channel
            self._last_tag, self._first_open = 0, 1
            self._send()
            self._watch()

        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm, callback=selected)

    def _send(self) -> None:
        channel = self._channel
        if channel is None:
            return
        while self._incoming:
            try:
                batch = self._incoming.popleft()
            except IndexError:
                return
            batch.sent_at = time.monotonic()
            for start in range(0, len(batch.messages), _JOINED):
                some = batch.messages[start : start + _JOINED]
                first = self._last_tag + 1
                self._last_tag += len(some)
                # Noted before they are sent: if sending fails half-way, the whole batch fails with it.
                self._unconfirmed.update(dict.fromkeys(range(first, self._last_tag + 1), batch))
                publish(channel, EVENTS, some)

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        refused = method.NAME == "Basic.Nack"
        if method.multiple:
            tags = range(self._first_open, method.delivery_tag + 1)
            self._first_open = tags.stop
        else:
            tags = range(method.delivery_tag, method.delivery_tag + 1)
        for tag in tags:
            batch = self._unconfirmed.pop(tag, None)
            if batch is None:
                continue
            batch.waiting -= 1
            if refused:
                batch.fail(_REFUSED)
            elif batch.waiting == 0 and not batch.future.done():
                batch.future.set_result(None)

    def _on_return(self, _channel: object, _method: object, returned: Any, _body: object) -> None:
        """No queue takes this type and the net for such messages is missing: its batch is not durable."""
        for batch in set(self._unconfirmed.values()):
            if any(message.message_id == returned.message_id for message in batch.messages):
                batch.fail(f"the broker has no queue for messages of type {returned.type}")

    def _watch(self) -> None:
        if self._channel is None:
            return
        oldest = next(iter(self._unconfirmed.values()), None)
        if oldest is not None and time.monotonic() - oldest.sent_at > self._confirm_seconds:
            self.connection.fail(f"the broker did not confirm within {self._confirm_seconds:.0f} s")
            return
        self.connection.later(1.0, self._watch)

    def _fail_incoming(self, problem: str) -> None:
        while True:
            try:
                self._incoming.popleft().fail(problem)
            except IndexError:
                return
