"""What is not kept for ever: published rows of everyday events, and personal data of messages that failed."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, select, tuple_, update

from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import group_action, group_action_message, inbox, message_reference, outbox
from shared.db.moment import moment
from shared.db.transaction import Transactions
from shared.messaging.reading import Reader

OUTBOX_DAYS = 30
FAILED_PERSONAL_DATA_DAYS = 30
GROUP_ACTION_DAYS = 90
_BATCH = 1000


def purge_outbox(transactions: Transactions, forgettable: Collection[str]) -> int:
    """Delete published rows of these types when older than 30 days; what other types tell of stays for ever."""
    old = -timedelta(days=OUTBOX_DAYS).total_seconds()
    with write_connection(transactions.engine) as connection:
        rows = connection.execute(
            select(outbox.c.seq, outbox.c.id)
            .where(outbox.c.published_at < moment(old), outbox.c.type.in_(list(forgettable)))
            .limit(_BATCH)
        ).all()
        if rows:
            connection.execute(delete(outbox).where(outbox.c.seq.in_([row.seq for row in rows])))
            connection.execute(
                delete(message_reference).where(
                    message_reference.c.message_id.in_([str(row.id) for row in rows])
                )
            )
    return len(rows)


def purge_group_actions(transactions: Transactions) -> int:
    """Delete what was done about groups of failed messages after 90 days; the messages keep who and why."""
    old = -timedelta(days=GROUP_ACTION_DAYS).total_seconds()
    with write_connection(transactions.engine) as connection:
        ids = connection.scalars(
            select(group_action.c.action_id).where(group_action.c.asked_at < moment(old)).limit(_BATCH)
        ).all()
        if ids:
            for table in (group_action_message, group_action):
                connection.execute(delete(table).where(table.c.action_id.in_(ids)))
    return len(ids)


def forget_failed_people(transactions: Transactions, reader: Reader) -> int:
    """Take the personal data out of failed and dead messages after 30 days; they stay listed."""
    changed, after = 0, ("", "")
    # Page by page: rows that hold nothing personal stay as they are and must not hide those behind them.
    while rows := _old_failures(transactions, after):
        changed += sum(_forget(transactions, reader, row) for row in rows)
        after = (rows[-1].consumer, rows[-1].message_id)
    return changed


def _old_failures(transactions: Transactions, after: tuple[str, str]) -> Sequence[Row[Any, Any, Any, Any]]:
    old = -timedelta(days=FAILED_PERSONAL_DATA_DAYS).total_seconds()
    with read_connection(transactions.engine) as connection:
        return connection.execute(
            select(inbox.c.consumer, inbox.c.message_id, inbox.c.payload, inbox.c.raw)
            .where(
                inbox.c.state.in_(["failed", "dead"]),
                inbox.c.first_failed_at < moment(old),
                inbox.c.payload.is_not(None) | inbox.c.raw.is_not(None),
                tuple_(inbox.c.consumer, inbox.c.message_id) > tuple_(*after),
            )
            .order_by(inbox.c.consumer, inbox.c.message_id)
            .limit(_BATCH)
        ).all()


def _forget(transactions: Transactions, reader: Reader, row: Row[Any, Any, Any, Any]) -> int:
    kept = reader.redacted(row.consumer, row.payload)
    if kept == row.payload and row.raw is None:
        return 0
    with write_connection(transactions.engine) as connection:
        return connection.execute(
            update(inbox)
            .where(
                inbox.c.consumer == row.consumer,
                inbox.c.message_id == row.message_id,
                inbox.c.state.in_(["failed", "dead"]),
            )
            .values(payload=kept, raw=None)
        ).rowcount
