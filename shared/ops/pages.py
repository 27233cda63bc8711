"""Pages for people who mend: look, search, retry one, discard one with a reason."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shared.auth.guards import current_staff, staff
from shared.db.engine import read_connection, write_connection
from shared.errors import Invalid, NotFound
from shared.messaging import groups, operations
from shared.messaging.depth_history import STALE, last_sample
from shared.messaging.timeline import references_of, timeline
from shared.ops import reports
from shared.ops.depths import Depths
from shared.ops.group_pages import add_group_pages
from shared.ops.history_page import add_history_page
from shared.ops.masking import masked_payload
from shared.ops.roles import ROLES
from shared.service import Service

OVERVIEW_GROUPS = 20

log = structlog.get_logger("ops")


def ops_blueprint(service: Service) -> Blueprint:
    """The ops pages of `service`, at `/<service>/ops`."""
    blueprint = Blueprint("ops", __name__, template_folder="templates", url_prefix=f"/{service.name}/ops")
    depths = Depths(service.open_bus)

    @blueprint.context_processor
    def words() -> dict[str, Any]:
        return {"age_text": reports.age_text, "took_text": reports.took_text, "states": reports.STATES}

    @blueprint.get("")
    @staff(*ROLES)
    def overview() -> str:
        """What waits and what failed."""
        with read_connection(service.engine) as connection:
            report = reports.overview(connection)
            found = groups.groups(connection, limit=OVERVIEW_GROUPS + 1)
            last = last_sample(connection)
        since_sample = datetime.now(UTC) - last.sampled_at if last is not None else None
        return render_template(
            "ops/overview.html",
            report=report,
            groups=found[:OVERVIEW_GROUPS],
            more=len(found) > OVERVIEW_GROUPS,
            depths=depths.read(),
            silent_for=since_sample if since_sample is not None and since_sample > STALE else None,
        )

    @blueprint.get("/messages")
    @staff(*ROLES)
    def messages() -> str | Response:
        """Messages by state and type."""
        if "q" in request.args:
            # Where the search was before.
            return redirect(url_for("ops.show_timeline", q=request.args["q"]), 303)
        state, kind = _known_state(request.args.get("state", "")), request.args.get("type") or None
        page = _page_number()
        with read_connection(service.engine) as connection:
            types = reports.failing_types(connection)
            listing = reports.listing(
                connection, states=[state] if state else reports.FAILING, type=kind, page=page
            )
        return render_template(
            "ops/messages.html",
            listing=listing,
            state=state,
            kind=kind,
            type_options=[("", "All types"), *((name, name) for name in types)],
            page=page,
        )

    @blueprint.get("/timeline")
    @staff(*ROLES)
    def show_timeline() -> str:
        """Everything that names an id, in and out, in the order in which it happened."""
        wanted = request.args.get("q", "").strip().replace("\x00", "")[:200]
        found = None
        if wanted:
            with read_connection(service.engine) as connection:
                found = timeline(connection, service.reader, wanted)
        return render_template("ops/timeline.html", wanted=wanted, timeline=found)

    @blueprint.get("/messages/<source>/<message_id>")
    @staff(*ROLES)
    def message(source: str, message_id: str) -> str:
        """One message: why it failed, what it says (without people), what can be done."""
        return _show(source, message_id, {})

    def _show(source: str, message_id: str, errors: dict[str, list[str]]) -> str:
        with read_connection(service.engine) as connection:
            row = operations.get_message(connection, source, message_id)
            names = references_of(connection, message_id)
        return render_template(
            "ops/message.html",
            row=row,
            names=names,
            payload=_shown(service, source, row.payload),
            errors=errors,
            typed=request.form,
            acted=request.args.get("acted"),
            actor=_actor_text(row.actor),
        )

    @blueprint.post("/messages/<source>/<message_id>/retry")
    @staff(*ROLES)
    def retry(source: str, message_id: str) -> Response:
        """Let it run again now."""
        with write_connection(service.engine) as connection:
            operations.retry_message(connection, source, message_id, actor=_actor())
        service.transactions.wake()
        _note("message_retried", source, message_id)
        return redirect(url_for("ops.message", source=source, message_id=message_id, acted="retry"), 303)

    @blueprint.post("/messages/<source>/<message_id>/discard")
    @staff(*ROLES)
    def discard(source: str, message_id: str) -> Response | tuple[str, int]:
        """Give it up, with a reason that stays with it."""
        try:
            with write_connection(service.engine) as connection:
                operations.discard_message(
                    connection,
                    service.reader,
                    source,
                    message_id,
                    actor=_actor(),
                    reason=request.form.get("reason", ""),
                )
        except Invalid as error:
            return _show(source, message_id, error.fields), 422
        _note("message_discarded", source, message_id)
        return redirect(url_for("ops.message", source=source, message_id=message_id, acted="discard"), 303)

    @blueprint.get("/published/<uuid:message_id>")
    @staff(*ROLES)
    def published(message_id: UUID) -> str:
        """One message this service published."""
        with read_connection(service.engine) as connection:
            rows = [
                row for row in operations.find_published(connection, str(message_id)) if row.id == message_id
            ]
            names = references_of(connection, str(message_id))
        if not rows:
            raise NotFound("message_unknown", "No such message is in this outbox.")
        return render_template(
            "ops/published.html", row=rows[0], names=names, payload=masked_payload(rows[0].payload)
        )

    add_group_pages(blueprint, service)
    add_history_page(blueprint, service)
    return blueprint


def _shown(service: Service, source: str, payload: str | None) -> str | None:
    # Other sources know best what is personal in their bodies; a body they cannot read is masked by shape.
    if payload is not None and source in service.sources:
        payload = service.reader.redacted(source, payload)
    return masked_payload(payload)


def _actor() -> str:
    return f"staff:{current_staff().staff_id}"


def _actor_text(actor: str | None) -> str | None:
    return "you" if actor == _actor() else actor


def _note(event: str, source: str, message_id: str) -> None:
    log.info(event, source=source, message_id=message_id, actor=_actor())


def _known_state(text: str) -> str | None:
    return text if text in reports.STATES else None


def _page_number() -> int:
    text = request.args.get("page", "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 6 else 1
