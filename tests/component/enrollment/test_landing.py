"""The front door: in a sandbox a door for everybody and a clock to move; in production the catalogue, and no clock."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shared.clock import FrozenClock, MovableClock, OffsetClock, SystemClock
from shared.web.app import create_web
from tests.component.enrollment.news import START
from tests.component.enrollment.shop import Shop, sqlite_url
from tests.component.enrollment.visitor import Visitor


@pytest.fixture
def in_production(shop: Shop) -> Visitor:
    """The same shop, told that it is not a sandbox; its clock could still be moved."""
    visitor = Visitor(shop)
    settings = replace(shop.service.settings, mode="production")
    visitor.app = create_web(replace(shop.service, settings=settings))
    visitor.client = visitor.app.test_client()
    return visitor


def press(visitor: Visitor, step: str) -> Visitor:
    visitor.open("/")
    return visitor.send(step)


def test_everybody_finds_a_door(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=2)
    visitor = Visitor(shop).open("/")
    doors = {text: href for href, text in visitor.page.links}
    assert doors["A student"] == f"/workshops/{workshop_id}"
    assert doors["A company buyer"] == f"/workshops/{workshop_id}/book?seats=2"
    for door, page in (
        ("A trainer", "/trainer"),
        ("Finance", "/finance"),
        ("Operations", "/enrollment/ops"),
        ("An administrator", "/trainer"),
    ):
        assert doors[door] == f"/staff/login?next={page}"
    assert "rostrum-sandbox" in visitor.text
    assert "Stripe sandbox" in visitor.text


def test_without_a_workshop_the_doors_lead_to_the_catalogue(shop: Shop) -> None:
    visitor = Visitor(shop).open("/")
    doors = {text: href for href, text in visitor.page.links}
    assert doors["A student"] == doors["A company buyer"] == "/workshops"
    assert "No workshop is planned." in visitor.text
    assert "workshop" not in visitor.form("real")[2]


def test_the_clock_goes_on_and_back(shop: Shop) -> None:
    shop.plan()
    visitor = Visitor(shop)
    assert "An hour has passed." in press(visitor, "hour").text
    assert shop.clock.now() == START + timedelta(hours=1)
    press(visitor, "day")
    assert shop.clock.now() == START + timedelta(days=1, hours=1)
    assert "Clock: Tue 2 Mar 2027, 10:00 UTC" in visitor.text
    assert "its trainer can complete it now" in press(visitor, "workshop").text
    assert shop.clock.now() == START + timedelta(days=8, hours=8, minutes=1)
    assert "It is real time again." in press(visitor, "real").text
    assert shop.clock.now() == START


def test_only_a_form_of_ours_moves_it_and_only_as_it_says(shop: Shop) -> None:
    visitor = Visitor(shop).open("/")
    _, form, _ = visitor.form("hour")
    assert visitor.post("/enrollment/clock", {"step": "hour"}).status == 403
    assert visitor.post("/enrollment/clock", {**form, "step": "year"}).status == 400
    assert visitor.post("/enrollment/clock", {**form, "step": "workshop"}).leads_to == "/?moved=nothing#clock"
    assert shop.clock.now() == START


def test_in_production_the_front_door_is_the_catalogue(in_production: Visitor, shop: Shop) -> None:
    shop.plan(title="The only one")
    in_production.open("/")
    assert in_production.page.titles["h1"] == "Workshops"
    assert "The only one" in in_production.text
    for word in ("rostrum-sandbox", "Sandbox", "Clock:", "trainer@example.com"):
        assert word not in in_production.page.html


def test_in_production_nobody_moves_the_clock(in_production: Visitor, shop: Shop) -> None:
    in_production.open("/staff/login")
    _, form, _ = in_production.form()
    answer = in_production.post("/enrollment/clock", {"csrf_token": form["csrf_token"], "step": "day"})
    assert answer.status == 404
    assert "Time cannot be moved here" in answer.text
    assert shop.clock.now() == START


def test_a_sandbox_with_the_machines_own_clock_cannot_move_it_either(tmp_path: Path) -> None:
    shop = Shop(sqlite_url(tmp_path))
    visitor = Visitor(shop)
    visitor.app = create_web(replace(shop.service, clock=SystemClock()))
    visitor.client = visitor.app.test_client()
    visitor.open("/")
    assert "The demo’s clock" not in visitor.text
    shop.close()


def test_which_clocks_can_be_moved() -> None:
    assert isinstance(FrozenClock(START), MovableClock)
    assert isinstance(OffsetClock(Path("nowhere")), MovableClock)
    assert not isinstance(SystemClock(), MovableClock)


def test_all_who_read_the_file_see_the_same_time(tmp_path: Path) -> None:
    web, worker = OffsetClock(tmp_path / "offset"), OffsetClock(tmp_path / "offset")
    web.advance(timedelta(days=2))
    worker.advance(timedelta(hours=1))
    assert web.offset() == worker.offset() == timedelta(days=2, hours=1)
    web.reset()
    assert worker.offset() == timedelta()
    assert [path.name for path in tmp_path.iterdir()] == ["offset"]
