"""A whole site for a test: web, workers and sandboxes as processes, on either stack."""

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self
from uuid import UUID

import requests

from deploy.embedded.browser import Browser
from deploy.embedded.events import EventWatcher
from deploy.embedded.plan import Plan, Ports
from deploy.embedded.story import TRAINER, Story, Student
from deploy.embedded.supervisor import Program, Supervisor
from services.__main__ import ROOTS, prepare
from services.enrollment import handlers, repository
from services.enrollment.app import build
from services.enrollment.commands import BlockPlan, CreateWorkshop, PublishWorkshop
from services.enrollment.domain import Delivery
from services.enrollment.settings import Settings
from shared.config import load_settings
from tests.support.postgres import Postgres
from tests.support.process import Port
from tests.support.rabbitmq import RabbitMQ

EMBEDDED, RABBITMQ = "embedded", "rabbitmq"
STACKS = (EMBEDDED, RABBITMQ)

RELOAD_SECONDS = 20.0

Programs = Callable[[Plan], Sequence[Program]]


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Where a site's messages and data live; None means files of its own."""

    name: str = EMBEDDED
    amqp_url: str | None = None
    amqp_management_url: str | None = None
    database_url: str | None = None


@contextmanager
def real_servers(rabbitmq: RabbitMQ, postgres: Postgres) -> Iterator[Stack]:
    """A virtual host and three databases of RabbitMQ and PostgreSQL, gone afterwards."""
    prefix = f"rostrum_test_{uuid.uuid4().hex[:12]}"
    with ExitStack() as stack:
        vhost = rabbitmq.create_vhost()
        stack.callback(rabbitmq.delete_vhost, vhost)
        for service in ROOTS:
            stack.callback(postgres.drop_database, postgres.create_database(f"{prefix}_{service}"))
        yield Stack(
            name=RABBITMQ,
            amqp_url=rabbitmq.url_of(vhost),
            amqp_management_url=rabbitmq.management_url,
            database_url=postgres.url(f"{prefix}_SERVICE").replace("SERVICE", "{service}"),
        )


class OpenSite:
    """A site that is up, whoever runs it: what people and checkers do with it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        # One for all stories: nobody signs in many times a minute.
        self.trainer = Browser(reload_seconds=RELOAD_SECONDS)

    def story(
        self,
        *,
        workshop_id: UUID | None = None,
        before: Callable[[str], None] = lambda step: None,
        patience: float = 60.0,
    ) -> Story:
        """A story of a student of its own; without a workshop, in the first one of the example data."""
        return Story(
            self.plan,
            before=before,
            patience=patience,
            student=Student(email=f"grace-{uuid.uuid4().hex[:10]}@example.com"),
            workshop_id=str(workshop_id) if workshop_id else None,
            trainer=self.trainer,
            reload_seconds=RELOAD_SECONDS,
        )

    def open_workshop(
        self, title: str = "Certified Scrum Product Owner, for a test", *, capacity: int = 4
    ) -> UUID:
        """A new CSPO workshop, published, that begins in an hour and ends the day after."""
        service = build(load_settings(Settings, self.plan.environment("enrollment")))
        try:
            with service.transactions.begin() as tx:
                trainer = repository.staff_by_email(tx.session, TRAINER[0])
                assert trainer is not None
                first = tx.now().replace(microsecond=0) + timedelta(hours=1)
                days = (first, first + timedelta(days=1))
                plan = CreateWorkshop(
                    course_code="CSPO",
                    title=title,
                    delivery=Delivery.ONLINE,
                    join_link="https://meet.example.com/test",
                    time_zone="Europe/Berlin",
                    blocks=tuple(
                        BlockPlan(starts_at=day, ends_at=day + timedelta(hours=8), break_minutes=60)
                        for day in days
                    ),
                    capacity=capacity,
                    price_minor=99_000,
                    currency="EUR",
                    trainer_id=trainer.staff_id,
                )
                workshop_id = handlers.create_workshop(plan, tx).workshop_id
                handlers.publish_workshop(PublishWorkshop(workshop_id=workshop_id), tx)
        finally:
            service.engine.dispose()
        return workshop_id

    def complete(self, workshop_id: UUID) -> None:
        """The workshop takes place; its trainer finds everybody good and completes it."""
        page = f"{self.plan.site_url}/enrollment/api/workshops/{workshop_id}"
        workshop = requests.get(page, timeout=30).json()
        self.story(workshop_id=workshop_id).finish(workshop)

    def unhandled(self) -> dict[str, int]:
        """Messages in each inbox that are neither handled nor discarded."""
        watcher = EventWatcher({name: self.plan.database(name) for name in ROOTS})
        try:
            return watcher.unhandled()
        finally:
            watcher.close()

    def unpublished(self) -> dict[str, int]:
        """Messages in each outbox that the bus has not got."""
        watcher = EventWatcher({name: self.plan.database(name) for name in ROOTS})
        try:
            return watcher.unpublished()
        finally:
            watcher.close()

    def stripe_counters(self) -> dict[str, object]:
        """What the Stripe sandbox counted."""
        return _counters(self.plan.stripe_url)

    def registry_counters(self) -> dict[str, object]:
        """What the Scrum Alliance sandbox counted."""
        return _counters(self.plan.scrum_alliance_url)

    def misbehave(self, behaviour: str, **details: str | int) -> None:
        """Have the Scrum Alliance sandbox misbehave until it is reset."""
        answer = requests.post(
            f"{self.plan.scrum_alliance_url}/_sandbox/behaviour",
            json={**details, "behaviour": behaviour},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text

    def webhooks(self, mode: str, **details: int) -> None:
        """How Stripe's sandbox delivers events from now on."""
        answer = requests.post(
            f"{self.plan.stripe_url}/_sandbox/webhooks", json={**details, "mode": mode}, timeout=10
        )
        assert answer.ok, answer.text


class Site(OpenSite):
    """A running site in a folder of its own. `programs` may put others in place of the plan's."""

    def __init__(
        self,
        stack: Stack,
        *,
        programs: Programs = Plan.programs,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rostrum-site-"))
        self._ports = [Port() for _ in range(Ports.COUNT)]
        plan = Plan(
            services=tuple(ROOTS),
            folder=self.folder,
            ports=Ports.of([port.number for port in self._ports]),
            amqp_url=stack.amqp_url,
            amqp_management_url=stack.amqp_management_url,
            database_url=stack.database_url,
            extra=settings,
        )
        super().__init__(plan)
        self.supervisor = Supervisor(programs(plan), self.folder / "logs")

    def __enter__(self) -> Self:
        try:
            prepare(self.plan)
            self.supervisor.start()
            self.story().wait_until_open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.supervisor.stop()
        for port in self._ports:
            port.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self, program: str) -> str:
        """What a program wrote."""
        path = self.folder / "logs" / f"{program}.log"
        return path.read_text(errors="replace") if path.exists() else ""


def _counters(url: str) -> dict[str, object]:
    answer = requests.get(f"{url}/_sandbox/counters", timeout=10)
    answer.raise_for_status()
    found: dict[str, object] = answer.json()
    return found
