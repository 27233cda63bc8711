"""What a process counts and times, in a registry of its own; gauges that any process can read are elsewhere.

Every label has few values that the code itself names: services, handlers, routes. No id and no text of a
request ever becomes one. Amounts of a transaction are counted when it has committed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_WORK = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_CALLS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_WAITS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0, 14_400.0)

_HTTP = Histogram(
    "rostrum_http_request_seconds",
    "Time to answer a request, by the template of its route.",
    ["service", "method", "route", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
    registry=REGISTRY,
)
_HANDLER = Histogram(
    "rostrum_handler_seconds",
    "Time in a handler, without the commit it shares with others.",
    ["service", "handler", "outcome"],
    buckets=_WORK,
    registry=REGISTRY,
)
_TASK = Histogram(
    "rostrum_task_seconds",
    "Time of one attempt of a task, calls to outside systems included.",
    ["service", "task", "outcome"],
    buckets=_CALLS,
    registry=REGISTRY,
)
_MESSAGES = Counter(
    "rostrum_messages_total",
    "Messages worked off, by where they came from and how that ended; a retry counts again.",
    ["service", "source", "outcome"],
    registry=REGISTRY,
)
_RELAYED = Counter(
    "rostrum_relay_messages_total",
    "Messages the bus has confirmed and the outbox has marked.",
    ["service"],
    registry=REGISTRY,
)
_RELAY_LAG = Histogram(
    "rostrum_relay_lag_seconds",
    "From said to confirmed by the bus, of the oldest message of each batch.",
    ["service"],
    buckets=_WAITS,
    registry=REGISTRY,
)
_SOURCE_LAG = Histogram(
    "rostrum_webhook_lag_seconds",
    "From the moment an outside system gives to its message stored, and to its message handled.",
    ["service", "source", "stage"],
    buckets=_WAITS,
    registry=REGISTRY,
)
_TIMERS = Histogram(
    "rostrum_timer_seconds",
    "Time of one run of a timer.",
    ["service", "timer", "outcome"],
    buckets=_CALLS,
    registry=REGISTRY,
)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "none"


@dataclass(frozen=True, kw_only=True)
class StoredGauge:
    """A figure that a service reads from its own database whenever somebody asks for its metrics.

    `read` gets a reading session and the present moment of business time. Any process of the service gives the
    same answer.
    """

    name: str
    help: str
    read: Callable[[Any, datetime], float]


def business_histogram(name: str, help: str, buckets: Iterable[float]) -> Histogram:
    """A histogram that a service declares beside the handler which knows when to observe it."""
    return Histogram(name, help, ["service"], buckets=tuple(buckets), registry=REGISTRY)


class Meter:
    """The instruments of one service; looks each labelled child up once."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._children: dict[tuple[Any, ...], Any] = {}

    def request(self, *, method: str, route: str | None, status: int, seconds: float) -> None:
        """A request was answered."""
        # Anybody may invent methods and paths; neither becomes a label.
        known = method if method in METHODS else "other"
        self._child(_HTTP, known, route or NO_ROUTE, str(status)).observe(seconds)

    def handler(self, name: str, outcome: str, seconds: float) -> None:
        """A handler ran; `outcome` is `handled` or `failed`."""
        self._child(_HANDLER, name, outcome).observe(seconds)

    def task(self, name: str, outcome: str, seconds: float) -> None:
        """A task was attempted; `outcome` is `handled`, a kind of failure, or `lease_lost`."""
        self._child(_TASK, name, outcome).observe(seconds)

    def timer(self, name: str, outcome: str, seconds: float) -> None:
        """A timer ran; `outcome` is `done` or `failed`."""
        self._child(_TIMERS, name, outcome).observe(seconds)

    def messages(self, source: str, outcome: str, count: int = 1) -> None:
        """Messages were worked off; `outcome` is `handled`, a kind of failure, or `unreadable`."""
        self._child(_MESSAGES, source, outcome).inc(count)

    def relayed(self, count: int, oldest_lag: float) -> None:
        """A batch of the outbox is confirmed and marked."""
        self._child(_RELAYED).inc(count)
        self._child(_RELAY_LAG).observe(max(0.0, oldest_lag))

    def outside_lag(self, source: str, stage: str, seconds: float) -> None:
        """A message of another source than the bus was `stored` or `handled`, so long after it was made there."""
        self._child(_SOURCE_LAG, source, stage).observe(max(0.0, seconds))

    def _child(self, instrument: Any, *labels: str) -> Any:
        key = (instrument, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = instrument.labels(self.service, *labels)
        return child
