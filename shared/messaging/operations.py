"""What people do with messages: look, search, retry, discard. Every statement is one short transaction's."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, case, func, null, or_, select, text, update

from shared.db.kernel_tables import inbox, message_reference, outbox
from shared.db.many import one_of
from shared.db.moment import moment
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import seconds_since
from shared.messaging.inbox import BUS
from shared.messaging.reading import Reader


def outbox_depth(connection: Connection) -> tuple[int, timedelta | None]:
    """How many messages wait to be published, and how long the oldest has waited.

    In real time, which its id tells: its other moments are business time, and that may have been moved.
    """
    size = connection.scalar(select(func.count()).where(outbox.c.published_at.is_(None))) or 0
    oldest = connection.scalars(
        select(outbox.c.id).where(outbox.c.published_at.is_(None)).order_by(outbox.c.seq).limit(1)
    ).first()
    return size, timedelta(seconds=seconds_since(oldest)) if oldest is not None else None


def inbox_counts(connection: Connection) -> Mapping[tuple[str, str], int]:
    """(source, state) → messages."""
    rows = connection.execute(
        select(inbox.c.consumer, inbox.c.state, func.count()).group_by(inbox.c.consumer, inbox.c.state)
    )
    return {(consumer, state): count for consumer, state, count in rows}


@dataclass(frozen=True, kw_only=True)
class OpenMessages:
    """Messages of one source in one state that still want something."""

    source: str
    state: str
    count: int
    oldest_age: timedelta
    """Since it was received, or since it first failed."""
    oldest_unavailable: timedelta
    """The same, of those that wait for something which is away; nothing where none does."""


def open_messages(connection: Connection) -> Sequence[OpenMessages]:
    """What waits, fails or is dead: read from the indexes of just these, however many were handled."""
    found: list[OpenMessages] = []
    # Written out, because a bound value would keep SQLite from the index.
    for states in ("state IN ('received', 'failed')", "state = 'dead'"):
        since = func.coalesce(inbox.c.first_failed_at, inbox.c.received_at)
        away = case((inbox.c.error_kind == "unavailable", inbox.c.first_failed_at))
        rows = connection.execute(
            select(
                inbox.c.consumer,
                inbox.c.state,
                func.count(),
                func.min(since),
                func.min(away),
                moment(),
            )
            .where(text(states))
            .group_by(inbox.c.consumer, inbox.c.state)
        )
        found += [
            OpenMessages(
                source=source,
                state=state,
                count=count,
                oldest_age=max(now - oldest, timedelta()),
                oldest_unavailable=max(now - unavailable, timedelta()) if unavailable else timedelta(),
            )
            for source, state, count, oldest, unavailable, now in rows
        ]
    return found


def list_messages(
    connection: Connection,
    *,
    states: Sequence[str],
    type: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> Sequence[Row[Any]]:
    """Inbox rows in these states, newest failure first."""
    query = (
        select(inbox)
        .where(inbox.c.state.in_(list(states)))
        .order_by(func.coalesce(inbox.c.failed_at, inbox.c.received_at).desc(), inbox.c.message_id)
        .limit(limit)
        .offset(offset)
    )
    if type:
        query = query.where(inbox.c.type == type)
    return connection.execute(query).all()


def find_messages(connection: Connection, reference: str, *, limit: int = 200) -> Sequence[Row[Any]]:
    """Inbox rows that name this business id, or have this message id, oldest first."""
    ids = select(message_reference.c.message_id).where(message_reference.c.reference == reference)
    return connection.execute(
        select(inbox)
        .where(or_(inbox.c.message_id == reference, inbox.c.message_id.in_(ids)))
        .order_by(inbox.c.received_at, inbox.c.message_id)
        .limit(limit)
    ).all()


def find_published(connection: Connection, reference: str, *, limit: int = 200) -> Sequence[Row[Any]]:
    """Outbox rows that name this business id, oldest first."""
    ids = connection.scalars(
        select(message_reference.c.message_id).where(message_reference.c.reference == reference).limit(5000)
    )
    wanted = [value for value in map(_as_uuid, [*ids, reference]) if value]
    return connection.execute(
        select(outbox).where(outbox.c.id.in_(wanted)).order_by(outbox.c.seq).limit(limit)
    ).all()


@dataclass(frozen=True, kw_only=True)
class OwnRequest:
    """A message that a service said and reads itself, and what became of it; None while it is on its way."""

    message_id: str
    state: str | None


def newest_own(connection: Connection, kind: str, reference: str) -> OwnRequest | None:
    """The newest message of this type about this business id which this service said to itself."""
    return newest_own_of_each(connection, kind, [reference]).get(reference)


def newest_own_of_each(
    connection: Connection, kind: str, references: Collection[str]
) -> Mapping[str, OwnRequest]:
    """The same for many business ids, in three statements that indexes answer; without those it has none for."""
    if not references:
        return {}
    about = connection.execute(
        select(message_reference.c.message_id, message_reference.c.reference).where(
            one_of(message_reference.c.reference, "references")
        ),
        {"references": references},
    ).all()
    said = select(outbox.c.id, outbox.c.seq).where(one_of(outbox.c.id, "ids"), outbox.c.type == kind)
    ids = [value for value in map(_as_uuid, {row.message_id for row in about}) if value]
    places = {str(row.id): row.seq for row in connection.execute(said, {"ids": ids})}
    newest = {
        row.reference: row.message_id
        for row in sorted(about, key=lambda row: places.get(row.message_id, 0))
        if row.message_id in places
    }
    heard = connection.execute(
        select(inbox.c.message_id, inbox.c.state).where(
            inbox.c.consumer == BUS, one_of(inbox.c.message_id, "ids")
        ),
        {"ids": list(newest.values())},
    )
    states = {row.message_id: row.state for row in heard}
    return {
        reference: OwnRequest(message_id=message_id, state=states.get(message_id))
        for reference, message_id in newest.items()
    }


def _as_uuid(text: str) -> UUID | None:
    # Other sources' message ids are not UUIDs and are never in the outbox.
    try:
        return UUID(text)
    except ValueError:
        return None


def get_message(connection: Connection, consumer: str, message_id: str) -> Row[Any]:
    """One inbox row; raises NotFound."""
    row = connection.execute(
        select(inbox).where(inbox.c.consumer == consumer, inbox.c.message_id == message_id)
    ).first()
    if row is None:
        raise NotFound("message_unknown", "No such message is in this inbox.")
    return row


def retry_message(connection: Connection, consumer: str, message_id: str, *, actor: str) -> None:
    """Let a failed or dead message run again now, with its attempts counted anew.

    One that was handled is never run again (Conflict): replaying has no effect by design.
    """
    row = get_message(connection, consumer, message_id)
    if row.state not in ("failed", "dead"):
        raise Conflict(
            "message_not_failed", f"The message is {row.state}: only failed and dead ones run again."
        )
    if row.payload is None:
        raise Conflict("message_unreadable", "The message's body cannot be read: discard it with a reason.")
    _change(
        connection,
        row,
        state="received",
        attempts=0,
        interruptions=0,
        lease_token=None,
        lease_until=None,
        next_attempt_at=moment(),
        actor=actor,
        note="retried",
    )


def discard_message(
    connection: Connection, reader: Reader, consumer: str, message_id: str, *, actor: str, reason: str
) -> None:
    """Give a failed or dead message up, with a reason; its personal data goes with it, as `reader` tells it."""
    if not reason.strip():
        raise Invalid(
            "reason_missing", "Say why the message is discarded.", fields={"reason": ["Enter a reason."]}
        )
    row = get_message(connection, consumer, message_id)
    if row.state not in ("failed", "dead"):
        raise Conflict(
            "message_not_failed", f"The message is {row.state}: only failed and dead ones are discarded."
        )
    _change(
        connection,
        row,
        state="discarded",
        payload=reader.redacted(consumer, row.payload),
        raw=null(),
        finished_at=moment(),
        next_attempt_at=None,
        lease_token=None,
        lease_until=None,
        actor=actor,
        note=reason.strip()[:500],
    )


def _change(connection: Connection, row: Row[Any], **values: Any) -> None:
    # A failed message keeps its state while it is tried again. Whoever holds its lease may be in the middle
    # of a call: a second one beside it would find no trace of the first, and a discard would lose its result.
    changed = connection.execute(
        update(inbox)
        .where(
            inbox.c.consumer == row.consumer,
            inbox.c.message_id == row.message_id,
            inbox.c.state == row.state,
            or_(inbox.c.lease_until.is_(None), inbox.c.lease_until < moment()),
        )
        .values(**values)
    )
    if changed.rowcount != 1:
        raise Conflict("message_in_work", "The message is being worked on now. Look again in a minute.")
