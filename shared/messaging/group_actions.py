"""Retrying and discarding a whole group of failed messages.

Whoever acts takes the messages that are in the group at that moment, each once: rows are locked, what somebody
works on is left alone, and what was handled meanwhile is in no group any more. Two people at once share the
messages between them.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, and_, bindparam, insert, null, or_, select, tuple_, update

from shared.db.engine import write_connection
from shared.db.kernel_tables import group_action, group_action_message, inbox
from shared.db.moment import moment
from shared.errors import Invalid
from shared.ids import new_id
from shared.messaging.groups import Key, failing_keys, get_group
from shared.messaging.reading import Reader

REASON_LENGTH = 500

_CHUNK = 500
"""Messages changed in one transaction: a large group must not keep the others from working."""

_FAILING = ("failed", "dead")
_Change = Callable[[Connection, Sequence[Row[Any]]], None]


_OF_A_ROW = update(inbox).where(
    inbox.c.consumer == bindparam("b_consumer"),
    inbox.c.message_id == bindparam("b_message_id"),
    or_(inbox.c.state == "failed", inbox.c.state == "dead"),
)


def retry_group(engine: Engine, key: Key, *, actor: str) -> UUID:
    """Let all of a group that can be read run again now, attempts counted anew; gives the action's id."""

    def change(connection: Connection, rows: Sequence[Row[Any]]) -> None:
        connection.execute(
            _OF_A_ROW.values(
                state="received",
                attempts=0,
                interruptions=0,
                lease_token=None,
                lease_until=None,
                next_attempt_at=moment(),
                actor=actor,
                note="retried",
            ),
            [{"b_consumer": row.consumer, "b_message_id": row.message_id} for row in rows],
        )

    return _act(engine, key, change, action="retry", actor=actor, reason=None, readable=True)


def discard_group(engine: Engine, reader: Reader, key: Key, *, actor: str, reason: str) -> UUID:
    """Give all of a group up, with a reason; their personal data goes with them. Gives the action's id."""
    reason = reason.strip()[:REASON_LENGTH]
    if not reason:
        raise Invalid(
            "reason_missing",
            "Say why the messages are discarded.",
            fields={"reason": ["Enter a reason."]},
        )

    def change(connection: Connection, rows: Sequence[Row[Any]]) -> None:
        connection.execute(
            _OF_A_ROW.values(
                state="discarded",
                payload=bindparam("b_payload"),
                raw=null(),
                finished_at=moment(),
                next_attempt_at=None,
                lease_token=None,
                lease_until=None,
                actor=actor,
                note=reason,
            ),
            [
                {
                    "b_consumer": row.consumer,
                    "b_message_id": row.message_id,
                    "b_payload": reader.redacted(row.consumer, row.payload),
                }
                for row in rows
            ],
        )

    return _act(engine, key, change, action="discard", actor=actor, reason=reason, readable=False)


def _act(
    engine: Engine,
    key: Key,
    change: _Change,
    *,
    action: str,
    actor: str,
    reason: str | None,
    readable: bool,
) -> UUID:
    action_id = new_id()
    with write_connection(engine) as connection:
        group = get_group(connection, key)
        connection.execute(
            insert(group_action).values(
                action_id=action_id,
                action=action,
                type=key.type,
                fingerprint=key.fingerprint,
                error=group.error if group else None,
                actor=actor,
                reason=reason,
                asked_at=moment(),
            )
        )
    after: tuple[str, str] | None = ("", "")
    while after is not None:
        with write_connection(engine) as connection:
            after = _act_on_some(connection, key, change, action_id, after, readable=readable)
    return action_id


def _act_on_some(
    connection: Connection,
    key: Key,
    change: _Change,
    action_id: UUID,
    after: tuple[str, str],
    *,
    readable: bool,
) -> tuple[str, str] | None:
    # Forward through the keys, never back: a message that fails again at once is not taken a second time.
    keys = [tuple(row) for row in connection.execute(failing_keys(key, after=after, limit=_CHUNK))]
    rows = _locked(connection, keys)
    free = [row for row in rows if not row.in_work]
    taken = [row for row in free if row.payload is not None] if readable else free
    if taken:
        change(connection, taken)
        connection.execute(
            insert(group_action_message),
            [
                {"action_id": action_id, "consumer": row.consumer, "message_id": row.message_id}
                for row in taken
            ],
        )
    if len(taken) < len(rows):
        connection.execute(
            update(group_action)
            .where(group_action.c.action_id == action_id)
            .values(
                left_in_work=group_action.c.left_in_work + len(rows) - len(free),
                left_unreadable=group_action.c.left_unreadable + len(free) - len(taken),
            )
        )
    return (keys[-1][0], keys[-1][1]) if len(keys) == _CHUNK else None


def _locked(connection: Connection, keys: Sequence[tuple[Any, ...]]) -> Sequence[Row[Any]]:
    if not keys:
        return []
    # Whoever holds a lease may be in the middle of a call, as with a single message.
    in_work = and_(inbox.c.lease_until.is_not(None), inbox.c.lease_until >= moment())
    return connection.execute(
        select(inbox.c.consumer, inbox.c.message_id, inbox.c.payload, in_work.label("in_work"))
        .where(tuple_(inbox.c.consumer, inbox.c.message_id).in_(keys), inbox.c.state.in_(_FAILING))
        .order_by(inbox.c.consumer, inbox.c.message_id)
        .with_for_update(skip_locked=True)
    ).all()
