"""A page that no browser looks at breaks the build."""

import re

import pytest

from tests.browser.looks import LOOKS
from tests.browser.routes import NO_PAGE, NOTHING, Routes
from tests.factories.services import SERVICES


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Routes:
    return Routes(tmp_path_factory.mktemp("services"))


def unseen(routes: Routes, seen: set[str]) -> list[str]:
    """Routes for people that nobody looks at and nobody gave a reason for."""
    return sorted(set(routes.pages()) - seen - set(NO_PAGE))


def test_every_page_is_looked_at(routes: Routes) -> None:
    assert unseen(routes, {look.shows for look in LOOKS}) == [], (
        "add a Look in tests/browser/looks/, in each state the page has: usual, empty, with errors, with long"
        " content; or say in NO_PAGE of tests/browser/routes.py why the route shows no page"
    )


def test_a_page_without_a_look_is_noticed(routes: Routes) -> None:
    seen = {look.shows for look in LOOKS} - {"GET /finance"}
    assert unseen(routes, seen) == ["GET /finance"]


def test_what_is_looked_at_and_what_is_left_out_is_there(routes: Routes) -> None:
    there = {*routes.pages(), NOTHING}
    assert sorted({look.shows for look in LOOKS} - there) == []
    assert sorted(set(NO_PAGE) - there) == []


def test_every_page_is_looked_at_often() -> None:
    """What only the long programme sees is another state of a page; or a page that the services share."""

    def shared(route: str) -> str:
        return re.sub(rf"/({'|'.join(SERVICES)})/", "/<service>/", route)

    often = {shared(look.shows) for look in LOOKS if look.often}
    assert sorted({shared(look.shows) for look in LOOKS} - often) == []


def test_every_look_has_a_name_of_its_own() -> None:
    assert len({look.name for look in LOOKS}) == len(LOOKS)
