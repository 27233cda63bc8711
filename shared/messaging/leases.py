"""Working on stored messages under leases: claim, finish, fail, renew, give back.

`attempts` is counted when a message is claimed and committed before it is worked on, so that a message which
kills the process has counted its own attempt. Whoever lost the lease changes nothing.
"""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Row,
    Select,
    and_,
    bindparam,
    func,
    null,
    or_,
    select,
    update,
)

from shared.db.bulk import ManyRows
from shared.db.kernel_tables import WAITING, inbox
from shared.db.many import one_of
from shared.db.moment import moment
from shared.messaging.inbox import Failure, bury
from shared.messaging.subscriptions import RetryPolicy


class Claimed(NamedTuple):
    """A message in work, under a lease nobody else holds."""

    consumer: str
    message_id: str
    type: str
    payload: str
    attempts: int
    lease_token: str
    correlation_id: str | None
    suspect: bool
    """The process vanished before while it worked on this one: see `suspects.py`."""
    after_outage: bool
    """The attempt before this one found something unavailable."""
    interruptions: int = 0
    alone: bool = False
    """Interrupted so often that it is to be tried in a process of its own: see `isolation.py`."""


def claim(
    connection: Connection,
    *,
    lease_seconds: float,
    policy: RetryPolicy,
    limit: int,
    only: Collection[tuple[str, str]] | None = None,
    without: Collection[tuple[str, str]] = (),
    suspects: bool = True,
    isolated_seconds: float | None = None,
) -> list[Claimed]:
    """Take waiting messages under a lease; `only`/`without` select by (consumer, type).

    Messages on their first attempt are taken as a batch. One that was tried or interrupted before is taken
    by itself, so that it harms no neighbour. One interrupted too often is to be tried `alone`, under a lease of
    `isolated_seconds`; where that cannot be done (None) it is dead. Without `suspects`, interrupted ones are
    left alone.
    """
    if only is not None and not only:
        return []
    kinds = None if only is None else tuple(only)
    query = _waiting(kinds, tuple(without)).limit(limit).with_for_update(skip_locked=True)
    if not suspects:
        query = query.where(inbox.c.lease_token.is_(None), inbox.c.interruptions == 0)
    rows = connection.execute(query).all()
    if not rows:
        return []
    batch: Sequence[Row[Any]] = [row for row in rows if _untried(row)] if _untried(rows[0]) else rows[:1]
    interruptions, alone = 0, False
    if not _untried(batch[0]):
        row = batch[0]
        interruptions = row.interruptions + (1 if row.lease_token is not None else 0)
        alone = interruptions >= policy.max_interruptions
        if alone and isolated_seconds is None:
            bury(connection, _is(row), interruptions)
            return []
        if alone:
            lease_seconds = max(lease_seconds, isolated_seconds or 0.0)
        if interruptions != row.interruptions:
            connection.execute(update(inbox).where(_is(row)).values(interruptions=interruptions))
    token = str(uuid4())
    for consumer in {row.consumer for row in batch}:
        ids = [row.message_id for row in batch if row.consumer == consumer]
        connection.execute(
            _CLAIM, {"of": consumer, "ids": ids, "token": token, "seconds": float(lease_seconds)}
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
            suspect=row.lease_token is not None or row.interruptions > 0,
            after_outage=row.error_kind == "unavailable",
            interruptions=interruptions,
            alone=alone,
        )
        for row in batch
    ]


def anything_waits(
    connection: Connection,
    *,
    only: Collection[tuple[str, str]] | None = None,
    without: Collection[tuple[str, str]] = (),
) -> bool:
    """Whether `claim` would find something: a look that takes no lock, for workers with nothing to do."""
    kinds = None if only is None else tuple(only)
    return connection.execute(_waiting(kinds, tuple(without)).limit(1)).first() is not None


_OF_A_CLAIM = (
    inbox.c.consumer,
    inbox.c.message_id,
    inbox.c.type,
    inbox.c.payload,
    inbox.c.attempts,
    inbox.c.interruptions,
    inbox.c.lease_token,
    inbox.c.error_kind,
    inbox.c.correlation_id,
)


@cache
def _waiting(only: tuple[tuple[str, str], ...] | None, without: tuple[tuple[str, str], ...]) -> "Select[Any]":
    # Built once per worker: putting the statement together costs more than running it on an empty inbox.
    query = (
        select(*_OF_A_CLAIM)
        .where(
            WAITING,
            inbox.c.next_attempt_at <= moment(),
            or_(inbox.c.lease_until.is_(None), inbox.c.lease_until < moment()),
        )
        .order_by(inbox.c.next_attempt_at, inbox.c.message_id)
    )
    if only is not None:
        return query.where(_of_kinds(only))
    return query.where(~_of_kinds(without)) if without else query


