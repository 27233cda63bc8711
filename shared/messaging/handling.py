"""Running handlers for a batch of messages inside one transaction, with about no round trip per message."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from shared.db.transaction import Transactions, Tx
from shared.messaging.inbox import BUS
from shared.messaging.reading import Message, Reader
from shared.messaging.subscriptions import Handler
from shared.observability.context import correlated


class HandlerFailed(Exception):
    """One message of a batch is to blame; the batch is redone without it."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.message_id)
        self.message = message


def handle_batch(transactions: Transactions, messages: Sequence[Message], mark: Callable[[Tx], None]) -> None:
    """Mark the messages handled, run their handlers and commit, all in one transaction.

    `mark` writes the inbox rows first: it takes their locks, or finds out that they are not ours; it also makes
    them findable, as far as they are not. Raises `HandlerFailed` with the culprit as its cause's message; any
    other error has no known culprit.
    """
    meter = transactions.meter
    took: list[tuple[Message, str, float]] = []
    with transactions.begin(correlation=messages[0].correlation_id) as tx:
        mark(tx)
        if len(messages) > 1:
            _lock_ahead(tx, messages)
        for message in messages:
            if not isinstance(message.reaction, Handler):
                continue
            tx.correlation = message.correlation_id or tx.correlation
            tx.causation = message.message_id
            with correlated(message.correlation_id, message_id=message.message_id, event_type=message.type):
                began = time.perf_counter()
                try:
                    message.reaction.react(message.event, tx)
                except Exception as error:
                    meter.handler(message.reaction.name, "failed", time.perf_counter() - began)
                    raise HandlerFailed(message) from error
                took.append((message, message.reaction.name, time.perf_counter() - began))
        # Told before what the handlers have said, as it happened.
        tx.after_commit(lambda: transactions.trail.tell("message_handled", _told(messages, took)))
    # A batch that is undone and redone without one of its messages counts once.
    for _, name, seconds in took:
        meter.handler(name, "handled", seconds)


def _told(
    messages: Sequence[Message], took: Sequence[tuple[Message, str, float]]
) -> Iterator[dict[str, Any]]:
    times = {message.message_id: seconds for message, _, seconds in took}
    for message in messages:
        yield {
            "message_id": message.message_id,
            "event_type": message.type,
            "source": message.consumer,
            "reaction": message.reaction.name if message.reaction is not None else None,
            "correlation_id": message.correlation_id,
            "milliseconds": round(times.get(message.message_id, 0.0) * 1000, 1),
        }


def count_handled(transactions: Transactions, reader: Reader, messages: Sequence[Message]) -> None:
    """Count messages that are handled now, and how long ago an outside system says that it made them."""
    for source, count in Counter(message.consumer for message in messages).items():
        transactions.meter.messages(source, "handled", count)
    for message in messages:
        if message.consumer == BUS:
            continue
        made_at = reader.made_at(message.consumer, message.event)
        if made_at is not None:
            lag = (transactions.clock.now() - made_at).total_seconds()
            transactions.meter.outside_lag(message.consumer, "handled", lag)


def _lock_ahead(tx: Tx, messages: Sequence[Message]) -> None:
    wanted: dict[type[Any], set[Any]] = defaultdict(set)
    for message in messages:
        if isinstance(message.reaction, Handler) and message.reaction.locks is not None:
            entity, keys = message.reaction.locks(message.event)
            wanted[entity].update(keys)
    # One order for all batches, so that two workers cannot wait for each other.
    for entity in sorted(wanted, key=lambda cls: cls.__name__):
        tx.lock_ahead(entity, wanted[entity])
