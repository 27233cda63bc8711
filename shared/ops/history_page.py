"""The page that shows depths and ages over time, as charts and as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from flask import Blueprint, render_template, request

from shared.auth.guards import staff
from shared.db.engine import read_connection
from shared.messaging.depth_history import EVERY_SECONDS, KEPT, STALE, Sample, last_sample, samples
from shared.ops.charts import Chart, chart
from shared.ops.roles import ROLES
from shared.service import Service

RANGES = {"hour": EVERY_SECONDS, "day": 300, "month": 3600}
WORDS = {"hour": "Last hour", "day": "Last day", "month": "Last 30 days"}

_MEASURES: Sequence[tuple[str, str, Callable[[Sample], int]]] = (
    ("Waiting to be published", "", lambda sample: sample.outbox_size),
    ("Age of the oldest of these", "s", lambda sample: sample.outbox_age_seconds),
    ("Waiting to be handled", "", lambda sample: sample.inbox_received),
    ("Retrying", "", lambda sample: sample.inbox_failed),
    ("Dead", "", lambda sample: sample.inbox_dead),
)


@dataclass(frozen=True, kw_only=True)
class History:
    """What the page shows of one range."""

    since: datetime
    until: datetime
    charts: Sequence[Chart]
    queues: Sequence[str]
    rows: Sequence[Sample]
    """Newest first."""


def add_history_page(blueprint: Blueprint, service: Service) -> None:
    """Its route."""

    @blueprint.get("/history")
    @staff(*ROLES)
    def show_history() -> str:
        """Outbox, inbox and queues over time."""
        now = datetime.now(UTC)
        with read_connection(service.engine) as connection:
            last = last_sample(connection)
            wanted = request.args.get("range", "")
            chosen = wanted if wanted in RANGES else range_since_start(last, now)
            found = samples(connection, RANGES[chosen])
        return render_template(
            "ops/history.html",
            last=last,
            stale=last is not None and now - last.sampled_at > STALE,
            since_sample=now - last.sampled_at if last is not None else None,
            every=EVERY_SECONDS,
            chosen=chosen,
            ranges=WORDS,
            history=drawn(found, RANGES[chosen], now),
        )


def range_since_start(last: Sample | None, now: datetime) -> str:
    """The shortest range that holds everything since the worker has started."""
    for name, resolution in RANGES.items():
        if last is None or now - last.worker_started_at <= KEPT[resolution]:
            return name
    return "month"


def drawn(found: Sequence[Sample], resolution: int, now: datetime) -> History:
    """The charts of these samples."""
    step = timedelta(seconds=resolution)
    since = now - KEPT[resolution]
    shown = [sample for sample in found if sample.begins_at + step > since]
    starts = [
        after.worker_started_at
        for before, after in pairwise(shown)
        if after.worker_started_at != before.worker_started_at
    ]
    if shown:
        starts.insert(0, shown[0].worker_started_at)
    queues = sorted({name for sample in shown for name in sample.queues or {}})

    def draw(label: str, unit: str, value: Callable[[Sample], int | None]) -> Chart:
        points = [(sample.begins_at, value(sample)) for sample in shown]
        return chart(label, points, since=since, until=now, step=step, marks=starts, unit=unit)

    charts = [draw(label, unit, value) for label, unit, value in _MEASURES]
    charts += [draw(f"Queue {name}", "", _depth_of(name)) for name in queues]
    return History(since=since, until=now, charts=charts, queues=queues, rows=shown[::-1])


def _depth_of(queue: str) -> Callable[[Sample], int | None]:
    def depth(sample: Sample) -> int | None:
        return sample.queues.get(queue) if sample.queues is not None else None

    return depth
