"""The bus door of the inbox: fresh deliveries are handled in one transaction with their inbox row, then acked.

Redelivered messages and those for tasks are stored first and worked off from the table, so that a message
which kills the process is counted there. While our database is away nothing is acknowledged: the batch in
hand is kept and tried again, and the broker keeps the rest.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from shared.db.engine import write_connection
from shared.db.transaction import Transactions, Tx
from shared.messaging import inbox
from shared.messaging.bus import Consumer, Delivery
from shared.messaging.event import UnknownEventType
from shared.messaging.failures import DatabaseAway, failure_of, raise_if_away
from shared.messaging.handling import HandlerFailed, count_handled, handle_batch
from shared.messaging.inbox import BUS, new_row
from shared.messaging.reading import Message, Reader
from shared.messaging.references import ids_in
from shared.messaging.subscriptions import Handler, RetryPolicy
from shared.observability.redaction import describe_error, where

log = structlog.get_logger()


class _SomeKnown(Exception):
    """At least one message of the batch has an inbox row already."""


class DeliveryDesk:
    """Takes deliveries of one service's queue from a broker."""

    def __init__(
        self,
        transactions: Transactions,
        reader: Reader,
        consumer: Consumer,
        *,
        policy: RetryPolicy,
        batch: int = 100,
        stored: Callable[[], None] = lambda: None,
        stopping: threading.Event | None = None,
        checkpoint: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._transactions = transactions
        self._engine = transactions.engine
        self._meter = transactions.meter
        self._reader = reader
        self._consumer = consumer
        self._policy = policy
        self._batch = batch
        self._stored = stored
        self._stopping = stopping or threading.Event()
        self._checkpoint = checkpoint

    def step(self, timeout: float = 0.5) -> int:
        """Receive and work off one batch; returns its size."""
        deliveries = self._consumer.receive(self._batch, timeout)
        if not deliveries:
            return 0
        patience, only_store = 0.1, False
        while True:
            try:
                self._work_off(deliveries, only_store=only_store)
                break
            except DatabaseAway as away:
                log.warning("database_away", error=str(away))
                self._engine.dispose()
            except Exception as error:
                # A fault of this door must neither lose nor block messages: the table door counts attempts.
                log.error("batch_failed", error=describe_error(error), place=where(error))
                only_store = True
            if self._stopping.wait(patience):
                return 0
            patience = min(patience * 2, 2.0)
        self._checkpoint("after_effect_before_ack")
        self._consumer.ack(deliveries)
        self._checkpoint("after_ack")
        return len(deliveries)

    def _work_off(self, deliveries: Sequence[Delivery], *, only_store: bool) -> None:
        fresh: dict[str, Message] = {}
        later: dict[str, Message] = {}
        unreadable: list[tuple[Delivery, BaseException]] = []
        for delivery in deliveries:
            try:
                message = self._reader.read_delivery(delivery.body)
            except Exception as error:
                # Reading needs nothing but the bytes: whatever it stumbles over, they are to blame.
                unreadable.append((delivery, error))
                continue
            if isinstance(message.reaction, Handler) and not (delivery.redelivered or only_store):
                fresh.setdefault(message.message_id, message)
            else:
                later.setdefault(message.message_id, message)
        try:
            self._keep_unreadable(unreadable)
            self._store(list(later.values()))
            self._handle([m for m in fresh.values() if m.message_id not in later])
        except DatabaseAway:
            raise
        except Exception as error:
            raise_if_away(error)
            raise

    def _keep_unreadable(self, unreadable: Sequence[tuple[Delivery, BaseException]]) -> None:
        if not unreadable:
            return
        with write_connection(self._engine) as connection:
            for delivery, error in unreadable:
                self._meter.messages(BUS, "unreadable")
                row = self._dead_row(delivery, error)
                failure = failure_of(error, delivery.body)
                inbox.store_dead(connection, row, failure)
                inbox.refer(connection, [(row["message_id"], ids_in(delivery.body))])
                log.warning("message_unreadable", message_id=row["message_id"], error=failure.error)

    @staticmethod
    def _dead_row(delivery: Delivery, error: BaseException) -> dict[str, Any]:
        row = new_row(
            consumer=BUS,
            message_id=f"unreadable:{hashlib.sha256(delivery.body).hexdigest()}",
            type=(delivery.type or "unknown").replace("\x00", "")[:200],
            payload=None,
            correlation_id=None,
            raw=delivery.body,
        )
        if isinstance(error, UnknownEventType) and delivery.message_id and "\x00" not in delivery.message_id:
            # Only its type is strange: after an upgrade it can be run again, so it is kept as itself.
            row |= {"message_id": delivery.message_id, "payload": delivery.body.decode(), "raw": None}
        return row

    def _store(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        with write_connection(self._engine) as connection:
            inbox.store(connection, [self._row(m, "received", m.body) for m in messages])
            inbox.refer(connection, [(m.message_id, m.references) for m in messages])
        self._checkpoint("after_store_before_ack")
        self._stored()

    def _handle(self, messages: Sequence[Message]) -> None:
        remaining = list(messages)
        while remaining:
            try:
                self._handle_once(remaining)
                return
            except _SomeKnown:
                with write_connection(self._engine) as connection:
                    known = inbox.known(connection, BUS, [m.message_id for m in remaining])
                remaining = [m for m in remaining if m.message_id not in known]
            except HandlerFailed as failed:
                cause = failed.__cause__ or failed
                raise_if_away(cause)
                self._failed(failed.message, cause)
                remaining = [m for m in remaining if m is not failed.message]
            except Exception as error:
                raise_if_away(error)
                if len(remaining) == 1:
                    self._failed(remaining[0], error)
                    return
                for message in remaining:
                    self._handle([message])
                return

    def _handle_once(self, messages: Sequence[Message]) -> None:
        def mark(tx: Tx) -> None:
            rows = [self._row(m, "handled", m.redacted) for m in messages]
            if inbox.store(tx.session.connection(), rows) != len(rows):
                raise _SomeKnown
            for message in messages:
                tx.refer(message.message_id, message.references)

        handle_batch(self._transactions, messages, mark)
        count_handled(self._transactions, self._reader, messages)

    def _failed(self, message: Message, error: BaseException) -> None:
        failure = failure_of(error, message.body)
        with write_connection(self._engine) as connection:
            inbox.store_failed(connection, self._row(message, "failed", message.body), failure, self._policy)
            inbox.refer(connection, [(message.message_id, message.references)])
        self._meter.messages(BUS, failure.kind)
        log.warning(
            "message_failed",
            message_id=message.message_id,
            event_type=message.type,
            attempts=1,
            kind=failure.kind,
            error=failure.error,
        )

    @staticmethod
    def _row(message: Message, state: str, payload: str) -> dict[str, Any]:
        return new_row(
            consumer=BUS,
            message_id=message.message_id,
            type=message.type,
            payload=payload,
            correlation_id=message.correlation_id,
            state=state,
            attempts=1 if state == "handled" else 0,
        )
