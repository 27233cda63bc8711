"""The inbox: durable memory of every message this service received, and the statements on it.

One row per (consumer, message id); `consumer` is the source, `bus` or another stream's name. A row is
worked on under a lease: `attempts` is counted when it is claimed, so that a message which kills the
process has counted its own attempt.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, and_, bindparam, func, null, or_, select, update

from shared.db.kernel_tables import inbox, message_reference
from shared.db.moment import moment
from shared.db.transaction import Tx, insert_new
from shared.messaging.subscriptions import RetryPolicy

BUS = "bus"
OPEN_STATES = ("received", "failed")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why an attempt failed, already free of personal data. `kind`: unavailable, failed or permanent."""

    kind: str
    error: str
    fingerprint: str


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


def store(connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
    """Insert rows that are not known yet, all in the same state; returns how many were new."""
    if not rows:
        return 0
    dates: dict[str, Any] = {"received_at": moment()}
    dates["finished_at" if rows[0]["state"] == "handled" else "next_attempt_at"] = moment()
    statement = insert_new(connection, inbox).values(**dates)
    result = connection.execute(statement, list(rows), execution_options={"preserve_rowcount": True})
    return result.rowcount


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
    rows = [
        {"message_id": message_id, "reference": reference}
        for message_id, references in message_references
        for reference in references
    ]
    if rows:
        connection.execute(insert_new(connection, message_reference), rows)


def receive(
    tx: Tx, *, source: str, message_id: str, type: str, payload: str, references: Collection[str] = ()
) -> bool:
    """Store a message of another source in the caller's transaction; False when it was known already."""
    connection = tx.session.connection()
    row = new_row(
        consumer=source, message_id=message_id, type=type, payload=payload, correlation_id=tx.correlation
    )
    fresh = store(connection, [row]) == 1
    refer(connection, [(message_id, references)])
    return fresh


def known(connection: Connection, consumer: str, message_ids: Collection[str]) -> set[str]:
    """Which of these messages have a row already."""
    return set(
        connection.scalars(
            select(inbox.c.message_id).where(
                inbox.c.consumer == consumer, inbox.c.message_id.in_(list(message_ids))
            )
        )
    )


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A message in work, under a lease nobody else holds."""

    consumer: str
    message_id: str
    type: str
    payload: str
    attempts: int
    lease_token: str
    correlation_id: str | None


def claim(
    connection: Connection,
    *,
    lease_seconds: float,
    policy: RetryPolicy,
    limit: int,
    only: Collection[tuple[str, str]] | None = None,
    without: Collection[tuple[str, str]] = (),
) -> list[Claimed]:
    """Take waiting messages under a lease; `only`/`without` select by (consumer, type).

    Messages on their first attempt are taken as a batch. One that was tried or interrupted before is taken
    alone, so that it harms no neighbour; one interrupted too often is dead.
    """
    kinds = [
        and_(inbox.c.consumer == c, inbox.c.type == t) for c, t in (only if only is not None else without)
    ]
    chosen = (
        (or_(*kinds) if only is not None else ~or_(*kinds)) if kinds else (None if only is None else False)
    )
    if chosen is False:
        return []
    query = (
        select(inbox)
        .where(
            inbox.c.state.in_(OPEN_STATES),
            inbox.c.next_attempt_at <= moment(),
            or_(inbox.c.lease_until.is_(None), inbox.c.lease_until < moment()),
        )
        .order_by(inbox.c.next_attempt_at, inbox.c.message_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if chosen is not None:
        query = query.where(chosen)
    rows = connection.execute(query).all()
    if not rows:
        return []
    batch: Sequence[Row[Any]] = [row for row in rows if _untried(row)] if _untried(rows[0]) else rows[:1]
    if not _untried(batch[0]):
        row = batch[0]
        interruptions = row.interruptions + (1 if row.lease_token is not None else 0)
        if interruptions >= policy.max_interruptions:
            _bury_interrupted(connection, row, interruptions)
            return []
        if interruptions != row.interruptions:
            connection.execute(update(inbox).where(_is(row)).values(interruptions=interruptions))
    token = str(uuid4())
    for consumer in {row.consumer for row in batch}:
        connection.execute(
            update(inbox)
            .where(
                inbox.c.consumer == consumer,
                inbox.c.message_id.in_([row.message_id for row in batch if row.consumer == consumer]),
            )
            .values(attempts=inbox.c.attempts + 1, lease_token=token, lease_until=moment(lease_seconds))
        )
    return [
        Claimed(
            consumer=row.consumer,
            message_id=row.message_id,
            type=row.type,
            payload=row.payload or "",
            attempts=row.attempts + 1,
            lease_token=token,
            correlation_id=row.correlation_id,
        )
        for row in batch
    ]


def _untried(row: Row[Any]) -> bool:
    return row.attempts == 0 and row.lease_token is None


def _is(row: Row[Any]) -> Any:
    return and_(inbox.c.consumer == row.consumer, inbox.c.message_id == row.message_id)


def _bury_interrupted(connection: Connection, row: Row[Any], interruptions: int) -> None:
    connection.execute(
        update(inbox)
        .where(_is(row))
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
            error=f"the process vanished {interruptions} times while it worked on this message",
        )
    )


_FINISH = (
    update(inbox)
    .where(
        inbox.c.consumer == bindparam("b_consumer"),
        inbox.c.message_id == bindparam("b_message_id"),
        inbox.c.lease_token == bindparam("b_token"),
    )
    .values(
        state="handled",
        payload=bindparam("b_payload"),
        finished_at=moment(),
        lease_token=None,
        lease_until=None,
        next_attempt_at=None,
        error_kind=None,
        error=None,
        fingerprint=None,
    )
)


def finish(connection: Connection, done: Sequence[tuple[Claimed, str]]) -> int:
    """Mark messages handled and keep only their redacted payload; returns how many leases still held.

    Fewer than given means that a lease was lost: the caller must roll back.
    """
    rows = [
        {
            "b_consumer": c.consumer,
            "b_message_id": c.message_id,
            "b_token": c.lease_token,
            "b_payload": payload,
        }
        for c, payload in done
    ]
    return connection.execute(_FINISH, rows, execution_options={"preserve_rowcount": True}).rowcount


def holds_lease(connection: Connection, claimed: Claimed) -> bool:
    """Whether `claimed` is still ours; locks the row, so that it stays ours until the transaction ends."""
    found = connection.execute(
        select(inbox.c.message_id)
        .where(
            inbox.c.consumer == claimed.consumer,
            inbox.c.message_id == claimed.message_id,
            inbox.c.lease_token == claimed.lease_token,
        )
        .with_for_update()
    ).first()
    return found is not None


def renew(connection: Connection, claimed: Claimed, lease_seconds: float) -> bool:
    """Extend a lease; False when it is no longer ours."""
    return (
        connection.execute(
            update(inbox)
            .where(
                inbox.c.consumer == claimed.consumer,
                inbox.c.message_id == claimed.message_id,
                inbox.c.lease_token == claimed.lease_token,
            )
            .values(lease_until=moment(lease_seconds))
        ).rowcount
        == 1
    )


def release(connection: Connection, claimed: Sequence[Claimed]) -> None:
    """Give messages back untouched (a graceful stop, or our database was away): the attempt does not count."""
    for one in claimed:
        connection.execute(
            update(inbox)
            .where(
                inbox.c.consumer == one.consumer,
                inbox.c.message_id == one.message_id,
                inbox.c.lease_token == one.lease_token,
            )
            .values(attempts=inbox.c.attempts - 1, lease_token=None, lease_until=None)
        )


def fail(connection: Connection, claimed: Claimed, failure: Failure, policy: RetryPolicy) -> str | None:
    """Record a failed attempt of a leased message; returns the new state, None when the lease was lost."""
    dead = failure.kind == "permanent" or (failure.kind == "failed" and policy.exhausted(claimed.attempts))
    result = connection.execute(
        update(inbox)
        .where(
            inbox.c.consumer == claimed.consumer,
            inbox.c.message_id == claimed.message_id,
            inbox.c.lease_token == claimed.lease_token,
        )
        .values(
            state="dead" if dead else "failed",
            lease_token=None,
            lease_until=None,
            next_attempt_at=null() if dead else moment(policy.wait(claimed.attempts)),
            error_kind=failure.kind,
            error=failure.error,
            fingerprint=failure.fingerprint,
            first_failed_at=func.coalesce(inbox.c.first_failed_at, moment()),
            failed_at=moment(),
        )
    )
    return ("dead" if dead else "failed") if result.rowcount == 1 else None


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
