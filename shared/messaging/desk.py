"""The table door of the inbox: messages stored as `received`, and every retry, are worked off from here.

Claim (attempt counted, lease taken, committed), then effects, outbox and `handled` in one transaction that
checks the lease. Used for everything on the embedded bus, for redelivered messages, and for other sources.
"""

from collections.abc import Callable, Sequence
from typing import Any

import structlog

from shared.db.engine import read_connection, write_connection
from shared.db.transaction import Transactions, Tx
from shared.messaging import inbox, isolation, leases
from shared.messaging.failures import LeaseLost, failure_of, raise_if_away
from shared.messaging.handling import HandlerFailed, count_handled, handle_batch
from shared.messaging.leases import Claimed
from shared.messaging.reading import Message, Reader
from shared.messaging.references import not_seen
from shared.messaging.subscriptions import RetryPolicy
from shared.messaging.suspects import Turn

log = structlog.get_logger()
Pair = tuple[Claimed, Message]


class Desk:
    """Works off one service's waiting messages that have handlers, a batch at a time."""

    def __init__(
        self,
        transactions: Transactions,
        reader: Reader,
        *,
        policy: RetryPolicy,
        lease_seconds: float,
        batch: int = 200,
        rebuild: Callable[[], Any] | None = None,
        checkpoint: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._transactions = transactions
        self._engine = transactions.engine
        self._meter = transactions.meter
        self._reader = reader
        self._policy = policy
        self._lease_seconds = lease_seconds
        self._batch = batch
        self._rebuild = rebuild
        self._checkpoint = checkpoint
        self._tasks = reader.task_types()
        # Claimed when our database went away: given back first, so that the outage is no attempt of theirs.
        self._to_release: list[Claimed] = []
        self._idle = False

    def step(self) -> int:
        """Claim and handle one batch; returns how many messages were taken, 0 when none waits."""
        with Turn() as turn:
            claimed = self._claim(turn)
            if not claimed:
                return 0
            try:
                self._work_off(claimed)
            except Exception as error:
                self._to_release = list(claimed)
                raise_if_away(error)
                raise
        return len(claimed)

    def _claim(self, turn: Turn) -> list[Claimed]:
        try:
            if self._idle and not self._to_release:
                with read_connection(self._engine) as connection:
                    if not leases.anything_waits(connection, without=self._tasks):
                        return []
            with write_connection(self._engine) as connection:
                leases.release(connection, self._to_release)
                claimed = leases.claim(
                    connection,
                    lease_seconds=self._lease_seconds,
                    policy=self._policy,
                    limit=self._batch,
                    without=self._tasks,
                    suspects=turn.mine,
                    isolated_seconds=None if self._rebuild is None else isolation.LEASE_SECONDS,
                )
        except Exception as error:
            raise_if_away(error)
            raise
        self._to_release.clear()
        self._idle = not claimed
        turn.keep_for(claimed)
        return claimed

    def work_on(self, one: Claimed) -> None:
        """Handle one message that somebody has claimed for this."""
        self._work_off([one])

    def _work_off(self, claimed: Sequence[Claimed]) -> None:
        self._checkpoint("after_claim")
        if claimed[0].alone and self._rebuild is not None:
            isolation.try_alone(self._rebuild, self._engine, claimed[0], self._policy)
            return
        readable: list[Pair] = []
        for one in claimed:
            try:
                readable.append((one, self._read(one)))
            except Exception as error:
                self._failed(one, error)
        self._handle(readable)

    def _read(self, one: Claimed) -> Message:
        return self._reader.read_stored(
            one.consumer, one.message_id, one.type, one.payload, one.correlation_id
        )

    def _handle(self, pairs: Sequence[Pair]) -> None:
        remaining = list(pairs)
        while remaining:
            try:
                self._handle_once(remaining)
                return
            except HandlerFailed as failed:
                cause = failed.__cause__ or failed
                raise_if_away(cause)
                culprit = next(c for c, m in remaining if m is failed.message)
                self._failed(culprit, cause, failed.message)
                remaining = [pair for pair in remaining if pair[1] is not failed.message]
            except LeaseLost:
                log.warning("lease_lost", messages=len(remaining))
                self._one_by_one(remaining)
                return
            except Exception as error:
                raise_if_away(error)
                if len(remaining) == 1:
                    self._failed(remaining[0][0], error, remaining[0][1])
                    return
                self._one_by_one(remaining)
                return

    def _one_by_one(self, pairs: Sequence[Pair]) -> None:
        # The error showed only at the flush, or one lease of the batch is gone: nobody to blame.
        if len(pairs) > 1:
            for pair in pairs:
                self._handle([pair])

    def _handle_once(self, pairs: Sequence[Pair]) -> None:
        def mark(tx: Tx) -> None:
            done = leases.finish(tx.session.connection(), [(c, m.redacted) for c, m in pairs])
            if done != len(pairs):
                raise LeaseLost
            for _, message in pairs:
                tx.refer(message.message_id, not_seen(message.references))
            self._checkpoint("after_mark_before_effect")

        handle_batch(self._transactions, [message for _, message in pairs], mark)
        self._checkpoint("after_effect_committed")
        count_handled(self._transactions, self._reader, [message for _, message in pairs])

    def _failed(self, one: Claimed, error: BaseException, message: Message | None = None) -> None:
        failure = failure_of(error, one.payload)
        with write_connection(self._engine) as connection:
            state = leases.fail(connection, one, failure, self._policy)
            if message is not None:
                inbox.refer(connection, [(one.message_id, not_seen(message.references))])
        self._meter.messages(one.consumer, failure.kind)
        log.warning(
            "message_failed",
            message_id=one.message_id,
            event_type=one.type,
            attempts=one.attempts,
            state=state or "lease lost",
            kind=failure.kind,
            error=failure.error,
        )
