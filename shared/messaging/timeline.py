"""Everything one service heard and said that names an id, in the order in which it happened."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from shared.db.kernel_tables import message_reference
from shared.ids import made_at
from shared.messaging import operations
from shared.messaging.inbox import BUS
from shared.messaging.reading import Reader
from shared.messaging.subscriptions import Task

MOST = 200
"""Messages of each direction; who names an id that often is looked at by type instead."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One message that came in or went out. Times are real ones, whatever the business clock says."""

    at: datetime
    incoming: bool
    message_id: str
    type: str
    source: str
    """Where it came from, for one that came in."""
    state: str
    """Of the inbox, or `said` and `published`."""
    ended_at: datetime | None
    attempts: int = 1
    interruptions: int = 0
    reaction: str | None = None
    is_task: bool = False
    error: str | None = None
    next_attempt_at: datetime | None = None
    note: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None

    @property
    def took(self) -> timedelta | None:
        """From received to handled, or from said to published; None while that is to come."""
        return max(self.ended_at - self.at, timedelta()) if self.ended_at is not None else None


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The entries, and whether there are more than are shown."""

    entries: Sequence[Entry]
    cut: bool

    @property
    def correlations(self) -> Sequence[str]:
        """Every correlation id, in the order of its first message."""
        return list(dict.fromkeys(entry.correlation_id for entry in self.entries if entry.correlation_id))


def timeline(connection: Connection, reader: Reader, reference: str) -> Timeline:
    """What happened around an id of the business or of a message."""
    heard = operations.find_messages(connection, reference, limit=MOST + 1)
    said = operations.find_published(connection, reference, limit=MOST + 1)
    entries = [_heard(reader, row) for row in heard[:MOST]] + [_said(row) for row in said[:MOST]]
    # Within one millisecond a cause stands before its effect.
    entries.sort(key=lambda entry: (entry.at, not entry.incoming, entry.message_id))
    return Timeline(entries=entries, cut=max(len(heard), len(said)) > MOST)


def references_of(connection: Connection, message_id: str) -> Sequence[str]:
    """Every id that a message names."""
    return connection.scalars(
        select(message_reference.c.reference)
        .where(message_reference.c.message_id == message_id)
        .order_by(message_reference.c.reference)
    ).all()


def _heard(reader: Reader, row: Row[Any]) -> Entry:
    reaction = reader.reaction(row.consumer, row.type) if _known(reader, row.consumer) else None
    return Entry(
        at=row.received_at,
        incoming=True,
        message_id=row.message_id,
        type=row.type,
        source=row.consumer,
        state=row.state,
        ended_at=row.finished_at or (row.failed_at if row.state in ("failed", "dead") else None),
        attempts=row.attempts,
        interruptions=row.interruptions,
        reaction=reaction.name if reaction is not None else None,
        is_task=isinstance(reaction, Task),
        error=row.error if row.state in ("failed", "dead") else None,
        next_attempt_at=row.next_attempt_at if row.state == "failed" else None,
        note=row.note,
        correlation_id=row.correlation_id,
        causation_id=_causation(row.payload),
    )


def _said(row: Row[Any]) -> Entry:
    headers = json.loads(row.headers)
    return Entry(
        at=made_at(row.id) or row.created_at,
        incoming=False,
        message_id=str(row.id),
        type=row.type,
        source=BUS,
        state="published" if row.published_at is not None else "said",
        ended_at=row.published_at,
        correlation_id=headers.get("correlation_id"),
        causation_id=headers.get("causation_id"),
    )


def _known(reader: Reader, source: str) -> bool:
    return source == BUS or source in reader.sources


def _causation(payload: str | None) -> str | None:
    try:
        found = json.loads(payload or "{}").get("causationid")
    except (ValueError, AttributeError, RecursionError):
        # The message is shown all the same; only what caused it is not known.
        return None
    return found if isinstance(found, str) else None
