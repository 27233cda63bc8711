"""A service's worker: relay, inbox, tasks and timers on threads that never give up.

Every loop survives its errors: it waits and tries again, because the work is in the database. A graceful
stop finishes the work in hand; anything else is what leases and repeats are for.
"""

import gc
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from shared.db import idempotency
from shared.db.lock import singleton_lock
from shared.db.wakeup import Listener
from shared.errors import Unavailable
from shared.messaging.bus import Bus
from shared.messaging.consumer import DeliveryDesk
from shared.messaging.depth_history import EVERY_SECONDS, own_queues, take_sample
from shared.messaging.desk import Desk
from shared.messaging.failures import DatabaseAway
from shared.messaging.housekeeping import forget_failed_people, purge_group_actions, purge_outbox
from shared.messaging.relay import Relay
from shared.messaging.subscriptions import Timer, TimerContext
from shared.messaging.tasks import TaskRunner
from shared.observability.context import correlated
from shared.observability.redaction import describe_error, where
from shared.service import Service

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Loop:
    """A step repeated for ever: at once while it finds work, else after a wake or `idle_seconds`."""

    name: str
    step: Callable[[], int]
    idle_seconds: float


class Worker:
    """All that one service does in the background."""

    def __init__(
        self, service: Service, *, bus: Bus | None = None, stopping: threading.Event | None = None
    ) -> None:
        self.service = service
        self.stopping = stopping or threading.Event()
        self.bus = bus or service.open_bus()
        on_sqlite = service.engine.dialect.name == "sqlite"
        self._poll = 0.05 if on_sqlite else 0.2
        settings = service.settings
        self.relay = Relay(
            service.engine,
            self.bus,
            singleton_lock(service.engine, "relay"),
            checkpoint=service.checkpoint,
            meter=service.meter,
        )
        self.desk = Desk(
            service.transactions,
            service.reader,
            lease_seconds=settings.lease_seconds,
            policy=service.policy,
            rebuild=service.rebuild,
            checkpoint=service.checkpoint,
        )
        self.tasks = TaskRunner(
            service.transactions,
            service.reader,
            lease_seconds=settings.lease_seconds,
            policy=service.policy,
            rebuild=service.rebuild,
            checkpoint=service.checkpoint,
        )
        self._consumer = self.bus.consumer()
        self.deliveries = (
            DeliveryDesk(
                service.transactions,
                service.reader,
                self._consumer,
                stored=service.signal.set,
                stopping=self.stopping,
                policy=service.policy,
                checkpoint=service.checkpoint,
            )
            if self._consumer is not None
            else None
        )
        self.started_at = datetime.now(UTC)
        self._due: dict[str, float] = {}
        self._timers = (*service.timers, *self._housekeeping())
        self.threads: list[threading.Thread] = []

    def loops(self) -> list[Loop]:
        """What has to be repeated, each on a thread of its own."""
        name = self.service.name
        loops = [
            Loop(name=f"{name}-relay", step=self.relay.step, idle_seconds=self._poll),
            Loop(name=f"{name}-desk", step=self.desk.step, idle_seconds=self._poll),
            *self.side_loops(),
        ]
        if self.deliveries is not None:
            loops.append(Loop(name=f"{name}-deliveries", step=self.deliveries.step, idle_seconds=0))
        return loops

    def side_loops(self) -> list[Loop]:
        """Timers, tasks and leases: the loops that may wait for the network."""
        name = self.service.name
        loops = [Loop(name=f"{name}-timers", step=self._run_timers, idle_seconds=0.5)]
        if self.service.reader.task_types():
            count = self.service.settings.task_threads
            loops += [
                Loop(name=f"{name}-task-{n}", step=self.tasks.step, idle_seconds=0.5) for n in range(count)
            ]
            loops.append(
                Loop(
                    name=f"{name}-leases",
                    step=self._renew_leases,
                    idle_seconds=self.service.settings.lease_seconds / 3,
                )
            )
        return loops

    def start(self, loops: Sequence[Loop] | None = None) -> None:
        """Start the threads; returns at once."""
        for loop in self.loops() if loops is None else loops:
            thread = threading.Thread(target=self._repeat, args=(loop,), name=loop.name, daemon=True)
            self.threads.append(thread)
            thread.start()
        if self.service.engine.dialect.name == "postgresql":
            listener = Listener(self.service.engine, self.service.signal)
            thread = threading.Thread(
                target=listener.run, args=(self.stopping,), name="listener", daemon=True
            )
            thread.start()

    def stop(self, timeout: float = 20.0) -> None:
        """Finish the work in hand, then let go of bus and lock."""
        self.stopping.set()
        self.service.signal.set()
        deadline = time.monotonic() + timeout
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.relay.close()
        if self._consumer is not None:
            self._consumer.close()
        self.bus.close()

    def alive(self) -> bool:
        """Whether every loop still runs."""
        return bool(self.threads) and all(thread.is_alive() for thread in self.threads)

    def _repeat(self, loop: Loop) -> None:
        structlog.contextvars.bind_contextvars(service=self.service.name)
        repeat(loop, self.service, self.stopping)

    def _renew_leases(self) -> int:
        self.tasks.renew()
        return 0

    def _run_timers(self) -> int:
        if not self.relay.leading:
            return 0
        for timer in self._timers:
            if self.stopping.is_set() or time.monotonic() < self._due.get(timer.name, 0.0):
                continue
            self._due[timer.name] = time.monotonic() + timer.every_seconds
            self._run_timer(timer)
        return 0

    def _run_timer(self, timer: Timer) -> None:
        service = self.service
        context = TimerContext(
            service=service,
            transactions=service.transactions,
            clock=service.clock,
        )
        began = time.perf_counter()
        with correlated(None, timer=timer.name):
            try:
                timer.run(context)
                service.meter.timer(timer.name, "done", time.perf_counter() - began)
            except Exception as error:
                service.meter.timer(timer.name, "failed", time.perf_counter() - began)
                log.warning("timer_failed", error=describe_error(error), place=where(error))

    def _housekeeping(self) -> tuple[Timer, ...]:
        service = self.service

        def tidy(_context: TimerContext) -> None:
            purge_outbox(service.transactions, service.forgettable)
            forget_failed_people(service.transactions, service.reader)
            idempotency.forget(service.transactions)
            purge_group_actions(service.transactions)

        def sample(_context: TimerContext) -> None:
            queues = own_queues(self.bus.depths(), service.name)
            take_sample(service.engine, worker_started_at=self.started_at, queues=queues)

        return (
            Timer(name="housekeeping", every_seconds=3600, run=tidy),
            Timer(name="sample_depths", every_seconds=EVERY_SECONDS, run=sample),
        )


def settle() -> None:
    """Once all is built: what is there now stays, so the collector need not look at it again and again.

    A batch makes thousands of objects that end with it. With Python's own thresholds the collector ran several
    times in each and cost about a tenth of the work.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def repeat(loop: Loop, service: Service, stopping: threading.Event) -> None:
    """Run one loop until `stopping`; errors are logged and waited out, never fatal."""
    patience = 0.1
    while not stopping.is_set():
        seen = service.signal.seen
        try:
            worked = loop.step()
            patience = 0.1
        except (DatabaseAway, Unavailable) as error:
            log.warning("waiting", loop=loop.name, error=describe_error(error), seconds=patience)
            service.engine.dispose()
            stopping.wait(patience)
            patience = min(patience * 2, 2.0)
            continue
        except Exception as error:
            log.error("loop_failed", loop=loop.name, error=describe_error(error), place=where(error))
            stopping.wait(patience)
            patience = min(patience * 2, 5.0)
            continue
        if not worked and loop.idle_seconds:
            service.signal.wait(seen, loop.idle_seconds)
