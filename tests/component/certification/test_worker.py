"""Certification's whole worker, step by step: relay, inbox, task and timer, and the registry's sandbox over HTTP.

The sandbox does not deduplicate, and loses an answer after accepting: one accepted submission all the same.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from deploy.sandbox.scrum_alliance.app import create_app, stop
from deploy.sandbox.scrum_alliance.config import ScrumAllianceConfig
from deploy.sandbox.scrum_alliance.sandbox import Sandbox, sandbox_of
from deploy.sandbox.serving import Serving
from services.certification.app import build
from services.certification.domain.join import Join
from services.certification.domain.submission import Submission
from services.certification.settings import Settings
from shared.config import load_settings
from shared.contracts.manifest import MANIFEST
from shared.db.kernel_tables import inbox, outbox
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


@pytest.fixture
def sandbox() -> Iterator[tuple[Sandbox, str]]:
    """The registry's sandbox and its address."""
    app = create_app(ScrumAllianceConfig())
    serving = Serving("127.0.0.1", 0).start(app)
    yield sandbox_of(app), serving.url
    serving.stop()
    stop(app)


class Running:
    """One certification service whose own outbox plays the other services."""

    def __init__(self, folder: Path, registry_url: str) -> None:
        url = f"sqlite:///{folder / 'certification.sqlite'}"
        environ = {"ROSTRUM_MODE": "sandbox", "DATABASE_URL": url, "SCRUM_ALLIANCE_URL": registry_url}

        def bus(service: Service) -> Bus:
            return EmbeddedBus({"certification": url}, ONLY_US)

        self.service = build(
            load_settings(Settings, environ), overrides=Overrides(bus=bus, policy=RETRY_AT_ONCE)
        )
        upgrade(self.service.engine, self.service.migrations, self.service.metadata)
        self.worker = Worker(self.service)

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
            steps = (self.worker.relay.step, self.worker.desk.step, self.worker.tasks.step)
            if not sum(step() for step in steps):
                time.sleep(0.02)
        raise AssertionError("it never came that far")

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


@pytest.fixture
def running(tmp_path: Path, sandbox: tuple[Sandbox, str]) -> Iterator[Running]:
    """The service, not started: the test makes each step."""
    running = Running(tmp_path, sandbox[1])
    yield running
    running.close()


def test_one_submission_though_the_answer_was_lost_and_nobody_deduplicates(
    running: Running, sandbox: tuple[Sandbox, str]
) -> None:
    there, _ = sandbox
    there.behaviours.apply({"behaviour": "no_deduplication"})
    there.behaviours.apply({"behaviour": "timeout_after_accepting", "times": 1})
    story = Story()
    running.tell(*story.all_good())
    join = running.until(lambda join: join is not None and join.state == "submitted", story)
    assert len(there.roster.find(str(join.activation_id))) == 1
    (asked,) = [
        row
        for row in running.rows(inbox.c.type, inbox.c.attempts, inbox.c.state)
        if row.type == "membership.activation_requested.v1"
    ]
    assert (asked.attempts, asked.state) == (2, "handled")


def test_from_the_facts_to_the_certificate(running: Running, sandbox: tuple[Sandbox, str]) -> None:
    there, _ = sandbox
    story = Story()
    running.tell(*story.all_good())
    join = running.until(lambda join: join is not None and join.state == "submitted", story)
    (member,) = there.roster.find(str(join.activation_id))
    there.roster.activate(member, running.service.clock.now())
    running.run_timer()
    join = running.until(lambda join: join is not None and join.state == "activated", story)
    assert join.certificate_id is not None
    types = [row.type for row in running.rows(outbox.c.type)]
    assert types.count("membership.activation_requested.v1") == 1
    assert types[-2:] == ["membership.activated.v1", "certificate.issued.v1"]


def test_a_refused_name_is_handled_and_not_dead(running: Running, sandbox: tuple[Sandbox, str]) -> None:
    there, _ = sandbox
    there.behaviours.apply({"behaviour": "unknown_email"})
    story = Story()
    running.tell(*story.all_good())
    join = running.until(lambda join: join is not None and join.state == "refused", story)
    assert join.refusal == "unknown_email"
    assert {row.state for row in running.rows(inbox.c.state)} <= {"handled", "received"}


def test_while_the_registry_is_away_the_request_is_kept_and_sent_once_afterwards(
    running: Running, sandbox: tuple[Sandbox, str]
) -> None:
    there, _ = sandbox
    there.behaviours.apply({"behaviour": "server_error", "times": 3, "on": "any"})
    story = Story()
    running.tell(*story.all_good())
    join = running.until(lambda join: join is not None and join.state == "submitted", story)
    assert len(there.roster.find(str(join.activation_id))) == 1
    with running.service.transactions.read() as session:
        assert len(list(session.scalars(select(Submission)))) == 1


def test_nothing_personal_stays_in_handled_messages(running: Running) -> None:
    story = Story()
    running.tell(*story.all_good())
    running.until(lambda join: join is not None and join.state == "submitted", story)
    kept = [row.payload for row in running.rows(inbox.c.payload, inbox.c.state) if row.state == "handled"]
    assert kept
    assert not [payload for payload in kept if "Lovelace" in payload or "home.example" in payload]
