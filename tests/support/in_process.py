"""The whole of Rostrum in this process, driven by hand: three services, and the sandboxes over real HTTP.

Nothing happens by itself: relays, desks and tasks run when a test says `carry`, timers when it says `tick`, the
Stripe sandbox sends its webhooks when it says `deliver`. All clocks are the same frozen one. As long as `prompt`
is set, news is carried before each request, as if the bus were always faster than a browser.
"""

import json
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import requests
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.event import listen

from deploy.embedded.browser import Browser
from deploy.sandbox import stripe
from deploy.sandbox.serving import Serving
from deploy.sandbox.stripe.courier import deliver_next
from deploy.sandbox.stripe.sandbox import EXTENSION, Sandbox
from services.__main__ import build_all
from shared.clock import FrozenClock
from shared.contracts.paths import service_of
from shared.db import migrate
from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import inbox, outbox
from shared.db.moment import moment
from shared.messaging.event import Event
from shared.messaging.subscriptions import RetryPolicy, TimerContext
from shared.service import Overrides, Service
from shared.web.app import create_web
from shared.worker import Worker
from tests.support.sandboxes import PostOffice, ScrumAlliance, mailbox_sandbox, scrum_alliance_sandbox

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
SERVICES = ("enrollment", "payment", "certification")
PASSWORD = "rostrum-sandbox"
_MOST_ROUNDS = 300


class Visitor(Browser):
    """The browser, with the answer itself for what is no page."""

    answer: requests.Response

    @property
    def session(self) -> requests.Session:
        """Its cookies and connections, for calls that no page makes."""
        return self._session

    def _show(self, answer: requests.Response) -> "Browser":
        self.answer = answer
        return super()._show(answer)


class Stripe:
    """The Stripe sandbox on a port of its own, and its levers."""

    def __init__(self, clock: FrozenClock, webhook_url: str) -> None:
        self._serving = Serving("127.0.0.1", 0)
        self._session = requests.Session()
        self.url = self._serving.url
        self._app = stripe.create_app(
            stripe.StripeSandboxConfig(clock=clock, public_url=self.url, webhook_url=webhook_url)
        )
        self.sandbox: Sandbox = self._app.extensions[EXTENSION]
        self._serving.start(self._app)

    def pull(self, lever: str, **sent: Any) -> Any:
        """POST to the control interface."""
        answer = self.try_lever(lever, **sent)
        assert answer.ok, answer.text
        return answer.json()

    def try_lever(self, lever: str, **sent: Any) -> requests.Response:
        """POST to the control interface, which may refuse."""
        return self._session.post(f"{self.url}/_sandbox/{lever}", json=sent, timeout=10)

    def state(self) -> dict[str, Any]:
        """Everything the sandbox knows, newest first."""
        found: dict[str, Any] = requests.get(f"{self.url}/_sandbox/state", timeout=10).json()
        return found

    def counters(self) -> dict[str, Any]:
        """Its figures."""
        return self.sandbox.counters()

    def deliver(self) -> bool:
        """Send the next webhook that is due, or one hand of simultaneous ones; whether there was any."""
        at = self.sandbox.store.deliveries.next_at()
        if at is None or at > self.sandbox.now():
            return False
        deliver_next(self.sandbox)
        return True

    def close(self) -> None:
        """Stop answering: from now on Stripe is away."""
        self._session.close()
        self._serving.stop()
        stripe.stop(self._app)


