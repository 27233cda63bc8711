"""Tasks: reactions with the network in them, on threads, under leases that are renewed while they run.

A slow outside system never holds up other messages. The request is stored before the call and the result
after it, each in a transaction of its own that checks the lease: a late finisher changes nothing.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from shared.clock import Clock
from shared.db.engine import read_connection, write_connection
from shared.db.transaction import Transactions, Tx
from shared.messaging import inbox, isolation, leases
from shared.messaging.failures import LeaseLost, failure_of, raise_if_away
from shared.messaging.handling import count_handled
from shared.messaging.leases import Claimed
from shared.messaging.reading import Message, Reader
from shared.messaging.references import not_seen
from shared.messaging.subscriptions import RetryPolicy, Task
from shared.messaging.suspects import Turn
from shared.observability.context import correlated

log = structlog.get_logger()


class Work:
    """One task's message in work: hands out transactions that hold only while the lease does."""

    def __init__(
        self,
        transactions: Transactions,
        claimed: Claimed,
        message: Message,
        checkpoint: Callable[[str], None],
    ) -> None:
        self._transactions = transactions
        self._claimed = claimed
        self._message = message
        self.clock: Clock = transactions.clock
        self.checkpoint = checkpoint
        self.completed = False
        self._began = time.perf_counter()

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """A transaction on the way; raises `LeaseLost` when the message is somebody else's by now."""
        with self._transactions.begin(
            correlation=self._message.correlation_id, causation=self._message.message_id
        ) as tx:
            if not leases.holds_lease(tx.session.connection(), self._claimed):
                raise LeaseLost
            yield tx

    @contextmanager
    def completion(self) -> Iterator[Tx]:
        """The last transaction: what it changes and `handled` commit together."""
        with self._transactions.begin(
            correlation=self._message.correlation_id, causation=self._message.message_id
        ) as tx:
            if leases.finish(tx.session.connection(), [(self._claimed, self._message.redacted)]) != 1:
                raise LeaseLost
            tx.refer(self._message.message_id, not_seen(self._message.references))
            # Told before what the task has said, as it happened.
            tx.after_commit(lambda: self._transactions.trail.tell("message_handled", [self._told()]))
            yield tx
        self.completed = True

    def _told(self) -> dict[str, Any]:
        message = self._message
        return {
            "message_id": message.message_id,
            "event_type": message.type,
            "source": message.consumer,
            "reaction": message.reaction.name if message.reaction is not None else None,
            "attempts": self._claimed.attempts,
            "correlation_id": message.correlation_id,
            "milliseconds": round((time.perf_counter() - self._began) * 1000, 1),
        }


class TaskRunner:
    """Claims and performs one service's tasks; `step` is run by several threads."""

    def __init__(
        self,
        transactions: Transactions,
        reader: Reader,
        *,
        policy: RetryPolicy,
        lease_seconds: float,
        rebuild: Callable[[], Any] | None = None,
        checkpoint: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._transactions = transactions
        self._engine = transactions.engine
        self._reader = reader
        self._policy = policy
        self._lease_seconds = lease_seconds
        self._rebuild = rebuild
        self._checkpoint = checkpoint
        self._types = reader.task_types()
        self._running: dict[tuple[str, str], Claimed] = {}
        self._guard = threading.Lock()
        # Claimed when our database went away: given back first, so that the outage is no attempt of theirs.
        self._to_release: list[Claimed] = []

    def step(self) -> int:
        """Claim and perform one task; returns 1, or 0 when none waits."""
        if not self._types:
            return 0
        with Turn() as turn:
            claimed = self._claim(turn)
            for one in claimed:
                self._checkpoint("after_task_claim")
                self._take(one)
        return len(claimed)

    def work_on(self, one: Claimed) -> None:
        """Perform one task that somebody has claimed for this, and whose lease they renew."""
        self._perform(one)

    def _claim(self, turn: Turn) -> list[Claimed]:
        try:
            with self._guard:
                given_back, self._to_release = self._to_release, []
            if not given_back:
                with read_connection(self._engine) as connection:
                    if not leases.anything_waits(connection, only=self._types):
                        return []
            with write_connection(self._engine) as connection:
                leases.release(connection, given_back)
                claimed = leases.claim(
                    connection,
                    lease_seconds=self._lease_seconds,
                    policy=self._policy,
                    limit=1,
                    only=self._types,
                    suspects=turn.mine,
                    isolated_seconds=None if self._rebuild is None else isolation.LEASE_SECONDS,
                )
        except Exception as error:
            with self._guard:
                self._to_release += given_back
            raise_if_away(error)
            raise
        turn.keep_for(claimed)
        return claimed

    def _take(self, one: Claimed) -> None:
        key = (one.consumer, one.message_id)
        with self._guard:
            self._running[key] = one
        try:
            if one.alone and self._rebuild is not None:
                isolation.try_alone(self._rebuild, self._engine, one, self._policy)
            else:
                self._perform(one)
        except Exception:
            with self._guard:
                self._to_release.append(one)
            raise
        finally:
            with self._guard:
                self._running.pop(key, None)

    def renew(self) -> None:
        """Extend the leases of what is running; called every third of a lease."""
        with self._guard:
            running = list(self._running.values())
        try:
            for one in running:
                with write_connection(self._engine) as connection:
                    leases.renew(connection, one, self._lease_seconds)
        except Exception as error:
            raise_if_away(error)
            raise

    def _perform(self, one: Claimed) -> None:
        began = time.perf_counter()
        message: Message | None = None
        try:
            message = self._reader.read_stored(
                one.consumer, one.message_id, one.type, one.payload, one.correlation_id
            )
            assert isinstance(message.reaction, Task)
            work = Work(self._transactions, one, message, self._checkpoint)
            with correlated(one.correlation_id, message_id=one.message_id, event_type=one.type):
                message.reaction.perform(message.event, work)
                if not work.completed:
                    with work.completion():
                        pass
            count_handled(self._transactions, self._reader, [message])
            self._measure(one, "handled", began)
        except LeaseLost:
            self._measure(one, "lease_lost", began)
            log.warning("lease_lost", message_id=one.message_id, event_type=one.type)
        except Exception as error:
            raise_if_away(error)
            failure = failure_of(error, one.payload)
            with write_connection(self._engine) as connection:
                state = leases.fail(connection, one, failure, self._policy)
                if message is not None:
                    inbox.refer(connection, [(one.message_id, not_seen(message.references))])
            self._transactions.meter.messages(one.consumer, failure.kind)
            self._measure(one, failure.kind, began)
            log.warning(
                "task_failed",
                message_id=one.message_id,
                event_type=one.type,
                attempts=one.attempts,
                state=state or "lease lost",
                kind=failure.kind,
                error=failure.error,
            )

    def _measure(self, one: Claimed, outcome: str, began: float) -> None:
        reaction = self._reader.reaction(one.consumer, one.type)
        if reaction is not None:
            self._transactions.meter.task(reaction.name, outcome, time.perf_counter() - began)
