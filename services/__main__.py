"""Embedded mode: all three services, the bus and the sandboxes; the only module that knows two services.

`up` keeps the site running, `demo` runs the main job over HTTP; `worker` and `create_site` are what `up` starts.
"""

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import IO, Any

import click
import structlog

from deploy.embedded.plan import DEFAULT_PORT, Plan, Ports, refuse_production
from deploy.embedded.story import Story, StoryFailed
from deploy.embedded.supervisor import Supervisor
from services.certification import app as certification
from services.certification.settings import Settings as CertificationSettings
from services.enrollment import app as enrollment
from services.enrollment.settings import Settings as EnrollmentSettings
from services.payment import app as payment
from services.payment.settings import Settings as PaymentSettings
from shared.cli import read_settings_from, run_until_told
from shared.config import SettingsError, load_settings
from shared.contracts import REGISTRY
from shared.contracts.manifest import MANIFEST
from shared.contracts.paths import service_of
from shared.db import migrate
from shared.db.wakeup import Signal
from shared.messaging.rabbitmq_bus import apply_topology, grant_all, return_unrouted
from shared.observability import trace
from shared.observability.logs import configure_logs
from shared.passwords import unfit_passwords, with_sandbox_password
from shared.service import Overrides, Service
from shared.web.app import create_web
from shared.worker import Loop, Worker

ROOTS: Mapping[str, tuple[type[Any], Callable[..., Service]]] = {
    "enrollment": (EnrollmentSettings, enrollment.build),
    "payment": (PaymentSettings, payment.build),
    "certification": (CertificationSettings, certification.build),
}


def environment_of(name: str, environ: Mapping[str, str]) -> dict[str, str]:
    """One service's part of an environment shared by three: `PAYMENT__X` stands for payment's `X`."""
    prefix = f"{name.upper()}__"
    own = {key.removeprefix(prefix): value for key, value in environ.items() if key.startswith(prefix)}
    return {**environ, **own}


def build_all(environ: Mapping[str, str], overrides: Overrides | None = None) -> dict[str, Service]:
    """The three services in this process."""
    chosen = overrides or Overrides(signal=Signal())
    settings = read_all_settings(environ)
    return {name: build(settings[name], overrides=chosen) for name, (_, build) in ROOTS.items()}


def read_all_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """Each service's settings; prints everything that is wrong with any of them and exits with 2."""
    found, problems = _read_all(environ)
    _exit_with(problems)
    return found


