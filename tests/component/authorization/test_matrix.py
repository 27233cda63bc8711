"""Every route of the three services × everybody who could call it: who may comes in, who may not changes nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from shared.auth.guards import access_of
from tests.component.authorization.asking import Asking, wrong
from tests.component.authorization.table import CALLERS, Row, rows_of
from tests.component.authorization.world import World
from tests.support.in_process import SERVICES

TABLE_FILE = "tests/component/authorization/table.py"
CASES = [pytest.param(name, row, id=f"{name} {row}") for name in SERVICES for row in rows_of(name)]


def routes(app: Flask) -> Iterator[tuple[str, str, Any]]:
    """Method, path and view of every route; HEAD and OPTIONS come with them by themselves."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        view_class: Any = getattr(view, "view_class", None)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, rule.rule, getattr(view_class, method.lower()) if view_class else view


def unlisted(service: str, app: Flask) -> list[str]:
    """What has to be added to the table, in words that can be copied."""
    listed = {(row.method, row.path) for row in rows_of(service)}
    return [
        f'add {method.lower()}("{path}", <who may call it>) to TABLE["{service}"] in {TABLE_FILE}; '
        f"its view says {access_of(view)}"
        for method, path, view in routes(app)
        if (method, path) not in listed
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_is_in_the_table(world: World, service: str) -> None:
    missing = unlisted(service, world.apps[service])
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("service", SERVICES)
def test_every_row_is_a_route(world: World, service: str) -> None:
    there = {(method, path) for method, path, _ in routes(world.apps[service])}
    gone = [str(row) for row in rows_of(service) if (row.method, row.path) not in there]
    assert gone == [], f"take them out of {TABLE_FILE}, or spell them as their routes do"


@pytest.mark.parametrize(("service", "row"), CASES)
def test_who_may_comes_in_and_nobody_else(world: World, service: str, row: Row) -> None:
    asking = Asking(world, service)
    # Those who are refused go first: what they must not change is still as it was.
    callers = sorted(CALLERS, key=lambda caller: caller in row.guard.callers)
    found = [text for caller in callers for text in wrong(asking, row, caller)]
    assert not found, "\n".join(found)
