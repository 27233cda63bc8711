"""Every route of the three apps says who may call it, and stands where its service answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from shared.auth.guards import access_of
from shared.contracts.paths import service_of
from shared.service import Service
from shared.web.app import create_web
from shared.web.idempotency import is_idempotent
from tests.factories.services import SERVICES, composed

PURPOSES = {"booking", "pay", "certificate"}
ROLES = {"trainer", "finance", "ops", "admin"}
OWN_PORT = {"/healthz", "/readyz", "/metrics"}
"""Answered on the service's own port, not through the edge."""

SAFE = {"GET", "HEAD", "OPTIONS"}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    service = composed(request.param, tmp_path)
    yield service
    service.engine.dispose()


@pytest.fixture
def app(service: Service) -> Flask:
    return create_web(service)


def views(app: Flask) -> Iterator[tuple[str, set[str], Any]]:
    """Path, methods and function of every route; a class-based view counts once per method."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        view_class: Any = getattr(view, "view_class", None)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule.rule, {method}, getattr(view_class, method.lower()) if view_class else view


def test_every_view_declares_who_may_call_it(app: Flask) -> None:
    undeclared = [path for path, _, view in views(app) if access_of(view) is None]
    assert undeclared == [], "put @public, @staff or @link right below the route"


def test_declarations_use_known_purposes_and_roles_and_give_reasons(app: Flask) -> None:
    for path, _, view in views(app):
        access = access_of(view)
        assert access is not None
        match access.kind:
            case "link":
                assert access.purpose in PURPOSES, path
                assert "<token>" in path, path
            case "staff":
                assert access.roles <= ROLES, path
                assert access.roles, path
            case "public":
                assert access.why, path


def test_every_route_stands_where_its_service_answers(service: Service, app: Flask) -> None:
    strays = [path for path, _, _ in views(app) if path not in OWN_PORT and service_of(path) != service.name]
    assert strays == [], "shared/contracts/paths.py says whose it is; the edge would send it elsewhere"


def test_every_post_of_the_api_takes_an_idempotency_key(service: Service, app: Flask) -> None:
    prefix = f"/{service.name}/api/"
    unkeyed = [
        path
        for path, methods, view in views(app)
        if path.startswith(prefix) and not methods <= SAFE and not is_idempotent(view)
    ]
    assert unkeyed == [], "put @idempotent below the guard and do the work inside `once`"


def test_no_public_view_changes_anything_without_a_reason_to(app: Flask) -> None:
    changing = {
        path: access.why
        for path, methods, view in views(app)
        if not methods <= SAFE and (access := access_of(view)) is not None and access.kind == "public"
    }
    assert all(why and len(why) > 3 for why in changing.values()), changing
