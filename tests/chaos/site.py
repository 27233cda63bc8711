"""The site under fire: each service's web and worker as processes of their own, real servers, sandboxes."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import requests
from sqlalchemy import Engine, text

from deploy.embedded.plan import HOST, Plan, Ports
from deploy.embedded.supervisor import Program, Supervisor
from services.__main__ import ROOTS, prepare
from shared.clock import OffsetClock
from shared.contracts.paths import service_of
from shared.db.engine import make_engine
from tests.chaos import probe
from tests.support.armed import Armory
from tests.support.postgres import Postgres
from tests.support.process import Port
from tests.support.rabbitmq import RabbitMQ
from tests.support.site import real_servers

SERVICES = tuple(ROOTS)
SETTINGS = {
    # Long holds and payment pages: business time jumps over a workshop while the next one is being booked.
    "HOLD_MINUTES": str(7 * 24 * 60),
    "SESSION_MINUTES": "1439",
    # A retry is not what is waited for here; a lease must outlast the pauses of a busy machine.
    "LEASE_SECONDS": "4",
    "RETRY_SECONDS": "0.5,1,2,2,3",
    "ACTIVATION_POLL_SECONDS": "0.5",
    "TASK_THREADS": "2",
}
_OPEN_SECONDS = 90.0

_DROP = """
CREATE SEQUENCE chaos_seen;
CREATE FUNCTION chaos_drop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF nextval('chaos_seen') % 5 = 0 THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TRIGGER chaos_drop BEFORE INSERT ON outbox FOR EACH ROW
  WHEN (NEW.type = '{type}') EXECUTE FUNCTION chaos_drop();
"""


class ChaosSite:
    """Three webs, three workers and the sandboxes, on a broker and a server that may be killed."""

    def __init__(self, broker: RabbitMQ, server: Postgres, *, without: Sequence[str] = ()) -> None:
        self.broker = broker
        self.server = server
        self._without = without
        self.folder = Path(tempfile.mkdtemp(prefix="rostrum-chaos-"))
        self._closing = ExitStack()
        self._ports = [Port() for _ in range(10)]
        numbers = [port.number for port in self._ports]
        self.web_ports = dict(zip(SERVICES, numbers, strict=False))
        self.worker_ports = dict(zip(SERVICES, numbers[3:], strict=False))
        self._outside = numbers[6:]
        self.armory = Armory(self.folder / "armed")
        self.plan: Plan
        self.engines: dict[str, Engine] = {}
        self.supervisor: Supervisor
        self.clock: OffsetClock

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for engine in self.engines.values():
            engine.dispose()
        self._closing.close()
        for port in self._ports:
            port.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _open(self) -> None:
        stack = self._closing.enter_context(real_servers(self.broker, self.server))
        stripe, registry, mailbox, smtp = self._outside
        self.plan = Plan(
            services=SERVICES,
            folder=self.folder,
            # Stripe's webhooks go to the site: that is payment. People choose the service by the path.
            ports=Ports(
                site=self.web_ports["payment"],
                stripe=stripe,
                scrum_alliance=registry,
                mailbox=mailbox,
                smtp=smtp,
                workers=tuple(self.worker_ports.values()),
            ),
            amqp_url=stack.amqp_url,
            database_url=stack.database_url,
            extra=SETTINGS,
        )
        self.clock = OffsetClock(self.plan.clock_file)
        prepare(self.plan)
        self.engines = {name: make_engine(self.plan.database(name), pool_size=2) for name in SERVICES}
        for engine in self.engines.values():
            probe.prepare(engine)
        self.armory.do_without(*self._without)
        sandboxes = next(program for program in self.plan.programs() if program.name == "sandboxes")
        ours = self.armory.nursery(self._programs(), "tests.chaos.programs")
        self.supervisor = Supervisor([sandboxes, ours], self.folder / "logs")
        self._closing.callback(self.supervisor.stop)
        self.supervisor.start()
        self._wait_until_open()
        self.broker.let_new_queues_settle()

    def _programs(self) -> list[Program]:
        found = []
        for name in SERVICES:
            environment = {
                **self.plan.environment(name),
                "PORT": str(self.web_ports[name]),
                "WORKER_PORT": str(self.worker_ports[name]),
                "WEB_THREADS": "4",
            }
            found += [
                Program(
                    name=f"{name}-{kind}",
                    arguments=["python", "-m", f"services.{name}", kind],
                    environment=environment,
                )
                for kind in ("web", "worker")
            ]
        return found

    def _wait_until_open(self) -> None:
        ports = [*self.web_ports.values(), *self.worker_ports.values()]
        urls = [f"http://{HOST}:{port}/readyz" for port in ports]
        urls += [self.plan.stripe_url, self.plan.scrum_alliance_url]
        deadline = time.monotonic() + _OPEN_SECONDS
        for url in urls:
            while not _answers(url):
                assert time.monotonic() < deadline, f"{url} does not answer\n{self.log_tail()}"
                time.sleep(0.1)

    def lose_every_fifth(self, event_type: str) -> None:
        """From now on every fifth event of a type vanishes on its way into the outbox."""
        for engine in self.engines.values():
            with engine.begin() as connection:
                connection.execute(text(_DROP.format(type=event_type)))

    def address(self, url: str) -> str:
        """Where an address of the site is answered: each service has a port of its own, the path says which."""
        parts = urlsplit(url)
        if parts.port in self._outside:
            return url
        port = self.web_ports[service_of(parts.path)]
        return urlunsplit(parts._replace(scheme="http", netloc=f"{HOST}:{port}"))

    def be_after(self, moment: datetime) -> None:
        """Move business time past a moment, for every process."""
        missing = moment + timedelta(minutes=1) - self.clock.now()
        if missing > timedelta():
            self.clock.advance(missing)

    def kill(self, program: str, part: str) -> bool:
        """SIGKILL a program, or the master or the children of a web alone; False when nobody was there."""
        try:
            pid = self.armory.pid_of(program)
            children = children_of(pid) if part != "process" else []
            victims = {"process": [pid], "master": [pid], "child": children, "both": [pid, *children]}[part]
            for victim in victims:
                os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return bool(victims)

    def log_tail(self, lines: int = 15) -> str:
        """The last that the processes said."""
        path = self.folder / "logs" / "armed.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def log(self) -> str:
        """All that the processes under fire said."""
        return (self.folder / "logs" / "armed.log").read_text(errors="replace")


def children_of(pid: int) -> list[int]:
    """The processes whose parent this is."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(after_name[1]) == pid:
            found.append(int(status.parent.name))
    return found


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def until(holds: Callable[[], bool], seconds: float, pause: float = 0.2) -> bool:
    """Wait for something; whether it came within these seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
