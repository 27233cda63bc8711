"""Pages about failed messages that share an error: look, retry all, discard all, and read back what came of it."""

from uuid import UUID

import structlog
from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shared.auth.guards import current_staff, staff
from shared.db.engine import read_connection
from shared.errors import Invalid
from shared.messaging import group_actions, groups
from shared.messaging.groups import Key
from shared.ops.roles import ROLES
from shared.service import Service

MOST_GROUPS = 200
PAGE = 50
_SHOWN_AGAIN = 20
_REMEMBERED = 5

log = structlog.get_logger("ops")


def add_group_pages(blueprint: Blueprint, service: Service) -> None:
    """Their routes, below `/groups`."""

    @blueprint.get("/groups")
    @staff(*ROLES)
    def all_groups() -> str:
        """Every group there is, the one that failed last first."""
        with read_connection(service.engine) as connection:
            found = groups.groups(connection, limit=MOST_GROUPS)
        return render_template("ops/groups.html", groups=found, most=MOST_GROUPS)

    @blueprint.get("/groups/<fingerprint>")
    @staff(*ROLES)
    def group(fingerprint: str) -> str:
        """One group: its messages, what can be done, and how the last thing that was done went."""
        return _show(_key(fingerprint, request.args.get("type", "")), {})

    @blueprint.post("/groups/<fingerprint>/retry")
    @staff(*ROLES)
    def retry_group(fingerprint: str) -> Response:
        """Let all of them run again now."""
        key = _key(fingerprint, request.form.get("type", ""))
        action_id = group_actions.retry_group(service.engine, key, actor=_actor())
        service.transactions.wake()
        return _done("group_retried", key, action_id)

    @blueprint.post("/groups/<fingerprint>/discard")
    @staff(*ROLES)
    def discard_group(fingerprint: str) -> Response | tuple[str, int]:
        """Give all of them up, with a reason that stays with each."""
        key = _key(fingerprint, request.form.get("type", ""))
        try:
            action_id = group_actions.discard_group(
                service.engine, service.reader, key, actor=_actor(), reason=request.form.get("reason", "")
            )
        except Invalid as error:
            return _show(key, error.fields), 422
        return _done("group_discarded", key, action_id)

    def _show(key: Key, errors: dict[str, list[str]]) -> str:
        page = request.args.get("page", "1")
        number = max(1, int(page)) if page.isdecimal() and len(page) < 6 else 1
        action_id = _known_id(request.args.get("action", ""))
        with read_connection(service.engine) as connection:
            found = groups.get_group(connection, key)
            rows = groups.messages_of(connection, key, limit=PAGE + 1, offset=(number - 1) * PAGE)
            outcome = groups.outcome(connection, action_id) if action_id else None
            again = groups.failed_again(connection, action_id, limit=_SHOWN_AGAIN) if action_id else []
            before = groups.outcomes(connection, key, limit=_REMEMBERED)
        return render_template(
            "ops/group.html",
            key=key,
            group=found,
            rows=rows[:PAGE],
            more=len(rows) > PAGE,
            page=number,
            outcome=outcome,
            again=again,
            before=before,
            you=_actor(),
            errors=errors,
            typed=request.form,
        )

    def _done(event: str, key: Key, action_id: UUID) -> Response:
        log.info(
            event, event_type=key.type, fingerprint=key.fingerprint, action=str(action_id), actor=_actor()
        )
        address = url_for("ops.group", fingerprint=key.fingerprint, type=key.type, action=action_id)
        return redirect(address, 303)


def _key(fingerprint: str, type: str) -> Key:
    return Key(type=type.replace("\x00", "")[:200], fingerprint=fingerprint.replace("\x00", "")[:200])


def _known_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _actor() -> str:
    return f"staff:{current_staff().staff_id}"
