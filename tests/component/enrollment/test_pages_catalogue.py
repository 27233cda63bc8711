"""What can be booked, as everybody sees it: the whole of it, a part of it, and one workshop."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy.event import listen

from services.enrollment import handlers
from services.enrollment.commands import CancelWorkshop
from services.enrollment.domain import Delivery
from tests.component.enrollment.shop import Shop
from tests.component.enrollment.visitor import Visitor

HOSTILE = "<script>alert('x')</script>\"'{{ 7*7 }}"


def test_the_catalogue_leads_to_a_workshop(shop: Shop) -> None:
    visitor = Visitor(shop).open("/workshops")
    assert "No workshop is open for booking" in visitor.text
    workshop_id = shop.plan(title=f"Scrum {HOSTILE}")
    for path in ("/", "/workshops", f"/workshops/{workshop_id}"):
        visitor.open(path)
        assert visitor.status == 200
        assert HOSTILE in visitor.text
        assert "<script>alert" not in visitor.page.html
    assert "Mon 8 to Tue 9 Mar 2027" in visitor.text
    assert "Mon 8 Mar 2027, 10:00 to 18:00 CET" in visitor.text
    assert "14 h, all of it to be attended" in visitor.text
    assert visitor.open(f"/workshops/{uuid4()}").status == 404
    draft = shop.plan(publish=False)
    assert visitor.open(f"/workshops/{draft}").status == 404
    assert visitor.open(f"/workshops/{draft}/book").status == 404


def titles(visitor: Visitor) -> set[str]:
    return {text for href, text in visitor.page.links if href.startswith("/workshops/")}


def test_it_can_be_narrowed_by_course_month_and_format(shop: Shop) -> None:
    shop.plan(title="Online in March")
    shop.plan(title="In Berlin in March", delivery=Delivery.IN_PERSON, venue="Lindenhof", join_link=None)
    shop.clock.advance(timedelta(days=40))
    shop.plan(title="Online in April")
    shop.clock.advance(timedelta(days=-40))
    visitor = Visitor(shop).open("/workshops")
    everything = {"Online in March", "In Berlin in March", "Online in April"}
    assert titles(visitor) == everything
    assert "March 2027" in visitor.text
    assert "3 workshops" in visitor.text
    assert titles(visitor.open("/workshops?month=2027-04")) == {"Online in April"}
    assert "1 workshop found" in visitor.text
    assert titles(visitor.open("/workshops?format=in_person")) == {"In Berlin in March"}
    assert titles(visitor.open("/workshops?format=online&month=2027-03")) == {"Online in March"}
    assert titles(visitor.open("/workshops?course=CSPO")) == everything
    visitor.open("/workshops?course=CSM&month=2031-01")
    assert "No workshop fits" in visitor.text
    (form,) = (form for action, form, _ in visitor.page.forms if action == "/workshops")
    assert form == {"course": "CSM", "month": "2031-01", "format": ""}, "what was asked stays chosen"
    # What no form of ours sends narrows nothing.
    assert titles(visitor.open("/workshops?month=31-2027&format=<b>")) == everything


def test_the_month_is_that_of_the_place(shop: Shop) -> None:
    # In Auckland it is the first of April already.
    shop.clock.advance(timedelta(days=23, hours=5))
    shop.plan(title="In Auckland", time_zone="Pacific/Auckland")
    visitor = Visitor(shop).open("/workshops?month=2027-04")
    assert titles(visitor) == {"In Auckland"}
    assert titles(visitor.open("/workshops?month=2027-03")) == set()


def test_seats_are_said_in_words(shop: Shop) -> None:
    for capacity, words in ((1, "1 seat left"), (3, "Only 3 seats left"), (12, "12 seats left")):
        workshop_id = shop.plan(capacity=capacity)
        visitor = Visitor(shop).open(f"/workshops/{workshop_id}")
        assert words in visitor.text
        shop.book(workshop_id, capacity)
        assert "This workshop is full." in visitor.open(f"/workshops/{workshop_id}").text
    assert visitor.open("/workshops").text.count("Full") == 3


def test_a_long_catalogue_comes_page_by_page(shop: Shop) -> None:
    for number in range(53):
        shop.plan(title=f"Number {number:02}")
    visitor = Visitor(shop).open("/workshops?course=CSPO")
    assert "53 workshops" in visitor.text
    assert len(titles(visitor)) == 50
    (onwards,) = {href for href, text in visitor.page.links if text.startswith("Next")}
    assert len(titles(visitor.open(onwards))) == 3
    assert visitor.open("/workshops?page=999").status == 200


def test_the_workshop_says_what_happens_after_booking(shop: Shop) -> None:
    visitor = Visitor(shop).open(f"/workshops/{shop.plan()}")
    for words in (
        "per seat, nothing is added later",
        "Your seats are held while you pay You have 30 minutes, and more if you ask for it.",
        "We submit your name to the Scrum Alliance",
    ):
        assert words in visitor.text


def test_the_kept_list_follows_every_change(shop: Shop) -> None:
    visitor = Visitor(shop)
    read: list[str] = []
    listen(shop.service.engine, "before_cursor_execute", lambda *seen: read.append(seen[2]))
    assert titles(visitor.open("/workshops")) == set()
    first = shop.plan(title="First")
    assert titles(visitor.open("/workshops")) == {"First"}
    shop.plan(title="Second")
    assert titles(visitor.open("/workshops")) == {"First", "Second"}
    read.clear()
    assert titles(visitor.open("/workshops")) == {"First", "Second"}
    assert len([each for each in read if "workshop.starts_at" in each and "JOIN" in each]) == 1
    with shop.service.transactions.begin() as tx:
        handlers.cancel_workshop(CancelWorkshop(workshop_id=first), tx)
    assert titles(visitor.open("/workshops")) == {"Second"}
    shop.clock.advance(timedelta(days=400))
    assert titles(visitor.open("/workshops")) == set()
