"""`/metrics`: what this process counted, and what any process can read from the services' databases.

A scrape costs a few short queries on indexes of open messages, however many were handled.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import inf
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.pool import QueuePool

from shared.db.engine import read_connection
from shared.messaging import operations
from shared.messaging.depth_history import STALE, last_sample
from shared.messaging.inbox import BUS
from shared.observability.metrics import REGISTRY
from shared.observability.redaction import describe_error
from shared.service import Service

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPEN = ("received", "failed", "dead")
_FRESH = STALE.total_seconds()

log = structlog.get_logger("metrics")


def exposition(services: Sequence[Service], *more: Collector) -> bytes:
    """The metrics of this process and of these services, in the text format."""
    return generate_latest(_Together([_counted(services), Stored(services), *more]))


class _Together(Collector):
    def __init__(self, sources: Sequence[Collector]) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        for source in self._sources:
            yield from source.collect()


def _counted(services: Sequence[Service]) -> Collector:
    folder = services[0].settings.metrics_folder
    if folder is None:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together, path=str(folder))  # type: ignore[no-untyped-call]  # it has no types
    return together


class Stored(Collector):
    """Gauges read from the databases now; one that cannot be reached costs its own figures only."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """Read them all."""
        families = Families()
        for service in self._services:
            try:
                self._read(service, families)
                up = 1.0
            except Exception as error:
                log.warning("metrics_incomplete", of=service.name, error=describe_error(error))
                up = 0.0
            families.add("database_up", "Whether the database answered.", up, service=service.name)
            self._pool(service, families)
        yield from families

    @staticmethod
    def _read(service: Service, families: "Families") -> None:
        name = service.name
        with read_connection(service.engine) as connection:
            size, age = operations.outbox_depth(connection)
            found = operations.open_messages(connection)
            last = last_sample(connection)
        families.add("outbox_messages", "Messages that wait to be published.", size, service=name)
        families.add(
            "outbox_oldest_age_seconds",
            "How long the oldest of them has waited; 0 when none waits.",
            age.total_seconds() if age else 0.0,
            service=name,
        )
        counts = {(one.source, one.state): one.count for one in found}
        for source in (BUS, *service.sources):
            for state in OPEN:
                families.add(
                    "inbox_messages",
                    "Messages that wait (received), are tried again (failed) or need a decision (dead).",
                    counts.get((source, state), 0),
                    service=name,
                    source=source,
                    state=state,
                )
        for state in OPEN:
            ages = [one.oldest_age.total_seconds() for one in found if one.state == state]
            families.add(
                "inbox_oldest_age_seconds",
                "Since the oldest was received, or first failed; 0 when there is none.",
                max(ages, default=0.0),
                service=name,
                state=state,
            )
        families.add(
            "inbox_unavailable_oldest_age_seconds",
            "How long the longest outage has kept a message waiting; 0 when nothing waits for one.",
            max((one.oldest_unavailable.total_seconds() for one in found), default=0.0),
            service=name,
        )
        silent = (datetime.now(UTC) - last.sampled_at).total_seconds() if last is not None else inf
        families.add(
            "worker_sample_age_seconds",
            "Since a worker has last sampled depths, as a running one does every 15 s; +Inf before the first.",
            silent,
            service=name,
        )
        # Told by the worker: asking the broker at every scrape would make its outage ours.
        for queue, depth in (last.queues or {}).items() if last is not None and silent < _FRESH else ():
            families.add(
                "queue_messages", "Messages in the broker's queues.", depth, service=name, queue=queue
            )
        with service.transactions.read() as session:
            for gauge in service.gauges:
                value = gauge.read(session, service.clock.now())
                families.add(gauge.name.removeprefix("rostrum_"), gauge.help, value, service=name)

    @staticmethod
    def _pool(service: Service, families: "Families") -> None:
        pool = service.engine.pool
        if not isinstance(pool, QueuePool):
            return
        for state, count in (("in_use", pool.checkedout()), ("idle", pool.checkedin())):
            families.add(
                "database_connections",
                "Connections of the answering process.",
                count,
                service=service.name,
                state=state,
            )


class Families:
    """Gauges of several services under one name each, as the text format wants them."""

    def __init__(self) -> None:
        self._families: dict[str, GaugeMetricFamily] = {}

    def add(self, name: str, help: str, value: float, **labels: str) -> None:
        """One figure; a name always comes with the same labels."""
        family = self._families.get(name)
        if family is None:
            family = self._families[name] = GaugeMetricFamily(f"rostrum_{name}", help, labels=list(labels))
        family.add_metric(list(labels.values()), value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._families.values())
