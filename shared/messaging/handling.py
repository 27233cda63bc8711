"""Running handlers for a batch of messages inside one transaction, with about no round trip per message."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from shared.db.transaction import Transactions, Tx
from shared.messaging.inbox import refer
from shared.messaging.reading import Message
from shared.messaging.subscriptions import Handler
from shared.observability.context import correlated


class HandlerFailed(Exception):
    """One message of a batch is to blame; the batch is redone without it."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.message_id)
        self.message = message


def handle_batch(transactions: Transactions, messages: Sequence[Message], mark: Callable[[Tx], None]) -> None:
    """Mark the messages handled, run their handlers and commit, all in one transaction.

    `mark` writes the inbox rows first: it takes their locks, or finds out that they are not ours. Raises
    `HandlerFailed` with the culprit as its cause's message; any other error has no known culprit.
    """
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
                try:
                    message.reaction.react(message.event, tx)
                except Exception as error:
                    raise HandlerFailed(message) from error
        tx.flush()
        refer(tx.session.connection(), [(m.message_id, m.references) for m in messages])


def _lock_ahead(tx: Tx, messages: Sequence[Message]) -> None:
    wanted: dict[type[Any], set[Any]] = defaultdict(set)
    for message in messages:
        if isinstance(message.reaction, Handler) and message.reaction.locks is not None:
            entity, keys = message.reaction.locks(message.event)
            wanted[entity].update(keys)
    # One order for all batches, so that two workers cannot wait for each other.
    for entity in sorted(wanted, key=lambda cls: cls.__name__):
        tx.lock_ahead(entity, wanted[entity])
