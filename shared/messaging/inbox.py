"""The inbox: durable memory of every message this service received, and the statements on it.

One row per (consumer, message id); `consumer` is the source, `bus` or another stream's name.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, update

from shared.db.bulk import ManyRows
from shared.db.kernel_tables import inbox
from shared.db.many import one_of
from shared.db.moment import moment
from shared.db.transaction import REFER, Tx, insert_new
from shared.messaging.subscriptions import RetryPolicy
from shared.observability.trail import Trail

BUS = "bus"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why an attempt failed, already free of personal data. `kind`: unavailable, failed or permanent.

    `retry_within` is the longest wait until the next attempt, where the usual one may be too long.
    """

    kind: str
    error: str
    fingerprint: str
    retry_within: float | None = None


def new_row(
    *, consumer: str, message_id: str, type: str, payload: str | None, correlation_id: str | None, **more: Any
) -> dict[str, Any]:
    """Values of one inbox row; every row of an executemany has the same keys."""
    row: dict[str, Any] = {
        "consumer": consumer,
        "message_id": message_id,
        "type": type,
        "payload": payload,
        "raw": None,
        "state": "received",
        "attempts": 0,
        "error_kind": None,
        "error": None,
        "fingerprint": None,
        "correlation_id": correlation_id,
    }
    row.update(more)
    return row


_COLUMNS = (
    "consumer",
    "message_id",
    "type",
    "payload",
    "raw",
    "state",
    "attempts",
    "error_kind",
    "error",
    "fingerprint",
    "correlation_id",
)
_values_of = itemgetter(*_COLUMNS)


def _insert_rows(date: str) -> ManyRows:
    return ManyRows(
        lambda dialect: (
            dialect.insert(inbox).values(**{"received_at": moment(), date: moment()}).on_conflict_do_nothing()
        ),
        _COLUMNS,
    )


_STORE_HANDLED = _insert_rows("finished_at")
_STORE_WAITING = _insert_rows("next_attempt_at")


def store(connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
    """Insert rows that are not known yet, all in the same state; returns how many were new."""
    if not rows:
        return 0
    statement = _STORE_HANDLED if rows[0]["state"] == "handled" else _STORE_WAITING
    return statement.run(connection, [_values_of(row) for row in rows])


def store_dead(connection: Connection, row: dict[str, Any], failure: Failure) -> None:
    """A message that can never be read or handled: kept with its reason."""
    connection.execute(
        insert_new(connection, inbox).values(
            **{
                **row,
                "state": "dead",
                "error_kind": failure.kind,
                "error": failure.error,
                "fingerprint": failure.fingerprint,
            },
            received_at=moment(),
            first_failed_at=moment(),
            failed_at=moment(),
        )
    )


def refer(connection: Connection, message_references: Iterable[tuple[str, Collection[str]]]) -> None:
    """Make messages findable by every business id in them."""
    REFER.run(
        connection,
        [
            (message_id, reference)
            for message_id, references in message_references
            for reference in references
        ],
    )


def receive(
    tx: Tx,
    *,
    source: str,
    message_id: str,
    type: str,
    payload: str,
    made_at: datetime,
    references: Collection[str] = (),
) -> bool:
    """Store a message of another source, made there at `made_at`, in the caller's transaction.

    False when it was known already.
    """
    connection = tx.session.connection()
    row = new_row(
        consumer=source, message_id=message_id, type=type, payload=payload, correlation_id=tx.correlation
    )
    fresh = store(connection, [row]) == 1
    refer(connection, [(message_id, references)])
    if fresh:
        lag = (tx.now() - made_at).total_seconds()
        line = {
            "message_id": message_id,
            "event_type": type,
            "source": source,
            "references": list(references),
            "correlation_id": tx.correlation,
        }
        tx.after_commit(lambda: tx.meter.outside_lag(source, "stored", lag))
        tx.after_commit(lambda: Trail(tx.meter.service).tell("message_received", [line]))
    return fresh


def known(connection: Connection, consumer: str, message_ids: Collection[str]) -> set[str]:
    """Which of these messages have a row already."""
    return set(
        connection.scalars(
            select(inbox.c.message_id).where(inbox.c.consumer == consumer, one_of(inbox.c.message_id, "ids")),
            {"ids": list(message_ids)},
        )
    )


def store_failed(connection: Connection, row: dict[str, Any], failure: Failure, policy: RetryPolicy) -> None:
    """A fresh delivery failed in its handler: remembered with its payload, to be retried from the table."""
    if failure.kind == "permanent":
        store_dead(connection, row, failure)
        return
    connection.execute(
        insert_new(connection, inbox).values(
            **{
                **row,
                "state": "failed",
                "attempts": 1,
                "error_kind": failure.kind,
                "error": failure.error,
                "fingerprint": failure.fingerprint,
            },
            received_at=moment(),
            next_attempt_at=moment(policy.wait(1)),
            first_failed_at=moment(),
            failed_at=moment(),
        )
    )


def bury(connection: Connection, which: ColumnElement[bool], interruptions: int, addition: str = "") -> None:
    """Dead, since the process vanished too often while it worked on this; `addition` says more."""
    connection.execute(
        update(inbox)
        .where(which)
        .values(
            state="dead",
            interruptions=interruptions,
            lease_token=None,
            lease_until=None,
            next_attempt_at=None,
            first_failed_at=func.coalesce(inbox.c.first_failed_at, moment()),
            failed_at=moment(),
            error_kind="interrupted",
            fingerprint="interrupted",
            error=f"the process vanished {interruptions} times while it worked on this message{addition}",
        )
    )
