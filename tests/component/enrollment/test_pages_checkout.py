"""The way of a buyer: from the catalogue to the payment page."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

import pytest
from sqlalchemy import update

from services.enrollment.domain import Booking, Workshop
from services.enrollment.queries import booking_page
from shared.contracts.enrollment import BookingPlaced
from shared.db.engine import write_connection
from tests.component.enrollment.shop import Shop
from tests.component.enrollment.visitor import Visitor, booking_path

GRACE = {
    "attendees__0__given_name": "Grace",
    "attendees__0__family_name": "Hopper",
    "attendees__0__email": "grace@example.com",
}
ADA = {
    "attendees__1__given_name": "Ada",
    "attendees__1__family_name": "Lovelace",
    "attendees__1__email": "ada@example.com",
}
HOSTILE = "<script>alert('x')</script>\"'{{ 7*7 }}"


def at_details(shop: Shop, workshop_id: UUID, seats: int = 1) -> Visitor:
    """Somebody who looked at the workshop and pressed Book."""
    visitor = Visitor(shop).open(f"/workshops/{workshop_id}")
    assert visitor.status == 200
    return visitor.open(f"/workshops/{workshop_id}/book?seats={seats}")


def at_check(shop: Shop, workshop_id: UUID, seats: Literal[1, 2] = 1, /, **typed: str) -> Visitor:
    """Somebody who has typed everything in."""
    people = {**GRACE, **ADA} if seats == 2 else GRACE
    visitor = at_details(shop, workshop_id, seats).send("check", **{**people, **typed})
    assert visitor.status == 200, visitor.problems
    assert visitor.page.titles["h1"] == "Check your answers"
    return visitor


def bookings(shop: Shop) -> int:
    return shop.count("booking")


def the_booking(shop: Shop) -> Booking:
    with shop.service.transactions.read() as session:
        (event,) = shop.said(BookingPlaced)
        found = session.get(Booking, event.booking_id)
    assert found is not None
    return found


def set_workshop(shop: Shop, workshop_id: UUID, **values: object) -> None:
    """What somebody else did meanwhile."""
    with write_connection(shop.service.engine) as connection:
        connection.execute(update(Workshop).where(Workshop.workshop_id == workshop_id).values(**values))


def test_one_seat_asks_for_one_person_only(shop: Shop) -> None:
    workshop_id = shop.plan()
    visitor = at_details(shop, workshop_id)
    assert visitor.page.visible == [
        "attendees-0-given_name",
        "attendees-0-family_name",
        "attendees-0-email",
        "attendees-0-registry_email",
    ]
    visitor.send("check", **GRACE)
    assert "Who attends and pays" in visitor.text
    assert "held until Mon 1 Mar 2027, 10:30 CET while you pay: 30 minutes" in visitor.text
    assert bookings(shop) == 0
    visitor.send("confirm")
    assert visitor.leads_to.startswith("/pay/")
    booking = the_booking(shop)
    assert (booking.payer_name, booking.payer_email) == ("Grace Hopper", "grace@example.com")
    assert booking.workshop_id == workshop_id


def test_somebody_else_may_pay(shop: Shop) -> None:
    workshop_id = shop.plan()
    visitor = at_details(shop, workshop_id)
    visitor.send("check", payer_name="Charles Babbage", **GRACE)
    assert visitor.status == 422
    assert visitor.problems == ["Enter the payer's e-mail address."]
    assert "payer_name" in visitor.page.visible, "the fields with the problem are unfolded"
    visitor.send("check", payer_email="charles@example.com")
    assert "Who pays" in visitor.text
    visitor.send("confirm")
    assert the_booking(shop).payer_email == "charles@example.com"


def test_an_empty_form_says_what_is_missing_and_keeps_what_was_typed(shop: Shop) -> None:
    visitor = at_details(shop, shop.plan()).send("check")
    assert visitor.status == 422
    assert visitor.problems == ["Enter the given name.", "Enter the family name.", "Enter an e-mail address."]
    visitor.send("check", attendees__0__given_name="Grace", attendees__0__email="grace at example")
    assert visitor.problems == ["Enter the family name.", "Enter an e-mail address such as name@example.com."]
    _, form, _ = visitor.form("check")
    assert form["attendees-0-given_name"] == "Grace"
    assert form["attendees-0-email"] == "grace at example"


def test_several_seats_say_whose_field_is_wrong(shop: Shop) -> None:
    visitor = at_details(shop, shop.plan(), seats=2)
    visitor.send("check", **GRACE, attendees__1__given_name="Ada", payer_email="no", payer_name="Pia")
    assert visitor.problems == [
        "Attendee 2: Enter the family name.",
        "Attendee 2: Enter an e-mail address.",
        "Enter an e-mail address such as name@example.com.",
    ]
    visitor.send(
        "check", **{**ADA, "attendees__1__email": "GRACE@example.com"}, payer_email="pia@example.com"
    )
    assert visitor.problems == [
        "Attendee 2: Attendee 1 has the same address. Each needs a Scrum Alliance account."
    ]


def test_who_names_no_payer_pays_for_all(shop: Shop) -> None:
    visitor = at_check(shop, shop.plan(), 2)
    assert "Attendee 1, who pays for all" in visitor.text
    visitor.send("confirm")
    booking = the_booking(shop)
    assert (booking.payer_name, booking.seats) == ("Grace Hopper", 2)


def test_seats_are_added_and_removed_without_losing_what_was_typed(shop: Shop) -> None:
    visitor = at_details(shop, shop.plan(capacity=3))
    visitor.send("add", **GRACE, payer_name="Pia")
    visitor.send("add", **ADA)
    assert "add" not in visitor.form("check")[2], "the workshop has three seats"
    _, form, steps = visitor.send("remove-0", attendees__2__given_name="Mary").form("check")
    assert [form[f"attendees-{n}-given_name"] for n in range(2)] == ["Ada", "Mary"]
    assert form["payer_name"] == "Pia"
    assert "attendees-2-given_name" not in form
    assert {"remove-0", "remove-1", "add"} <= set(steps)
    _, form, steps = visitor.send("remove-1").form("check")
    assert form["attendees-0-given_name"] == "Ada"
    assert not any(step.startswith("remove") for step in steps), "the last one cannot be removed"


@pytest.mark.parametrize(("seats", "shown"), [("0", 1), ("-1", 1), ("x", 1), ("7", 4), ("9" * 500, 1)])
def test_the_number_of_seats_is_what_there_is(shop: Shop, seats: str, shown: int) -> None:
    visitor = Visitor(shop).open(f"/workshops/{shop.plan(capacity=4)}/book?seats={seats}")
    _, form, _ = visitor.form("check")
    assert sum(name.endswith("given_name") for name in form) == shown


def test_hostile_names_stay_text(shop: Shop) -> None:
    typed = {"attendees__0__given_name": HOSTILE, "payer_name": HOSTILE, "payer_email": "p@example.com"}
    visitor = at_check(shop, shop.plan(), 1, **typed)
    shown = [visitor.page, visitor.send("change").page]
    visitor.send("check").send("confirm")
    shown.append(visitor.open(booking_path(shop, the_booking(shop).booking_id)).page)
    for page in shown:
        assert HOSTILE in page.words or HOSTILE in page.forms[-1][1].values()
        assert "<script>alert" not in page.html


def test_invisible_characters_are_refused_with_a_sentence(shop: Shop) -> None:
    visitor = at_details(shop, shop.plan())
    visitor.send("check", **{**GRACE, "attendees__0__given_name": "Gra\N{RIGHT-TO-LEFT OVERRIDE}ce"})
    assert visitor.problems == ["Enter the name in one line, without invisible characters."]


def test_the_answers_can_be_changed(shop: Shop) -> None:
    visitor = at_check(shop, shop.plan(), payer_name="Pia", payer_email="pia@example.com")
    _, form, _ = visitor.send("change").form("check")
    assert (form["attendees-0-family_name"], form["payer_name"]) == ("Hopper", "Pia")
    visitor.send("check", attendees__0__family_name="Murray").send("confirm")
    with shop.service.transactions.read() as session:
        page = booking_page(session, the_booking(shop).booking_id)
    assert page is not None
    assert [attendee.family_name for attendee in page.attendees] == ["Murray"]


@pytest.mark.parametrize("capacity", [5, 1])
def test_confirming_twice_is_one_booking_also_on_the_last_seat(shop: Shop, capacity: int) -> None:
    workshop_id = shop.plan(capacity=capacity)
    visitor = at_check(shop, workshop_id)
    first = visitor.send("confirm").leads_to
    assert visitor.send_again().leads_to == first
    assert bookings(shop) == 1
    assert shop.workshop(workshop_id).reserved == 1


def test_going_back_with_the_same_answers_finds_the_booking_again(shop: Shop) -> None:
    visitor = at_details(shop, shop.plan())
    details = visitor.send("check", **GRACE).sent
    first = visitor.send("confirm").leads_to
    assert visitor.post(*details).send("confirm").leads_to == first
    assert bookings(shop) == 1


def test_going_back_with_other_answers_is_another_booking(shop: Shop) -> None:
    visitor = at_details(shop, shop.plan())
    path, data = visitor.send("check", **GRACE).sent
    first = visitor.send("confirm").leads_to
    visitor.post(path, {**data, "attendees-0-email": "grace@home.example"})
    assert visitor.send("confirm").leads_to != first
    assert [event.seats[0].amount_minor for event in shop.said(BookingPlaced)] == [100_001, 100_001]
    assert shop.seats_add_up()


def test_a_workshop_that_filled_up_says_so_and_keeps_the_answers(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=2)
    visitor = at_check(shop, workshop_id, 2)
    shop.book(workshop_id)
    visitor.send("confirm")
    assert visitor.status == 422
    assert visitor.problems == ["Only 1 seat is left. Book 1 seat, or choose another date."]
    _, form, steps = visitor.form("check")
    assert form["attendees-1-given_name"] == "Ada"
    assert "remove-1" in steps
    shop.book(workshop_id)
    for step in ("check", "check"):
        visitor.send(step)
        assert visitor.problems == ["This workshop is full. Choose another date."]
    assert ("/workshops", "See the other workshops") in visitor.page.links
    assert visitor.form("check")[1]["attendees-0-given_name"] == "Grace"
    closed = Visitor(shop).open(f"/workshops/{workshop_id}/book")
    assert (closed.status, "This workshop is full." in closed.text) == (409, True)
    assert bookings(shop) == 2


def test_a_workshop_that_began_takes_no_bookings(shop: Shop) -> None:
    workshop_id = shop.plan()
    visitor = at_check(shop, workshop_id)
    shop.clock.advance(timedelta(days=7))
    visitor.send("confirm")
    assert visitor.problems == ["This workshop has already begun. Choose another date."]
    assert "Book" not in visitor.open(f"/workshops/{workshop_id}").text


def test_another_price_is_shown_before_it_is_asked_for(shop: Shop) -> None:
    workshop_id = shop.plan(price_minor=100_000)
    visitor = at_check(shop, workshop_id)
    set_workshop(shop, workshop_id, price_minor=120_000)
    visitor.send("confirm")
    assert visitor.problems == [
        "The price has changed since you saw it. Look at the new price, then book again."
    ]
    assert "€1,200.00" in visitor.text
    visitor.send("check").send("confirm")
    assert the_booking(shop).amount_minor == 120_000


def test_a_free_workshop_goes_straight_to_the_booking(shop: Shop) -> None:
    visitor = at_check(shop, shop.plan(price_minor=0))
    assert "costs nothing" in visitor.text
    visitor.send("confirm")
    assert visitor.path.startswith("/bookings/")
    assert visitor.status == 200


def test_a_form_from_somewhere_else_books_nothing(shop: Shop) -> None:
    visitor = at_check(shop, shop.plan())
    visitor.send("confirm", csrf_token="forged")
    assert (visitor.status, visitor.page.titles["h1"]) == (403, "This page was open too long")
    visitor.client.delete_cookie("rostrum_form")
    assert visitor.send_again().status == 403
    assert bookings(shop) == 0


def test_senseless_bodies_get_a_page(shop: Shop) -> None:
    visitor = at_details(shop, shop.plan())
    path, token = visitor.path.partition("?")[0], visitor.form("check")[1]["csrf_token"]
    senseless = (
        {"step": "remove-99999"},
        {"step": "remove-x"},
        {"step": "nonsense"},
        {"attendees-999-email": "x"},
        {"attendees-0-email-more": "x", "attendees--1-email": "y"},
        {"step": "confirm", "submission_id": "no id", "amount_minor": "-1"},
        {"attendees-0-given_name": "\x00\x1b\x7f" * 10},
    )
    for body in senseless:
        assert visitor.post(path, {"csrf_token": token, **body}).status in (200, 422), body
    assert bookings(shop) == 0