_CLAIM = (
    update(inbox)
    .where(inbox.c.consumer == bindparam("of"), one_of(inbox.c.message_id, "ids"))
    .values(
        attempts=inbox.c.attempts + 1,
        lease_token=bindparam("token"),
        lease_until=moment(bindparam("seconds", type_=Float)),
    )
)


def _of_kinds(kinds: Collection[tuple[str, str]]) -> ColumnElement[bool]:
    # Of the two as one text no index knows anything. By themselves they would lead SQLite to the primary key, which
    # begins with the consumer: a worker would read everything it has ever handled, to find what waits.
    return or_(*(inbox.c.consumer + " " + inbox.c.type == f"{consumer} {type}" for consumer, type in kinds))


def _untried(row: Row[Any]) -> bool:
    return row.attempts == 0 and row.lease_token is None


def _is(row: Row[Any]) -> Any:
    return and_(inbox.c.consumer == row.consumer, inbox.c.message_id == row.message_id)


def give_up(connection: Connection, claimed: Claimed) -> None:
    """Bury a message whose process vanished while it did nothing else."""
    bury(connection, _leased(claimed), claimed.interruptions + 1, ", at last in a process of its own")


_FINISH = ManyRows(
    lambda _dialect: (
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
            lease_token=null(),
            lease_until=null(),
            next_attempt_at=null(),
            error_kind=null(),
            error=null(),
            fingerprint=null(),
        )
    ),
    ("b_consumer", "b_message_id", "b_token", "b_payload"),
)


def finish(connection: Connection, done: Sequence[tuple[Claimed, str]]) -> int:
    """Mark messages handled and keep only their redacted payload; returns how many leases still held.

    Fewer than given means that a lease was lost: the caller must roll back.
    """
    return _FINISH.run(
        connection, [(c.consumer, c.message_id, c.lease_token, payload) for c, payload in done]
    )


def _leased(claimed: Claimed) -> ColumnElement[bool]:
    return and_(
        inbox.c.consumer == claimed.consumer,
        inbox.c.message_id == claimed.message_id,
        inbox.c.lease_token == claimed.lease_token,
    )


def holds_lease(connection: Connection, claimed: Claimed) -> bool:
    """Whether `claimed` is still ours; locks the row, so that it stays ours until the transaction ends."""
    found = connection.execute(select(inbox.c.message_id).where(_leased(claimed)).with_for_update()).first()
    return found is not None


def renew(connection: Connection, claimed: Claimed, lease_seconds: float) -> bool:
    """Extend a lease; False when it is no longer ours."""
    return (
        connection.execute(
            update(inbox).where(_leased(claimed)).values(lease_until=moment(lease_seconds))
        ).rowcount
        == 1
    )


def release(connection: Connection, claimed: Sequence[Claimed]) -> None:
    """Give messages back untouched (a graceful stop, or our database was away): the attempt does not count."""
    for one in claimed:
        connection.execute(
            update(inbox)
            .where(_leased(one))
            .values(attempts=inbox.c.attempts - 1, lease_token=None, lease_until=None)
        )


def postpone(connection: Connection, claimed: Claimed, seconds: float) -> None:
    """Give a message back that could not be worked on: the attempt does not count, the next one is later."""
    connection.execute(
        update(inbox)
        .where(_leased(claimed))
        .values(
            attempts=inbox.c.attempts - 1,
            lease_token=None,
            lease_until=None,
            next_attempt_at=moment(seconds),
        )
    )


def fail(connection: Connection, claimed: Claimed, failure: Failure, policy: RetryPolicy) -> str | None:
    """Record a failed attempt of a leased message; returns the new state, None when the lease was lost."""
    failed = failure.kind == "failed"
    # What an outage cost is no step towards death: after one, failures are counted from the beginning.
    attempts = 1 if failed and claimed.after_outage else claimed.attempts
    dead = failure.kind == "permanent" or (failed and policy.exhausted(attempts))
    wait = policy.wait(attempts)
    if failure.retry_within is not None:
        wait = min(wait, failure.retry_within)
    result = connection.execute(
        update(inbox)
        .where(_leased(claimed))
        .values(
            state="dead" if dead else "failed",
            attempts=attempts,
            # The process outlived this attempt: it is not this message that ends it.
            interruptions=0,
            lease_token=None,
            lease_until=None,
            next_attempt_at=null() if dead else moment(wait),
            error_kind=failure.kind,
            error=failure.error,
            fingerprint=failure.fingerprint,
            first_failed_at=func.coalesce(inbox.c.first_failed_at, moment()),
            failed_at=moment(),
        )
    )
    return ("dead" if dead else "failed") if result.rowcount == 1 else None
