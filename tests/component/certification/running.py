"""One certification service with its whole worker, stepped by hand, against a registry over HTTP."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from services.certification.app import build
from services.certification.domain.join import Join
from services.certification.gateways.base import MembershipRegistry
from services.certification.settings import Settings
from shared.config import load_settings
from shared.contracts.manifest import MANIFEST
from shared.db.migrate import upgrade
from shared.messaging.bus import Bus, Manifest
from shared.messaging.embedded_bus import EmbeddedBus
from shared.messaging.event import Event
from shared.messaging.subscriptions import RetryPolicy, TimerContext
from shared.service import Overrides, Service
from shared.worker import Worker
from tests.component.certification.events import Story

ONLY_US = Manifest(subscriptions={"certification": MANIFEST.subscriptions["certification"]})
RETRY_AT_ONCE = RetryPolicy(steps=(0.01,))


class Running:
    """One certification service whose own outbox plays the other services."""

    def __init__(
        self, folder: Path, registry_url: str, *, registry: MembershipRegistry | None = None, **settings: str
    ) -> None:
        self.url = url = f"sqlite:///{folder / 'certification.sqlite'}"
        environ = {
            "ROSTRUM_MODE": "sandbox",
            "DATABASE_URL": url,
            "SCRUM_ALLIANCE_URL": registry_url,
            **settings,
        }

        def bus(service: Service) -> Bus:
            return EmbeddedBus({"certification": url}, ONLY_US)

        self.service = build(
            load_settings(Settings, environ),
            overrides=Overrides(bus=bus, policy=RETRY_AT_ONCE),
            registry=registry,
        )
        upgrade(self.service.engine, self.service.migrations, self.service.metadata)
        self.worker = Worker(self.service)
        self.registry, self.clock = registry, self.service.clock

    def tell(self, *events: Event) -> None:
        """Say events as if their owners had."""
        with self.service.transactions.begin() as tx:
            for event in events:
                tx.publish(event)

    def until(self, arrived: Callable[[Join | None], bool], story: Story) -> Join:
        """Work, one step of each loop at a time, until the join is as wanted."""
        for _ in range(200):
            with self.service.transactions.read() as session:
                join = session.get(Join, story.enrollment_id)
            if arrived(join):
                assert join is not None
                return join
            if not self.step():
                time.sleep(0.02)
        raise AssertionError("it never came that far")

    def step(self) -> int:
        """One step of each loop; 0 when none had anything to do."""
        return sum(step() for step in (self.worker.relay.step, self.worker.desk.step, self.worker.tasks.step))

    def run_timer(self) -> None:
        """One run of the check of activations."""
        (timer,) = self.service.timers
        service = self.service
        timer.run(TimerContext(service=service, transactions=service.transactions, clock=service.clock))

    def rows(self, *columns: Any) -> list[Any]:
        """Rows of the kernel's tables."""
        with self.service.transactions.read() as session:
            return list(session.execute(select(*columns)))

    def close(self) -> None:
        """Let go of everything."""
        self.worker.stop()
        self.service.engine.dispose()
