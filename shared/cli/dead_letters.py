"""`dead-letters`: look at, retry or discard what failed, one by one or all with the same error."""

import json
import os
import sys
import time
from typing import Any
from uuid import UUID

import click

from shared.db.engine import read_connection, write_connection
from shared.errors import AppError
from shared.messaging import group_actions, groups, operations
from shared.messaging.groups import Key, Outcome
from shared.service import Service

_LOOK_EVERY = 0.2
_MOST_GROUPS = 1000


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at, retry or discard what could not be handled."""


@dead_letters.command("list")
@click.pass_obj
def list_dead(service: Service) -> None:
    """Failed and dead messages, newest first, one JSON object a line."""
    with read_connection(service.engine) as connection:
        for row in operations.list_messages(connection, states=["failed", "dead"], limit=1000):
            shown = {
                key: str(getattr(row, key))
                for key in ("state", "consumer", "message_id", "type", "attempts", "error", "failed_at")
            }
            click.echo(json.dumps(shown))


@dead_letters.command("retry")
@click.argument("message_id")
@click.option("--source", default="bus")
@click.pass_obj
def retry_dead(service: Service, message_id: str, source: str) -> None:
    """Let one failed or dead message run again now."""
    with _told(), write_connection(service.engine) as connection:
        operations.retry_message(connection, source, message_id, actor=_operator())
    service.transactions.wake()
    click.echo("It will run again at once.")


@dead_letters.command("discard")
@click.argument("message_id")
@click.option("--source", default="bus")
@click.option("--reason", required=True, help="kept with the message")
@click.pass_obj
def discard_dead(service: Service, message_id: str, source: str, reason: str) -> None:
    """Give one failed or dead message up."""
    with _told(), write_connection(service.engine) as connection:
        operations.discard_message(
            connection, service.reader, source, message_id, actor=_operator(), reason=reason
        )
    click.echo("Discarded; it stays listed with your reason.")


@dead_letters.command("groups")
@click.pass_obj
def list_groups(service: Service) -> None:
    """What failed in the same way, counted: newest first, one JSON object a line."""
    with read_connection(service.engine) as connection:
        for group in groups.groups(connection, limit=_MOST_GROUPS):
            shown = {
                "type": group.key.type,
                "fingerprint": group.key.fingerprint,
                "retrying": group.failed,
                "dead": group.dead,
                "kind": group.kind,
                "attempts": group.most_attempts,
                "first_seen": str(group.first_seen),
                "last_seen": str(group.last_seen),
                "error": group.error,
            }
            click.echo(json.dumps(shown))


@dead_letters.command("retry-group")
@click.argument("type")
@click.argument("fingerprint")
@click.option(
    "--wait", default=10.0, show_default=True, help="seconds to wait until all have ended; 0 does not wait"
)
@click.pass_obj
def retry_group(service: Service, type: str, fingerprint: str, wait: float) -> None:
    """Let all failed and dead messages of TYPE with this FINGERPRINT run again now.

    Says how many were handled, failed again or still wait; exit code 1 when any failed again.
    """
    key = Key(type=type, fingerprint=fingerprint)
    action_id = group_actions.retry_group(service.engine, key, actor=_operator())
    service.transactions.wake()
    until = time.monotonic() + wait
    outcome = _outcome(service, action_id)
    while outcome.waiting and time.monotonic() < until:
        time.sleep(_LOOK_EVERY)
        outcome = _outcome(service, action_id)
    _tell(outcome)


@dead_letters.command("discard-group")
@click.argument("type")
@click.argument("fingerprint")
@click.option("--reason", required=True, help="kept with each message")
@click.pass_obj
def discard_group(service: Service, type: str, fingerprint: str, reason: str) -> None:
    """Give all failed and dead messages of TYPE with this FINGERPRINT up."""
    key = Key(type=type, fingerprint=fingerprint)
    with _told():
        action_id = group_actions.discard_group(
            service.engine, service.reader, key, actor=_operator(), reason=reason
        )
    _tell(_outcome(service, action_id))


@dead_letters.command("result")
@click.argument("action_id", type=click.UUID)
@click.pass_obj
def result(service: Service, action_id: UUID) -> None:
    """How a retry or a discard of a group stands by now."""
    with _told():
        _tell(_outcome(service, action_id))


def _outcome(service: Service, action_id: UUID) -> Outcome:
    with read_connection(service.engine) as connection:
        return groups.outcome(connection, action_id)


def _tell(outcome: Outcome) -> None:
    if outcome.action == "retry":
        click.echo(
            f"{outcome.taken} retried: {outcome.handled} handled, {outcome.failed_again} failed again, "
            f"{outcome.waiting} waiting"
        )
    else:
        click.echo(f"{outcome.discarded} discarded")
    if outcome.left_in_work:
        click.echo(f"{outcome.left_in_work} left alone: somebody works on them now")
    if outcome.left_unreadable:
        click.echo(f"{outcome.left_unreadable} left alone: they cannot be read")
    if outcome.waiting:
        click.echo(f"look again: dead-letters result {outcome.action_id}")
    if outcome.failed_again:
        sys.exit(1)


class _told:  # noqa: N801 - reads as a statement where it is used
    """Expected refusals become one line on the terminal."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, AppError):
            raise click.ClickException(error.detail) from error


def _operator() -> str:
    return f"cli:{os.environ.get('USER') or os.getuid()}"
