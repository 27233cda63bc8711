"""Failed messages that share an error, and what became of those that were retried or discarded together.

A group is a type and a fingerprint of the error: messages that failed in the same way, so that whoever has
mended the cause can run them all again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    case,
    func,
    select,
    text,
    tuple_,
    union_all,
)

from shared.db.kernel_tables import WAITING, group_action, group_action_message, inbox
from shared.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class Key:
    """What makes a group."""

    type: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Group:
    """Failed and dead messages of one type that failed in the same way."""

    key: Key
    error: str
    """Of one of them."""
    kind: str
    failed: int
    dead: int
    unreadable: int
    most_attempts: int
    first_seen: datetime
    last_seen: datetime

    @property
    def count(self) -> int:
        """All of them."""
        return self.failed + self.dead


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the messages that somebody retried or discarded together."""

    action_id: UUID
    action: str
    key: Key
    error: str | None
    actor: str
    reason: str | None
    asked_at: datetime
    handled: int
    failed_again: int
    waiting: int
    discarded: int
    left_in_work: int
    left_unreadable: int

    @property
    def taken(self) -> int:
        """How many messages the action changed."""
        return self.handled + self.failed_again + self.waiting + self.discarded


def groups(connection: Connection, *, limit: int) -> Sequence[Group]:
    """The groups there are, the one that failed last first."""
    return _groups(connection, None, limit)


def get_group(connection: Connection, key: Key) -> Group | None:
    """One group; None when nothing is in it (any more)."""
    found = _groups(connection, key, 1)
    return found[0] if found else None


def messages_of(connection: Connection, key: Key, *, limit: int, offset: int = 0) -> Sequence[Row[Any]]:
    """The group's messages, newest failure first."""
    rows = _failing(key)
    return connection.execute(
        select(rows).order_by(rows.c.failed_at.desc(), rows.c.message_id).limit(limit).offset(offset)
    ).all()


def outcome(connection: Connection, action_id: UUID) -> Outcome:
    """What became of one action's messages by now; raises NotFound."""
    row = connection.execute(select(group_action).where(group_action.c.action_id == action_id)).first()
    if row is None:
        raise NotFound("action_unknown", "Nobody has retried or discarded a group under this number.")
    return _outcome(connection, row)


def outcomes(connection: Connection, key: Key, *, limit: int) -> Sequence[Outcome]:
    """What was done about a group, newest first."""
    rows = connection.execute(
        select(group_action)
        .where(group_action.c.type == key.type, group_action.c.fingerprint == key.fingerprint)
        .order_by(group_action.c.asked_at.desc())
        .limit(limit)
    ).all()
    return [_outcome(connection, row) for row in rows]


def failed_again(connection: Connection, action_id: UUID, *, limit: int) -> Sequence[Row[Any]]:
    """Messages of one retry that failed once more, newest failure first."""
    return connection.execute(
        select(inbox)
        .select_from(_taken_by(action_id))
        .where(inbox.c.state.in_(("failed", "dead")))
        .order_by(inbox.c.failed_at.desc(), inbox.c.message_id)
        .limit(limit)
    ).all()


def _outcome(connection: Connection, row: Row[Any]) -> Outcome:
    rows = connection.execute(
        select(inbox.c.state, func.count().label("messages"))
        .select_from(_taken_by(row.action_id))
        .group_by(inbox.c.state)
    )
    counts: Mapping[str, int] = {each.state: each.messages for each in rows}
    return Outcome(
        action_id=row.action_id,
        action=row.action,
        key=Key(type=row.type, fingerprint=row.fingerprint),
        error=row.error,
        actor=row.actor,
        reason=row.reason,
        asked_at=row.asked_at,
        handled=counts.get("handled", 0),
        # A retry makes them `received`: whoever is failed or dead by now has failed since.
        failed_again=counts.get("failed", 0) + counts.get("dead", 0),
        waiting=counts.get("received", 0),
        discarded=counts.get("discarded", 0),
        left_in_work=row.left_in_work,
        left_unreadable=row.left_unreadable,
    )


def _taken_by(action_id: UUID) -> FromClause:
    return group_action_message.join(
        inbox,
        and_(
            group_action_message.c.action_id == action_id,
            inbox.c.consumer == group_action_message.c.consumer,
            inbox.c.message_id == group_action_message.c.message_id,
        ),
    )


def failing_keys(key: Key, *, after: tuple[str, str], limit: int) -> "Select[Any]":
    """(source, message id) of the group's messages behind `after`, in the order of these."""
    rows = _failing(key)
    return (
        select(rows.c.consumer, rows.c.message_id)
        .where(tuple_(rows.c.consumer, rows.c.message_id) > tuple_(*after))
        .order_by(rows.c.consumer, rows.c.message_id)
        .limit(limit)
    )


def _failing(key: Key | None) -> FromClause:
    # Two selects, written out, so that each is answered by the index of just these messages.
    parts = [
        select(inbox).where(WAITING, inbox.c.state == "failed"),
        select(inbox).where(text("state = 'dead'")),
    ]
    if key is not None:
        parts = [
            part.where(inbox.c.type == key.type, inbox.c.fingerprint == key.fingerprint) for part in parts
        ]
    return union_all(*parts).subquery()


def _groups(connection: Connection, key: Key | None, limit: int) -> Sequence[Group]:
    rows = _failing(key)
    query = (
        select(
            rows.c.type,
            rows.c.fingerprint,
            func.max(rows.c.error).label("error"),
            func.max(rows.c.error_kind).label("kind"),
            func.count().label("count"),
            func.sum(case((rows.c.state == "dead", 1), else_=0)).label("dead"),
            func.sum(case((rows.c.payload.is_(None), 1), else_=0)).label("unreadable"),
            func.max(rows.c.attempts).label("most_attempts"),
            func.min(rows.c.first_failed_at).label("first_seen"),
            func.max(rows.c.failed_at).label("last_seen"),
        )
        .group_by(rows.c.type, rows.c.fingerprint)
        .order_by(func.max(rows.c.failed_at).desc(), rows.c.type)
        .limit(limit)
    )
    return [
        Group(
            key=Key(type=row.type, fingerprint=row.fingerprint or ""),
            error=row.error or "",
            kind=row.kind or "failed",
            failed=row.count - row.dead,
            dead=row.dead,
            unreadable=row.unreadable,
            most_attempts=row.most_attempts,
            first_seen=row.first_seen,
            last_seen=row.last_seen,
        )
        for row in connection.execute(query)
    ]
