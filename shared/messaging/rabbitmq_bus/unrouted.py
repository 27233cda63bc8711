"""What nobody wanted when it was said, given to whoever wants it by now.

Such a message was confirmed and marked as published, so its relay never sends it again: it lies in
`rostrum.unrouted` until somebody has bound a queue and this brings it there. Each is published once more, as it
came, and acknowledged only when the broker has confirmed that. Whoever is killed in between has repeated a message at
worst, and inboxes know what they have seen.

No answer of the broker tells whether a reader took a message or the net for unrouted ones. So, when all are
through, a second channel looks at what lies in that queue, and gives it back by its end.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from shared.messaging.bus import BusUnavailable, Manifest
from shared.messaging.rabbitmq_bus.as_it_came import as_it_came, identity_of, printable
from shared.messaging.rabbitmq_bus.connection import BrokerConnection
from shared.messaging.rabbitmq_bus.topology import EVENTS, UNROUTED, Channel

_TOGETHER = 200
"""Messages on their way at once."""
_LOOKED_AT = 2000
"""Messages that are read afterwards to learn their types; those behind them are only counted."""
_LOOK_SECONDS = 0.1
_WATCH_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class Returned:
    """What became of the messages that lay there: how many have readers, and the types of those that have none.

    `unread` more have none either, of types that nobody looked at, since there are so many of them. `refused` lie
    where they lay: a queue that was to take them is full, or they come behind many such.
    """

    returned: int
    unwanted: tuple[str, ...]
    unread: int = 0
    refused: int = 0

    def __str__(self) -> str:
        if not (self.returned or self.unwanted or self.refused):
            return f"nothing lies in {UNROUTED}"
        told = [f"{self.returned} returned to {'its reader' if self.returned == 1 else 'their readers'}"]
        if self.unwanted:
            many = len(self.unwanted) + self.unread
            verb = "is" if many == 1 else "are"
            types = ", ".join(sorted(set(self.unwanted)))
            others = ", and perhaps others" if self.unread else ""
            told.append(f"{many} {verb} still wanted by nobody: {types}{others}")
        if self.refused:
            verb = "stays" if self.refused == 1 else "stay"
            told.append(f"{self.refused} {verb} there, since a queue is full or has no majority")
        return ", ".join(told)


class UnroutedReturn:
    """Uses one connection once. `outcome` resolves on its thread; all that is not acknowledged stays in the queue."""

    def __init__(
        self, connect: Callable[["UnroutedReturn"], BrokerConnection], checkpoint: Callable[[str], None]
    ) -> None:
        self.outcome: Future[Returned] = Future()
        self.progress = 0
        self._checkpoint = checkpoint
        self._wanted = self._taken = self._left = 0
        self._confirmed = self._refused = 0
        self._on_their_way: dict[int, tuple[int, bytes]] = {}
        self._said: Counter[bytes] = Counter()
        self._unwanted: list[str] = []
        self._looking = False
        self._looked_at = 0
        self._taking: Channel
        self.connection = connect(self)
        self.connection.start()

    def opened(self) -> None:
        """See `ConnectionUser.opened`."""
        self.connection.open_channel(self._prepare)

    def lost(self, problem: str) -> None:
        """See `ConnectionUser.lost`."""
        self._fail(problem)

    def _fail(self, problem: str) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(BusUnavailable(problem))

    # --- taking what lies there when this begins -------------------------------------------------

    def _prepare(self, channel: Channel) -> None:
        def counted(answer: Any) -> None:
            self._wanted = answer.method.message_count
            if not self._wanted:
                self.outcome.set_result(Returned(returned=0, unwanted=()))
                return
            channel.basic_qos(prefetch_count=_TOGETHER)
            channel.basic_consume(UNROUTED, self._take)
            self._watch(channel)

        def selected(_answer: object) -> None:
            channel.queue_declare(UNROUTED, passive=True, callback=counted)

        self._taking = channel
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(lambda frame: self._on_confirm(channel, frame), callback=selected)

    def _take(self, channel: Channel, method: Any, properties: Any, body: bytes) -> None:
        self.progress += 1
        if self.outcome.done():
            return
        if self._taken == self._wanted:
            # Something of ours is back, or new: this run has an end.
            self._look_at(method, properties, body)
            return
        self._taken += 1
        identity = identity_of(method, properties, body)
        self._said[identity] += 1
        self._on_their_way[self._taken] = (method.delivery_tag, identity)
        channel.basic_publish(EVENTS, method.routing_key, body, as_it_came(properties), True)
        self._checkpoint("after_publish_before_confirm")

    def _on_confirm(self, channel: Channel, frame: Any) -> None:
        self.progress += 1
        if self.outcome.done():
            # What was returned is confirmed as well: from then on nothing is acknowledged.
            return
        method = frame.method
        tags = [method.delivery_tag]
        if method.multiple:
            tags = [tag for tag in self._on_their_way if tag <= method.delivery_tag]
        for tag in tags:
            taken_as, identity = self._on_their_way.pop(tag)
            if method.NAME == "Basic.Nack":
                self._refuse(identity)
                continue
            self._confirmed += 1
            self._checkpoint("after_confirm_before_ack")
            channel.basic_ack(taken_as, False)
        if self._taken == self._wanted:
            self._look_when_through()

    def _refuse(self, identity: bytes) -> None:
        self._refused += 1
        self._said[identity] -= 1
        if self._refused == _TOGETHER:
            # They are all that may be in hand, so nothing more would come: the rest is for another time.
            self._stop_taking()
            self._refused += self._left

    def _stop_taking(self) -> None:
        self._left = self._wanted - self._taken
        self._wanted = self._taken

    def _on_return(self, _channel: object, _method: object, _properties: object, _body: object) -> None:
        # Neither a reader nor the net: somebody takes the topology apart while this runs.
        self._fail(f"the broker has no queue for a message, not even {UNROUTED}")

    def _watch(self, channel: Channel) -> None:
        """Go on without what somebody else has taken out of the queue meanwhile."""
        before = self.progress

        def counted(answer: Any) -> None:
            if answer.method.message_count == 0 and self.progress == before:
                self._stop_taking()
                self._look_when_through()
            else:
                self._watch(channel)

        def count() -> None:
            if not self._looking:
                channel.queue_declare(UNROUTED, passive=True, callback=counted)

        self.connection.later(_WATCH_SECONDS, count)

    # --- looking at what is there afterwards -----------------------------------------------------

    def _look_when_through(self) -> None:
        if not (self._on_their_way or self._looking):
            self._looking = True
            self.connection.open_channel(self._look)

    def _look(self, channel: Channel) -> None:
        seen = -1

        def ask() -> None:
            # A channel's answer may overtake what it was given to hand out before it was asked; what it is asked
            # next comes behind that. Messages come back on both, so both are asked, and twice.
            self._taking.queue_declare(UNROUTED, passive=True, callback=lambda _: ask_here())

        def ask_here() -> None:
            channel.queue_declare(UNROUTED, passive=True, callback=counted)

        def counted(answer: Any) -> None:
            nonlocal seen
            behind = answer.method.message_count
            if self.progress == seen and (not behind or self._looked_at >= _LOOKED_AT):
                self._finish(behind)
                return
            seen = self.progress
            self.connection.later(_LOOK_SECONDS, ask)

        def take(_channel: object, *message: Any) -> None:
            self._looked_at += 1
            self._look_at(*message)

        channel.basic_qos(prefetch_count=_LOOKED_AT)
        channel.basic_consume(UNROUTED, take)
        ask()

    def _look_at(self, method: Any, properties: Any, body: bytes) -> None:
        self.progress += 1
        identity = identity_of(method, properties, body)
        if self._said[identity] > 0:
            self._said[identity] -= 1
            self._unwanted.append(printable(method.routing_key))

    def _finish(self, behind: int) -> None:
        if not self.outcome.done():
            confirmed = self._confirmed - len(self._unwanted)
            unread = min(behind, confirmed)
            self.outcome.set_result(
                Returned(
                    returned=confirmed - unread,
                    unwanted=tuple(self._unwanted),
                    unread=unread,
                    refused=self._refused,
                )
            )


def return_unrouted(
    url: str,
    manifest: Manifest,
    *,
    patience: float = 30.0,
    checkpoint: Callable[[str], None] = lambda name: None,
) -> Returned:
    """Declare the manifest and give what lies unrouted now to its readers; raises `BusUnavailable`.

    Safe to repeat, and to end at any moment. `patience` is how long the broker may say nothing.
    """

    def connect(user: UnroutedReturn) -> BrokerConnection:
        return BrokerConnection(
            url, manifest, user, name="topology return-unrouted", reconnect_min=patience,
            reconnect_max=patience, may_look=False,
        )  # fmt: skip

    run = UnroutedReturn(connect, checkpoint)
    try:
        while True:
            before = run.progress
            try:
                return run.outcome.result(patience)
            except TimeoutError:
                if run.progress == before:
                    raise BusUnavailable(f"the broker said nothing for {patience:.0f} s") from None
    finally:
        run.connection.close(5.0)
