"""Inboxes with failed messages, for tests of what people do about them."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select, update

from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import inbox
from shared.db.moment import moment
from shared.messaging import groups
from shared.messaging.groups import Group, Key, Outcome
from shared.messaging.inbox import Failure, new_row, store_dead, store_failed
from shared.messaging.subscriptions import RetryPolicy

POLICY = RetryPolicy()
PAYLOAD = json.dumps({"data": {"order_id": "o-1", "person": {"name": "Ada"}}})
BROKEN = Failure(kind="failed", error="ValueError: no such workshop 7", fingerprint="f1")
AWAY = Failure(kind="unavailable", error="Unavailable: refused", fingerprint="f2")
KEY = Key(type="thing.happened.v1", fingerprint="f1")


def row(message_id: str, type: str = KEY.type, **more: Any) -> dict[str, Any]:
    values = {"consumer": "bus", "payload": PAYLOAD, "correlation_id": None, **more}
    return new_row(message_id=message_id, type=type, **values)


def dead(engine: Engine, *ids: str, failure: Failure = BROKEN, **more: Any) -> None:
    """Messages that are dead."""
    with write_connection(engine) as connection:
        for message_id in ids:
            store_dead(connection, row(message_id, **more), failure)


def failing(engine: Engine, *ids: str, failure: Failure = BROKEN) -> None:
    """Messages that are tried again."""
    with write_connection(engine) as connection:
        for message_id in ids:
            store_failed(connection, row(message_id), failure, POLICY)


def states(engine: Engine) -> dict[str, str]:
    """Message id → state."""
    with read_connection(engine) as connection:
        return {r.message_id: r.state for r in connection.execute(select(inbox))}


def set_states(engine: Engine, **by_id: str) -> None:
    """What a worker made of them."""
    with write_connection(engine) as connection:
        for message_id, state in by_id.items():
            connection.execute(
                update(inbox)
                .where(inbox.c.message_id == message_id)
                .values(state=state, failed_at=moment(), error="ValueError: something else")
            )


def read_group(engine: Engine, key: Key = KEY) -> Group | None:
    with read_connection(engine) as connection:
        return groups.get_group(connection, key)


def read_outcome(engine: Engine, action_id: UUID) -> Outcome:
    with read_connection(engine) as connection:
        return groups.outcome(connection, action_id)
