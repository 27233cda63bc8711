"""From the outbox to the bus: the oldest unpublished rows, confirmed, then marked.

One active per service by a lock; two for a moment only repeat messages, which the inbox removes. Rows are
found by `published_at IS NULL`, never by a cursor: transactions commit out of the order of their numbers.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Engine, func, not_, null, select, update

from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import outbox
from shared.db.lock import SingletonLock
from shared.db.many import one_of
from shared.db.moment import moment
from shared.ids import seconds_since
from shared.messaging.bus import Bus, BusUnavailable, OutgoingMessage, Publisher
from shared.messaging.failures import raise_if_away
from shared.observability.metrics import Meter
from shared.observability.trail import Trail

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flight:
    """A batch on its way."""

    confirmed: Future[None]
    seqs: list[int]
    oldest: UUID
    ids: list[str]


class Relay:
    """Publishes one service's outbox; `step` from one thread only."""

    CONFIRM_SECONDS = 30.0

    def __init__(
        self,
        engine: Engine,
        bus: Bus,
        lock: SingletonLock,
        *,
        batch: int = 500,
        in_flight: int = 2,
        checkpoint: Callable[[str], None] = lambda name: None,
        meter: Meter | None = None,
    ) -> None:
        self._engine = engine
        self._bus = bus
        self._lock = lock
        self._batch = batch
        self._in_flight = in_flight
        self._checkpoint = checkpoint
        self._meter = meter or Meter("")
        self._trail = Trail(self._meter.service)
        self._publisher: Publisher | None = None
        self._flights: deque[_Flight] = deque()
        self._oldest = _oldest_statement(batch)
        self.leading = False

    def step(self) -> int:
        """Publish what waits until nothing is left or something fails; returns how many rows were marked."""
        self.leading = self._lock.held()
        if not self.leading:
            self._flights.clear()
            return 0
        marked = 0
        try:
            while True:
                while len(self._flights) < self._in_flight and self._submit():
                    pass
                if not self._flights:
                    return marked
                marked += self._land()
                self.leading = self._lock.held()
                if not self.leading:
                    return marked
        except Exception as error:
            self._flights.clear()
            raise_if_away(error)
            raise

    def close(self) -> None:
        """Mark what is confirmed already, give up the lock."""
        try:
            while self._flights:
                self._land()
        except Exception as error:
            # Unmarked rows are published again by the next relay: repeats, never losses.
            log.warning("relay_closed_early", error=type(error).__name__)
        self._flights.clear()
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None
        self.leading = False
        self._lock.close()

    def _submit(self) -> bool:
        flying = [seq for flight in self._flights for seq in flight.seqs]
        with read_connection(self._engine) as connection:
            rows = connection.execute(self._oldest, {"seqs": flying}).all()
        if not rows:
            return False
        if self._publisher is None:
            self._publisher = self._bus.publisher()
        messages = [
            OutgoingMessage(message_id=str(id_), type=type_, body=payload.encode())
            for _, id_, type_, payload in rows
        ]
        self._flights.append(
            _Flight(
                confirmed=self._publisher.publish(messages),
                seqs=[row.seq for row in rows],
                oldest=rows[0].id,
                ids=[message.message_id for message in messages],
            )
        )
        self._checkpoint("after_publish_before_confirm")
        return True

    def _land(self) -> int:
        flight = self._flights[0]
        try:
            flight.confirmed.result(timeout=self.CONFIRM_SECONDS)
        except FutureTimeout:
            raise BusUnavailable("the broker did not confirm in time") from None
        self._checkpoint("after_confirm_before_mark")
        with write_connection(self._engine) as connection:
            connection.execute(_MARK, {"seqs": flight.seqs})
        self._flights.popleft()
        self._checkpoint("after_mark_published")
        self._meter.relayed(len(flight.seqs), seconds_since(flight.oldest))
        # One line for the batch: here a line per message would cost a twentieth of the speed.
        self._trail.tell("messages_published", [{"message_ids": flight.ids}])
        return len(flight.seqs)


def _oldest_statement(batch: int) -> Any:
    # Rows in flight are the oldest ones, but a late commit may lie between them: they are excluded by value.
    return (
        select(outbox.c.seq, outbox.c.id, outbox.c.type, outbox.c.payload)
        .where(outbox.c.published_at.is_(None), not_(one_of(outbox.c.seq, "seqs")))
        .order_by(outbox.c.seq)
        .limit(batch)
    )


# Never a range, which would mark rows committed inside it meanwhile.
_MARK = (
    update(outbox)
    .where(one_of(outbox.c.seq, "seqs"))
    .values(
        published_at=moment(),
        payload=func.coalesce(outbox.c.redacted, outbox.c.payload),
        redacted=null(),
    )
)
