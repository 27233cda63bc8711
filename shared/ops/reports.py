"""What the ops pages show, read in one go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from shared.db.kernel_tables import inbox
from shared.messaging import operations

STATES = ("received", "failed", "dead", "handled", "discarded")
FAILING = ("failed", "dead")
PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The state of one service's messages."""

    outbox_size: int
    outbox_age: timedelta | None
    totals: Mapping[str, int]
    by_source: Mapping[str, Mapping[str, int]]


def overview(connection: Connection) -> Overview:
    """Read outbox and inbox."""
    size, age = operations.outbox_depth(connection)
    by_source: dict[str, dict[str, int]] = {}
    totals = dict.fromkeys(STATES, 0)
    for (source, state), count in operations.inbox_counts(connection).items():
        by_source.setdefault(source, {})[state] = count
        totals[state] = totals.get(state, 0) + count
    return Overview(
        outbox_size=size,
        outbox_age=age,
        totals=totals,
        by_source=dict(sorted(by_source.items())),
    )


def failing_types(connection: Connection) -> Sequence[str]:
    """Types of messages that are failed or dead, for the filter."""
    return connection.scalars(
        select(inbox.c.type).where(inbox.c.state.in_(FAILING)).distinct().order_by(inbox.c.type)
    ).all()


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One page of messages, and whether there are more."""

    rows: Sequence[Row[Any]]
    more: bool


def listing(connection: Connection, *, states: Sequence[str], type: str | None, page: int) -> Listing:
    """Messages in these states, newest failure first."""
    rows = operations.list_messages(
        connection, states=states, type=type, limit=PAGE + 1, offset=(page - 1) * PAGE
    )
    return Listing(rows=rows[:PAGE], more=len(rows) > PAGE)


def age_text(age: timedelta | None) -> str:
    """`12 s`, `4 min`, `3 h`, `2 days`."""
    if age is None:
        return ""
    seconds = int(age.total_seconds())
    for size, unit in ((172_800, "days"), (7200, "h"), (120, "min")):
        if seconds >= size:
            return f"{seconds // {'days': 86_400, 'h': 3600, 'min': 60}[unit]} {unit}"
    return f"{seconds} s"


def took_text(length: timedelta | None) -> str:
    """`35 ms`, `1.4 s`, `4 min`: short lengths matter to who looks for what is slow."""
    if length is None:
        return ""
    seconds = length.total_seconds()
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    return f"{seconds:.1f} s" if seconds < 10 else age_text(length)
