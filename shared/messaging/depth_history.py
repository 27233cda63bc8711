"""How deep and how old outbox, inbox and queues have been: sampled by the worker, kept in a bounded table.

Three resolutions, each for as long as it is looked at. A row holds the largest of what was sampled in its time,
so that a short peak is still there when only the coarse rows are left.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update

from shared.db.engine import write_connection
from shared.db.kernel_tables import depth_sample
from shared.db.moment import moment
from shared.messaging import operations

EVERY_SECONDS = 15
KEPT: Mapping[int, timedelta] = {
    EVERY_SECONDS: timedelta(hours=1),
    300: timedelta(days=1),
    3600: timedelta(days=30),
}
"""Seconds that a row stands for → how long it is kept: at most 241 + 289 + 721 rows."""

STALE = timedelta(minutes=2)
"""A worker that runs has sampled more recently."""

_AMOUNTS = ("outbox_size", "outbox_age_seconds", "inbox_received", "inbox_failed", "inbox_dead")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The largest values within `resolution` seconds from `begins_at`."""

    begins_at: datetime
    sampled_at: datetime
    worker_started_at: datetime
    outbox_size: int
    outbox_age_seconds: int
    inbox_received: int
    inbox_failed: int
    inbox_dead: int
    queues: Mapping[str, int] | None
    """Queue → messages; None where nobody could tell."""


def take_sample(
    engine: Engine, *, worker_started_at: datetime, queues: Mapping[str, int] | None = None
) -> None:
    """Sample now, into every resolution, and forget what is too old."""
    with write_connection(engine) as connection:
        now = connection.scalar(select(moment()))
        assert now is not None
        values = {**_measured(connection), "sampled_at": now, "worker_started_at": worker_started_at}
        record(connection, values, queues)


def record(connection: Connection, values: Mapping[str, Any], queues: Mapping[str, int] | None) -> None:
    """Merge what was measured at `sampled_at` into the row of each resolution; delete what is too old by then."""
    now: datetime = values["sampled_at"]
    for resolution, kept in KEPT.items():
        _store(connection, resolution, _begin_of(now, resolution), values, queues)
        connection.execute(
            delete(depth_sample).where(
                depth_sample.c.resolution == resolution, depth_sample.c.begins_at < now - kept
            )
        )


def samples(connection: Connection, resolution: int) -> Sequence[Sample]:
    """All rows of one resolution, oldest first."""
    rows = connection.execute(
        select(depth_sample).where(depth_sample.c.resolution == resolution).order_by(depth_sample.c.begins_at)
    )
    return [_read(row) for row in rows]


def last_sample(connection: Connection) -> Sample | None:
    """The newest; None before a worker's first."""
    row = connection.execute(
        select(depth_sample)
        .where(depth_sample.c.resolution == EVERY_SECONDS)
        .order_by(depth_sample.c.begins_at.desc())
        .limit(1)
    ).first()
    # After an hour without a worker the finest rows are still there: only a worker deletes them.
    return _read(row) if row is not None else None


def own_queues(queues: Mapping[str, int] | None, service: str) -> Mapping[str, int] | None:
    """What concerns this service: its own queues, and the one for what no service wanted."""
    if queues is None:
        return None
    return {name: depth for name, depth in queues.items() if name.startswith((f"{service}.", "rostrum."))}


def _measured(connection: Connection) -> dict[str, Any]:
    size, age = operations.outbox_depth(connection)
    counts = {"received": 0, "failed": 0, "dead": 0}
    for one in operations.open_messages(connection):
        counts[one.state] += one.count
    return {
        "outbox_size": size,
        "outbox_age_seconds": int(age.total_seconds()) if age is not None else 0,
        **{f"inbox_{state}": count for state, count in counts.items()},
    }


def _store(
    connection: Connection,
    resolution: int,
    begins_at: datetime,
    values: Mapping[str, Any],
    queues: Mapping[str, int] | None,
) -> None:
    here = (depth_sample.c.resolution == resolution, depth_sample.c.begins_at == begins_at)
    before = connection.execute(select(depth_sample).where(*here).with_for_update()).first()
    merged = dict(values)
    if before is not None:
        known = _read(before)
        merged |= {name: max(values[name], getattr(known, name)) for name in _AMOUNTS}
        queues = _larger(known.queues, queues)
    merged["queues"] = json.dumps(queues) if queues is not None else None
    if before is None:
        connection.execute(insert(depth_sample).values(resolution=resolution, begins_at=begins_at, **merged))
    else:
        connection.execute(update(depth_sample).where(*here).values(**merged))


def _larger(first: Mapping[str, int] | None, second: Mapping[str, int] | None) -> Mapping[str, int] | None:
    if first is None or second is None:
        return first if second is None else second
    return {name: max(first.get(name, 0), second.get(name, 0)) for name in {*first, *second}}


def _begin_of(at: datetime, resolution: int) -> datetime:
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % resolution, UTC)


def _read(row: Row[Any]) -> Sample:
    return Sample(
        begins_at=row.begins_at,
        sampled_at=row.sampled_at,
        worker_started_at=row.worker_started_at,
        outbox_size=row.outbox_size,
        outbox_age_seconds=row.outbox_age_seconds,
        inbox_received=row.inbox_received,
        inbox_failed=row.inbox_failed,
        inbox_dead=row.inbox_dead,
        queues=json.loads(row.queues) if row.queues is not None else None,
    )
