"""The matrix finds what it is there to find: a route nobody listed, a wrong guard, none, and a refusal too late."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, request

from shared.auth.guards import link, public, staff
from shared.auth.links import Link
from shared.db.engine import write_connection
from shared.db.kernel_tables import staff_refusal
from shared.db.moment import moment
from shared.errors import Forbidden
from shared.web.app import create_web
from tests.component.authorization.asking import Asking, wrong
from tests.component.authorization.table import ADMIN, CALLERS, FINANCE, OPS, Row, rows_of
from tests.component.authorization.test_matrix import unlisted
from tests.component.authorization.world import World

STAFF_LIST = next(row for row in rows_of("enrollment") if (row.method, row.path) == ("GET", "/staff"))
BOOKING = next(row for row in rows_of("enrollment") if row.path == "/bookings/<token>")
RETRY = next(row for row in rows_of("enrollment") if row.path.endswith("/retry"))


@pytest.fixture
def app(world: World) -> Flask:
    """Enrollment's app once more, to be spoiled: the others keep theirs."""
    return create_web(world.site.services["enrollment"])


def found(world: World, app: Flask, row: Row) -> list[str]:
    """What the matrix says about one row of this app."""
    asking = Asking(world, "enrollment", app)
    return [text for caller in CALLERS for text in wrong(asking, row, caller)]


def replace_view(app: Flask, row: Row, view: Callable[..., Any]) -> None:
    """Put another view in the place of a row's."""
    (endpoint,) = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule == row.path}
    app.view_functions[endpoint] = view


def test_nothing_is_found_in_the_app_as_it_is(world: World, app: Flask) -> None:
    assert unlisted("enrollment", app) == []
    assert found(world, app, STAFF_LIST) == found(world, app, BOOKING) == found(world, app, RETRY) == []


def test_a_route_that_nobody_listed(app: Flask) -> None:
    @staff(OPS)
    def back_door() -> str:
        return "come in"

    app.add_url_rule("/staff/back-door", "back_door", back_door, methods=["POST"])
    (text,) = unlisted("enrollment", app)
    assert 'add post("/staff/back-door", <who may call it>) to TABLE["enrollment"]' in text
    assert "roles=frozenset({'ops'})" in text


def test_a_guard_for_the_wrong_role(world: World, app: Flask) -> None:
    @staff(FINANCE)
    def members() -> str:
        return "everybody's address"

    replace_view(app, STAFF_LIST, members)
    texts = found(world, app, STAFF_LIST)
    assert any(text.startswith("finance: got 200 and not 403") for text in texts)
    assert any(text.startswith("admin: got 403 and not 200") for text in texts)
    assert len(texts) == 2


def test_no_guard_at_all(world: World, app: Flask) -> None:
    @public("nobody thought about it")
    def members() -> str:
        return "Zdenka Markova"

    replace_view(app, STAFF_LIST, members)
    texts = found(world, app, STAFF_LIST)
    assert any(text.startswith("anonymous: got 200 and not 303") for text in texts)
    assert "anonymous: could read 'Zdenka'" in texts
    assert {text.split(":")[0] for text in texts} == set(CALLERS) - {ADMIN}


def test_a_link_page_that_shows_what_the_address_names(world: World, app: Flask) -> None:
    @link("booking")
    def somebody_elses(link: Link) -> str:
        return f"{world.order.reference} of Zdenka Markova"

    replace_view(app, BOOKING, somebody_elses)
    (text,) = found(world, app, BOOKING)
    assert text.startswith("other link holder: should read about his own booking alone")


def test_a_link_page_that_trusts_the_token_unread(world: World, app: Flask) -> None:
    @public("the token says who it is")
    def trusting(token: str) -> str:
        return f"{world.order.reference} of Zdenka Markova" if token.count(".") == 1 else "?"

    replace_view(app, BOOKING, trusting)
    assert any(text.startswith("anonymous: got 200 and not 404") for text in found(world, app, BOOKING))


def test_a_refusal_that_comes_after_the_deed(world: World, app: Flask) -> None:
    service = world.site.services["enrollment"]

    @staff("trainer", FINANCE, OPS, ADMIN)
    def hasty(source: str, message_id: str) -> str:
        with write_connection(service.engine) as connection:
            connection.execute(
                staff_refusal.insert().values(
                    subject=f"planted:{request.headers['X-CSRF-Token'][-12:]}",
                    refused_before=moment(),
                    recorded_at=moment(),
                )
            )
        raise Forbidden("role_missing", "Ask an administrator.")

    replace_view(app, RETRY, hasty)
    texts = found(world, app, RETRY)
    assert "finance: something changed, although the answer was 403" in texts
    assert "trainer of it: something changed, although the answer was 403" in texts
