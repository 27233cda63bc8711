"""What the views are measured against: Flask, the driver and nothing else, under the same gunicorn settings."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import LifoQueue
from typing import Any
from uuid import uuid4

import psycopg
from flask import Flask, Response, jsonify, render_template, request, template_rendered

from services.enrollment.app import build
from services.enrollment.domain.booking import new_reference
from services.enrollment.settings import Settings
from shared.config import load_settings
from shared.ids import new_id
from shared.web.app import create_web
from shared.web.filters import install_filters
from shared.web.static_files import asset, install_static_files

_LOOK = """
SELECT pg_try_advisory_xact_lock(%s) AS alone, idempotency_key.fingerprint, outcome, answer
FROM (SELECT 1 AS one) AS anything LEFT OUTER JOIN idempotency_key ON idempotency_key.id = %s"""
_RESERVE = """
UPDATE workshop SET reserved = reserved + %s
WHERE workshop_id = %s AND state = 'published' AND reserved + %s <= capacity AND starts_at > %s
RETURNING course_code, title, time_zone, starts_at, ends_at, price_minor, currency"""
_BOOK = """
INSERT INTO booking (booking_id, reference, submission_id, workshop_id, state, payer_name, payer_email, locale,
  seats, seat_price_minor, amount_minor, currency, link_version, placed_at, pay_by, hold_ends_at, extensions)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING RETURNING booking_id"""
_ENROLL = """
INSERT INTO enrollment (enrollment_id, booking_id, workshop_id, position, seat, seat_revision, amount_minor,
  link_version, given_name, family_name, email, registry_email)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""
_KEEP = """
INSERT INTO idempotency_key (id, fingerprint, outcome, answer, created_at)
VALUES (%s, %s, %s, %s, clock_timestamp()) ON CONFLICT DO NOTHING RETURNING id"""
_SAY = """
INSERT INTO outbox (id, aggregatetype, aggregateid, aggregate_version, type, payload, redacted, headers, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"""
_REFER = "INSERT INTO message_reference (message_id, reference) VALUES (%s, %s) ON CONFLICT DO NOTHING"


def bookings() -> Flask:
    """The same rows in the same tables, in one transaction."""
    app = Flask("bare")
    pool: LifoQueue[psycopg.Connection[Any]] = LifoQueue()
    for _ in range(int(os.environ["WEB_THREADS"])):
        pool.put(psycopg.connect(os.environ["BARE_DSN"]))

    @app.post("/enrollment/api/bookings")
    def place() -> tuple[Response, int]:
        connection = pool.get()
        try:
            with connection.transaction(), connection.cursor() as cursor:
                return jsonify(_place(cursor, request.get_json(), request.headers["Idempotency-Key"])), 201
        finally:
            pool.put(connection)

    _ping(app)
    return app


def _place(cursor: psycopg.Cursor[Any], order: dict[str, Any], key: str) -> dict[str, Any]:
    now, seats, payer = datetime.now(UTC), len(order["attendees"]), order["payer_name"]
    cursor.execute(_LOOK, (uuid4().int & 0x7FFF_FFFF_FFFF_FFFF, key)).fetchone()
    taken = cursor.execute(_RESERVE, (seats, order["workshop_id"], seats, now)).fetchone()
    assert taken is not None
    course, title, zone, starts_at, ends_at, price, currency = taken
    booking_id, reference, amount = new_id(), new_reference(), price * seats
    pay_by = now + timedelta(minutes=30)
    cursor.execute(
        _BOOK,
        (
            *(booking_id, reference, None, order["workshop_id"], "held", payer, order["payer_email"], "en"),
            *(seats, price, amount, currency, 1, now, pay_by, pay_by + timedelta(minutes=5), 0),
        ),
    ).fetchone()
    rows = [
        (
            *(new_id(), booking_id, order["workshop_id"], position, "held", 0, price, 1),
            *(person["given_name"], person["family_name"], person["email"], person["email"]),
        )
        for position, person in enumerate(order["attendees"], start=1)
    ]
    for row in rows:
        cursor.execute(_ENROLL, row)
    ids = [str(row[0]) for row in rows]
    answer = {
        "booking_id": str(booking_id),
        "reference": reference,
        "link_version": 1,
        "amount_minor": amount,
        "currency": currency,
        "pay_by": pay_by.isoformat(),
        "enrollment_ids": ids,
    }
    cursor.execute(_KEEP, (key, uuid4().hex * 2, "done", json.dumps(answer))).fetchone()
    message_id, correlation = new_id(), uuid4().hex
    data = {
        "booking_id": str(booking_id),
        "reference": reference,
        "workshop_id": order["workshop_id"],
        "workshop_title": title,
        "course_code": course,
        "time_zone": zone,
        "starts_at": starts_at.isoformat(),
        "ends_at": ends_at.isoformat(),
        "currency": currency,
        "amount_minor": amount,
        "pay_by": pay_by.isoformat(),
        "link_version": 1,
        "seats": [{"enrollment_id": each, "amount_minor": price, "link_version": 1} for each in ids],
        "person": {"payer_name": payer, "payer_email": order["payer_email"], "locale": "en"},
    }
    event = {
        "specversion": "1.0",
        "id": str(message_id),
        "type": "booking.placed.v1",
        "source": "/enrollment",
        "subject": str(booking_id),
        "time": now.isoformat(),
        "datacontenttype": "application/json",
        "correlationid": correlation,
        "data": data,
    }
    headers = json.dumps({"correlation_id": correlation, "causation_id": None})
    redacted = json.dumps({**event, "data": {**data, "person": None}})
    cursor.execute(
        _SAY,
        (
            *(message_id, "booking", str(booking_id), None, "booking.placed.v1", json.dumps(event)),
            *(redacted, headers, now),
        ),
    )
    references = (str(booking_id), order["workshop_id"], *ids)
    cursor.executemany(_REFER, [(str(message_id), each) for each in references])
    return {**answer, "enrollments": ids}


def catalogue() -> Flask:
    """The catalogue's own template, with what our view gave it once, kept in memory."""
    service = build(load_settings(Settings, os.environ))
    ours = create_web(service)
    rendered: list[dict[str, Any]] = []

    def remember(_app: Flask, context: dict[str, Any], **_others: object) -> None:
        rendered.append({n: value for n, value in context.items() if n not in ("g", "request", "session")})

    with template_rendered.connected_to(remember, ours):
        ours.test_client().get("/workshops")
    service.engine.dispose()
    (context,) = rendered

    app = Flask("bare", static_folder=None)
    app.jinja_loader = ours.jinja_loader
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    install_filters(app)
    install_static_files(app, service.name, Path(ours.root_path) / "static")
    app.jinja_env.globals.update(
        asset=asset,
        csrf_token=lambda: "",
        csp_nonce=lambda: "",
        viewer=lambda: None,
        business_now=service.clock.now,
        sandbox=service.settings.sandbox,
        service_name=service.name,
    )

    @app.get("/workshops")
    def show() -> str:
        return render_template("enrollment/workshops.html", **context)

    _ping(app)
    return app


def _ping(app: Flask) -> None:
    @app.get("/ping")
    def ping() -> str:
        """Nothing at all: how much the load generator can ask for."""
        return "pong"
