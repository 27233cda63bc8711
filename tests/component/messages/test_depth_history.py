"""Depths over time: bounded, with their peaks, and there for whoever asks later."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import depth_sample, outbox
from shared.ids import new_id
from shared.messaging.depth_history import KEPT, last_sample, own_queues, record, samples, take_sample
from tests.support.failed_messages import dead, failing

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
NOTHING = {
    "outbox_size": 0,
    "outbox_age_seconds": 0,
    "inbox_received": 0,
    "inbox_failed": 0,
    "inbox_dead": 0,
    "worker_started_at": START,
}


def sampled(engine: Engine, *each: tuple[timedelta, dict[str, Any]], queues: Any = None) -> None:
    """Samples at these times after the start."""
    with write_connection(engine) as connection:
        for after, values in each:
            record(connection, {**NOTHING, "sampled_at": START + after, **values}, queues)


def test_a_sample_counts_what_is_there(engine: Engine) -> None:
    dead(engine, "a", "b")
    failing(engine, "c")
    with write_connection(engine) as connection:
        connection.execute(
            outbox.insert().values(
                id=new_id(), aggregatetype="thing", aggregateid="1", type="thing.happened.v1", payload="{}",
                headers="{}", created_at=START,
            )
        )  # fmt: skip
    take_sample(engine, worker_started_at=START, queues={"demo.inbox": 3})
    with read_connection(engine) as connection:
        last = last_sample(connection)
    assert last is not None
    assert (last.outbox_size, last.inbox_failed, last.inbox_dead, last.inbox_received) == (1, 1, 2, 0)
    assert last.outbox_age_seconds < 60
    assert last.queues == {"demo.inbox": 3}
    assert last.worker_started_at == START
    assert abs((datetime.now(UTC) - last.sampled_at).total_seconds()) < 60


def test_a_peak_is_kept_in_the_coarse_rows(engine: Engine) -> None:
    peak = {"outbox_size": 900, "outbox_age_seconds": 40}
    sampled(
        engine,
        (timedelta(seconds=0), {}),
        (timedelta(seconds=16), peak),
        (timedelta(seconds=31), {"inbox_dead": 2}),
    )
    with read_connection(engine) as connection:
        fine, coarse = samples(connection, 15), samples(connection, 3600)
    assert [one.outbox_size for one in fine] == [0, 900, 0]
    (hour,) = coarse
    assert (hour.outbox_size, hour.outbox_age_seconds, hour.inbox_dead) == (900, 40, 2)
    assert hour.sampled_at == START + timedelta(seconds=31)


def test_queues_keep_their_peaks_too_even_when_nobody_could_tell_meanwhile(engine: Engine) -> None:
    sampled(engine, (timedelta(seconds=0), {}), queues={"a": 5, "b": 0})
    sampled(engine, (timedelta(seconds=20), {}), queues=None)
    sampled(engine, (timedelta(seconds=40), {}), queues={"a": 1, "b": 2})
    with read_connection(engine) as connection:
        (hour,) = samples(connection, 3600)
        fine = samples(connection, 15)
    assert hour.queues == {"a": 5, "b": 2}
    assert fine[1].queues is None


@pytest.mark.parametrize(
    ("step", "length"),
    [(timedelta(seconds=15), timedelta(minutes=80)), (timedelta(hours=1), timedelta(days=32))],
)
def test_rows_do_not_grow_without_end(engine: Engine, step: timedelta, length: timedelta) -> None:
    sampled(engine, *((step * n, {"outbox_size": n}) for n in range(int(length / step))))
    with read_connection(engine) as connection:
        rows = connection.execute(
            select(depth_sample.c.resolution, func.count().label("rows")).group_by(depth_sample.c.resolution)
        )
        counts: dict[int, int] = {row.resolution: row.rows for row in rows}
    for resolution, kept in KEPT.items():
        assert counts[resolution] <= kept.total_seconds() / resolution + 1
    assert sum(counts.values()) < 1300


def test_only_its_own_queues_concern_a_service() -> None:
    depths = {"payment.inbox": 1, "payment.crashed": 0, "enrollment.inbox": 9, "rostrum.unrouted": 2}
    assert own_queues(depths, "payment") == {"payment.inbox": 1, "payment.crashed": 0, "rostrum.unrouted": 2}
    assert own_queues(None, "payment") is None