class WholeSite:
    """Everything between a browser and the outside systems."""

    def __init__(self, stack: ExitStack, databases: Path) -> None:
        self.clock = FrozenClock(START)
        self.prompt = True
        self._signed_in: dict[str, Visitor] = {}
        self._carrying = threading.RLock()
        self._site = Serving("127.0.0.1", 0)
        self.url = self._site.url
        self.stripe = Stripe(self.clock, f"{self.url}/webhooks/stripe")
        stack.callback(self.stripe.close)
        self.post: PostOffice = stack.enter_context(mailbox_sandbox())
        self.registry: ScrumAlliance = stack.enter_context(
            scrum_alliance_sandbox(smtp_port=self.post.smtp_port, clock=self.clock)
        )
        self.services = build_services(
            databases,
            self.clock,
            {
                "PUBLIC_URL": self.url,
                "STRIPE_API_BASE": self.stripe.url,
                "STRIPE_CHECKOUT_ORIGIN": self.stripe.url,
                "SCRUM_ALLIANCE_URL": self.registry.url,
                "SMTP_URL": f"smtp://127.0.0.1:{self.post.smtp_port}",
                # Real time does not pass here; this registry takes a name at once or never.
                "LOST_ANSWER_WAIT_SECONDS": "0",
            },
        )
        for service in self.services.values():
            # Nothing is killed here, and waiting for the disk would be most of these tests' time.
            listen(service.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
            stack.callback(service.engine.dispose)
        self.workers = {name: Worker(service) for name, service in self.services.items()}
        for worker in self.workers.values():
            stack.callback(worker.stop, 0.0)
        self.apps = {name: create_web(service) for name, service in self.services.items()}
        self._site.start(cast(Flask, self._answer))
        stack.callback(self._site.stop)

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if self.prompt:
            self.carry()
        return self.apps[service_of(environ.get("PATH_INFO", "/"))](environ, start_response)

    # What workers do -------------------------------------------------------------------------------

    def carry(self, *names: str) -> None:
        """Publish, handle and perform until nothing is left to do; only these services, if any are named."""
        with self._carrying:
            for _ in range(_MOST_ROUNDS):
                workers = [self.workers[name] for name in names or SERVICES]
                if not sum(each.relay.step() + each.desk.step() + each.tasks.step() for each in workers):
                    return
        raise AssertionError("there is no end to the work")

    def tick(self, *names: str) -> None:
        """Run every timer once, and what follows from it; only these services', if any are named."""
        self.run_timers(*names)
        self.carry()

    def run_timers(self, *names: str) -> None:
        """The timers alone: what they say is not heard yet."""
        for name in names or SERVICES:
            service = self.services[name]
            for timer in service.timers:
                timer.run(
                    TimerContext(
                        service=service,
                        transactions=service.transactions,
                        clock=service.clock,
                    )
                )

    def retry_now(self) -> None:
        """What failed is tried again, as after its wait."""
        for service in self.services.values():
            with write_connection(service.engine) as connection:
                waiting = update(inbox).where(inbox.c.state == "failed")
                connection.execute(waiting.values(next_attempt_at=moment()))
        self.carry()

    def deliver(self) -> None:
        """Let the Stripe sandbox send the webhooks that are due, each handled before the next is sent."""
        for _ in range(_MOST_ROUNDS):
            if not self.stripe.deliver():
                return self.carry()
            self.carry()
        raise AssertionError("there is no end to the webhooks")

    def pass_time(self, **length: float) -> None:
        """Business time goes on everywhere."""
        self.clock.advance(timedelta(**length))

    # What is there ---------------------------------------------------------------------------------

    def said(self, kind: type[Event]) -> list[dict[str, Any]]:
        """The data of every event of one type, in order; what was published holds no personal data any more."""
        query = select(outbox.c.payload).where(outbox.c.type == kind.TYPE).order_by(outbox.c.seq)
        with read_connection(self.services[kind.PUBLISHER].engine) as connection:
            bodies = connection.scalars(query).all()
        return [json.loads(body)["data"] for body in bodies]

    def unfinished(self) -> list[tuple[str, str, str, str | None]]:
        """Messages that are not handled: service, type, state, error."""
        query = select(inbox.c.type, inbox.c.state, inbox.c.error).where(inbox.c.state != "handled")
        found = []
        for name, service in self.services.items():
            with read_connection(service.engine) as connection:
                found += [(name, row.type, row.state, row.error) for row in connection.execute(query)]
        return found

    def everything(self) -> dict[str, str]:
        """All that is stored, by service: equal before and after means that nothing was written."""
        dumps = {}
        for name, service in self.services.items():
            with service.engine.connect() as connection:
                raw: Any = connection.connection.driver_connection
                dumps[name] = "\n".join(raw.iterdump())
        return dumps

    def token(self, purpose: str, subject_id: UUID | str, version: int = 1) -> str:
        """A genuine link's token."""
        return self.services["enrollment"].links.issue(purpose, UUID(str(subject_id)), version)

    # Who visits ------------------------------------------------------------------------------------

    def visitor(self) -> Visitor:
        """A browser in which nobody has signed in, on our catalogue."""
        visitor = Visitor()
        visitor.open(f"{self.url}/workshops")
        return visitor

    def staff(self, role: str) -> Visitor:
        """A browser in which the seeded colleague of this role has signed in; each signs in once."""
        if role not in self._signed_in:
            visitor = Visitor()
            visitor.open(f"{self.url}/staff/login")
            visitor.submit({"email": f"{role}@example.com", "password": PASSWORD}, having="password")
            assert visitor.status == 200, visitor.text
            self._signed_in[role] = visitor
        return self._signed_in[role]

    def api(self, method: str, path: str, **sent: Any) -> requests.Response:
        """A call of the API by nobody in particular."""
        return requests.request(method, f"{self.url}{path}", timeout=30, **sent)


def build_services(databases: Path, clock: FrozenClock, environ: dict[str, str]) -> dict[str, Service]:
    """The three services as embedded mode builds them, with a clock that stands still."""
    files = {name: f"sqlite:///{databases / name}.db" for name in SERVICES}
    return build_all(
        {
            "ROSTRUM_MODE": "sandbox",
            "EMBEDDED_DATABASES": ",".join(f"{name}={url}" for name, url in files.items()),
            **{f"{name.upper()}__DATABASE_URL": url for name, url in files.items()},
            **environ,
        },
        # What fails stays failed until a test says `retry_now`.
        Overrides(clock=clock, policy=RetryPolicy(steps=(3600.0,) * 5)),
    )


def make_databases(folder: Path) -> None:
    """Migrated and seeded files, to be copied for each site."""
    for service in build_services(folder, FrozenClock(START), {}).values():
        migrate.upgrade(service.engine, service.migrations, service.metadata)
        if service.seed is not None:
            service.seed(service)
        service.engine.dispose()


@contextmanager
def whole_site(template: Path, folder: Path) -> Iterator[WholeSite]:
    """A site on copies of the template's files, until the block ends."""
    for name in SERVICES:
        shutil.copy(template / f"{name}.db", folder / f"{name}.db")
    with ExitStack() as stack:
        yield WholeSite(stack, folder)