def _read_all(environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The settings of each service that has them right, and what is wrong with the others', by variable."""
    found: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    for name, (settings, _) in ROOTS.items():
        try:
            found[name] = load_settings(settings, environment_of(name, environ))
        except SettingsError as error:
            for variable, texts in error.problems.items():
                own = f"{name.upper()}__{variable}"
                problems[own if own in environ else variable] = texts
    return found, problems


def _exit_with(problems: Mapping[str, list[str]]) -> None:
    if problems:
        click.echo(str(SettingsError(problems)), err=True)
        sys.exit(2)


def build_one(name: str, environ: Mapping[str, str], overrides: Overrides) -> Service:
    """One of the three."""
    settings, build = ROOTS[name]
    return build(read_settings_from(settings, environment_of(name, environ)), overrides=overrides)


def create_site(services: Mapping[str, Service] | None = None) -> Callable[..., Iterable[bytes]]:
    """The WSGI entry of the embedded site: dispatches by path to the three apps."""
    services = services or build_all(os.environ)
    configure_logs(os.environ.get("LOG_FORMAT", "json"), "")
    together = list(services.values())
    apps = {name: create_web(service, together=together) for name, service in services.items()}

    def site(environ: Any, start_response: Any) -> Iterable[bytes]:
        return apps[service_of(environ.get("PATH_INFO", "/"))](environ, start_response)

    return site


@click.group(help=__doc__)
def main() -> None:
    """Entry of `python -m services`."""


@main.command("settings")
def check_settings() -> None:
    """Check everything that a site in containers is told, before any of it starts; exit 2 naming all that is wrong."""
    _, problems = _read_all(os.environ)
    _exit_with(problems | unfit_passwords(os.environ))
    click.echo("the settings are right")


@main.command()
def worker() -> None:
    """All three services' background work in one process, the bus embedded."""
    configure_logs(os.environ.get("LOG_FORMAT", "json"), "")
    work(build_all(os.environ).values())


def work(services: Iterable[Service]) -> None:
    """Run the workers of these services in this process until told to stop."""
    workers = [Worker(service) for service in services]
    start_embedded(workers)
    run_until_told(workers)


def start_embedded(workers: list[Worker]) -> None:
    """One loop for all relays and desks (threads only queue for the interpreter), threads for the rest."""
    steps = [(each.service.name, step) for each in workers for step in (each.relay.step, each.desk.step)]

    def step() -> int:
        done, problem = 0, None
        for name, one in steps:
            try:
                # All share this thread: each log line names the service whose work it tells of.
                with structlog.contextvars.bound_contextvars(service=name):
                    done += one()
            except Exception as error:
                # One service's trouble must not keep the others from their turn.
                problem = problem or error
        if problem is not None:
            raise problem
        return done

    for each in workers:
        each.start(each.side_loops())
    workers[0].start([Loop(name="embedded", step=step, idle_seconds=0.05)])


@main.group()
def topology() -> None:
    """The broker's exchanges and queues."""


@topology.command()
@click.argument("amqp_url", envvar="AMQP_URL")
def apply(amqp_url: str) -> None:
    """Declare the whole manifest on the broker at AMQP_URL."""
    apply_topology(amqp_url, MANIFEST)
    click.echo("exchanges, queues and bindings are declared")


@topology.command("return-unrouted")
@click.argument("amqp_url", envvar="AMQP_URL")
def give_back(amqp_url: str) -> None:
    """Declare the manifest, then publish again what lies in rostrum.unrouted now.

    Whoever reads it by now gets it. What nobody wants is there afterwards as well.
    """
    click.echo(return_unrouted(amqp_url, MANIFEST))


@topology.command()
@click.argument("management_url", envvar="AMQP_MANAGEMENT_URL")
def users(management_url: str) -> None:
    """Make the broker's users with the rights each needs, as an administrator.

    Names and passwords are those of the addresses they will connect to: TOPOLOGY__AMQP_URL is who declares,
    ENROLLMENT__AMQP_URL and so on are the services.
    """
    names = ("topology", *ROOTS)
    urls = {name: os.environ.get(f"{name.upper()}__AMQP_URL", "") for name in names}
    missing = [f"{name.upper()}__AMQP_URL" for name, url in urls.items() if not url]
    if missing:
        raise click.UsageError(f"{', '.join(missing)} must be set")
    given = {
        "AMQP_MANAGEMENT_URL": management_url,
        **{f"{name.upper()}__AMQP_URL": urls[name] for name in names},
    }
    if demo := with_sandbox_password(given, os.environ):
        raise click.UsageError(f"{', '.join(demo)}: a sandbox secret, refused in production")
    published = {name: [event.TYPE for event in REGISTRY if name == event.PUBLISHER] for name in ROOTS}
    declarer = urls.pop("topology")
    made = grant_all(management_url, declarer, urls, MANIFEST, published)
    click.echo(f"the broker's users are ready: {', '.join(made)}")


@main.command("trace")
@click.argument("wanted", metavar="ID")
@click.argument("logs", nargs=-1, type=click.File())
def follow(wanted: str, logs: tuple[IO[str], ...]) -> None:
    """What ID (a correlation id, or any id in a message) went through, told from LOGS or standard input."""
    lines = trace.read_lines(chain.from_iterable(logs or (sys.stdin,)))
    for line in trace.trace(lines, wanted).lines:
        click.echo(trace.told(line))


def prepare(plan: Plan) -> None:
    """Bring the databases up to date and fill them with example data."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    for name, (settings, build) in ROOTS.items():
        service = build(read_settings_from(settings, plan.environment(name)))
        migrate.upgrade(service.engine, service.migrations, service.metadata)
        if service.seed is not None:
            service.seed(service)
        service.engine.dispose()


def make_plan(folder: Path, ports: Ports) -> Plan:
    """An embedded site in `folder`; AMQP_URL and DATABASE_URL (with `{service}`) move it to real servers."""
    return Plan.told(os.environ, services=tuple(ROOTS), folder=folder.resolve(), ports=ports)


@main.command()
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    help="of the site; the sandboxes take the next four, workers up to three behind them",
)
@click.option("--folder", default="var", show_default=True, type=click.Path(path_type=Path))
def up(port: int, folder: Path) -> None:
    """Keep the site open, a sandbox with example data, until Ctrl-C."""
    refuse_production(os.environ)
    plan = make_plan(folder, Ports.beside(port))
    prepare(plan)
    supervisor = Supervisor(plan.programs(), plan.folder / "logs")
    supervisor.start()
    Story(plan, say=lambda line: None).wait_until_open()
    click.echo(
        f"Rostrum is open at {plan.site_url}\n"
        f"  Stripe sandbox          {plan.stripe_url}\n"
        f"  Scrum Alliance sandbox  {plan.scrum_alliance_url}\n"
        f"  Mailbox                 {plan.mailbox_url}\n"
        f"  Metrics                 {plan.site_url}/metrics, the worker's on port {plan.ports.workers[0]}\n"
        "Staff: trainer@example.com, finance@example.com, ops@example.com, admin@example.com, "
        "password rostrum-sandbox\nCtrl-C ends it; the data stays in " + str(folder)
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("stopping …")
    finally:
        supervisor.stop()


@main.command()
@click.option("--keep", is_flag=True, help="leave the folder with databases and logs")
def demo(keep: bool) -> None:
    """Run the main job over HTTP: from the checkout page to the membership; exit 0 when it worked."""
    refuse_production(os.environ)
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="rostrum-demo-"))
    plan = make_plan(folder, Ports.free())
    supervisor = Supervisor(plan.programs(), folder / "logs")
    failed = True
    try:
        prepare(plan)
        supervisor.start()
        story = Story(plan, say=click.echo, began=began)
        story.run()
        failed = False
    except StoryFailed as error:
        click.echo(f"\nIt did not happen: {error}\nLogs and databases: {folder}", err=True)
    finally:
        supervisor.stop()
        if not failed and not keep:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
