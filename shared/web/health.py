"""Is this process alive, and can it serve? On the service's own port; the edge does not lead here."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify
from sqlalchemy import text

from shared.auth.guards import public
from shared.db.engine import read_connection
from shared.db.migrate import is_current
from shared.observability.redaction import describe_error
from shared.service import Service

Check = Callable[[], None]


class NotMigrated(Exception):
    """The code is newer than its database."""


def storage_checks(service: Service) -> Mapping[str, Check]:
    """What web and worker both need: the database, and every migration this code knows."""

    def database() -> None:
        with read_connection(service.engine) as connection:
            connection.execute(text("SELECT 1"))

    def migrations() -> None:
        if not is_current(service.engine, service.migrations):
            raise NotMigrated("the database lacks migrations that this code knows")

    return {"database": database, "migrations": migrations}


def readiness(checks: Mapping[str, Check]) -> tuple[bool, dict[str, Any]]:
    """Run every check (it raises when it fails); whether all passed, and a report of each."""
    report: dict[str, Any] = {}
    for name, check in checks.items():
        try:
            check()
            report[name] = {"ok": True}
        except Exception as error:
            report[name] = {"ok": False, "detail": describe_error(error)}
    return all(entry["ok"] for entry in report.values()), report


def health_blueprint(service_name: str, checks: Mapping[str, Check]) -> Blueprint:
    """`/healthz` says the process answers; `/readyz` says what it needs is there, each check by name."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    @public("asked by the platform, which has no account")
    def healthz() -> Response:
        """Alive. Never depends on anything outside: restarting would not bring a database back."""
        return jsonify(service=service_name, ok=True)

    @blueprint.get("/readyz")
    @public("asked by the platform, which has no account")
    def readyz() -> tuple[Response, int]:
        """Ready to serve."""
        ready, report = readiness(checks)
        return jsonify(service=service_name, ready=ready, checks=report), 200 if ready else 503

    return blueprint
