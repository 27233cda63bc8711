"""The command group every service gets: `python -m services.<name> web|worker|migrate|seed|…`."""

import importlib
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from shared.cli.dead_letters import dead_letters
from shared.config import METRICS_FOLDER, KernelSettings, SettingsError, load_settings
from shared.db import migrate as migrations
from shared.db.engine import read_connection
from shared.messaging import operations
from shared.messaging.timeline import timeline as read_timeline
from shared.observability.logs import configure_logs
from shared.service import Service
from shared.worker import Worker, settle
from shared.worker_health import answering

S = TypeVar("S", bound=KernelSettings)


def read_settings_from(cls: type[S], environ: Mapping[str, str]) -> S:
    """Settings from an environment; prints everything that is wrong and exits with 2."""
    try:
        return load_settings(cls, environ)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


def main(name: str, settings: type[S], build: Callable[[S], Service]) -> None:
    """Run the command line of one service."""
    group(name, settings, build)(prog_name=f"python -m services.{name}")


def group(name: str, settings_class: type[S], build: Callable[[S], Service]) -> click.Group:
    """The command group of one service."""

    @click.group(help=f"The {name} service.")
    @click.pass_context
    def commands(context: click.Context) -> None:
        settings = read_settings_from(settings_class, os.environ)
        configure_logs(settings.log_format, name)
        context.obj = build(settings)

    for command in (web, worker, migrate, revise, seed, outbox, inbox, timeline, dead_letters):
        commands.add_command(command)
    for command in getattr(_own_commands(name), "COMMANDS", ()):
        commands.add_command(command)
    return commands


def _own_commands(name: str) -> Any:
    try:
        return importlib.import_module(f"services.{name}.cli")
    except ModuleNotFoundError as error:
        if error.name != f"services.{name}.cli":
            raise
        return None


@click.command()
@click.pass_obj
def web(service: Service) -> None:
    """Serve HTTP under gunicorn."""
    settings = service.settings
    service.engine.dispose()
    if settings.web_workers > 1 and settings.metrics_folder is None:
        # Several processes answer on one port: only what they add up together is a figure of the service.
        os.environ[METRICS_FOLDER] = tempfile.mkdtemp(prefix="rostrum-metrics-")
    arguments = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        "python:deploy.gunicorn_conf",
        "--bind",
        f"{settings.bind}:{settings.port}",
        "--workers",
        str(settings.web_workers),
        "--threads",
        str(settings.web_threads),
        f"services.{service.name}.app:create_app()",
    ]
    os.execv(sys.executable, arguments)


@click.command()
@click.pass_obj
def worker(service: Service) -> None:
    """Run relay, inbox, tasks and timers until told to stop."""
    try:
        running = Worker(service)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    running.start()
    run_until_told([running])


def run_until_told(workers: list[Worker]) -> None:
    """Answer for the workers' health until SIGTERM or SIGINT, then stop them gracefully."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    settle()
    with answering(workers):
        told.wait()
        for running in workers:
            running.stopping.set()
        for running in workers:
            running.stop()


@click.command()
@click.option("--example-data", is_flag=True, help="in a sandbox also put example data in; else nothing")
@click.pass_obj
def migrate(service: Service, example_data: bool) -> None:
    """Bring the database to the newest version."""
    migrations.upgrade(service.engine, service.migrations, service.metadata)
    click.echo(f"{service.name}: the database is up to date")
    if example_data and service.settings.sandbox and service.seed is not None:
        service.seed(service)
        click.echo(f"{service.name}: the example data is there")


@click.command()
@click.argument("revision")
@click.argument("message")
@click.pass_obj
def revise(service: Service, revision: str, message: str) -> None:
    """Write migration REVISION (a number such as 0002) from what changed in the tables."""
    migrations.revise(service.engine, service.migrations, service.metadata, message, revision)


@click.command()
@click.pass_obj
def seed(service: Service) -> None:
    """Put example data into a sandbox; refused in production."""
    if not service.settings.sandbox:
        raise click.ClickException(
            "Example data and accounts exist only in the sandbox (ROSTRUM_MODE=sandbox)."
        )
    if service.seed is not None:
        service.seed(service)
    click.echo(f"{service.name}: seeded")


@click.command()
@click.pass_obj
def outbox(service: Service) -> None:
    """How many messages wait to be published, and for how long."""
    with read_connection(service.engine) as connection:
        count, oldest = operations.outbox_depth(connection)
    age = f", the oldest for {oldest.total_seconds():.0f} s" if oldest is not None else ""
    click.echo(f"{service.name}: {count} waiting{age}")


@click.command()
@click.argument("reference")
@click.pass_obj
def timeline(service: Service, reference: str) -> None:
    """What came in and went out that names the id REFERENCE, in the order in which it happened."""
    with read_connection(service.engine) as connection:
        found = read_timeline(connection, service.reader, reference)
    for entry in found.entries:
        took = f"{entry.took.total_seconds():.3f} s" if entry.took is not None else ""
        click.echo(
            f"{entry.at:%Y-%m-%d %H:%M:%S.%f}  {'in ' if entry.incoming else 'out'}  {entry.state:9} {took:>10}  "
            f"{entry.type:36} {entry.message_id}  {entry.correlation_id or ''}"
        )


@click.command()
@click.argument("reference", required=False)
@click.pass_obj
def inbox(service: Service, reference: str | None) -> None:
    """Messages by source and state; with REFERENCE, every message that names that id."""
    with read_connection(service.engine) as connection:
        if reference is None:
            for (source, state), count in sorted(operations.inbox_counts(connection).items()):
                click.echo(f"{source:10} {state:10} {count}")
            return
        for row in operations.find_messages(connection, reference):
            click.echo(f"{row.received_at:%Y-%m-%d %H:%M:%S}  {row.state:9} {row.type:40} {row.message_id}")
