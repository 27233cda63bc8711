"""Money that comes after the hold: what counts is whether it was paid before the workshop began."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from services.enrollment.domain import BookingState, Workshop, WorkshopState
from services.enrollment.domain.booking import Unseated
from services.enrollment.handlers import PlacedBooking
from shared.contracts.enrollment import BookingConfirmed, BookingUnseated
from tests.component.enrollment.news import paid
from tests.component.enrollment.shop import Shop
from tests.component.enrollment.visitor import Visitor

WEEK = timedelta(days=7)
SECOND = timedelta(seconds=1)


def lapsed(shop: Shop) -> PlacedBooking:
    """A booking whose hold ended, of a workshop that has begun since."""
    placed = shop.book(shop.plan(), 2)
    shop.clock.advance(WEEK + timedelta(days=3))
    shop.end_holds()
    return placed


def page(shop: Shop, placed: PlacedBooking) -> Visitor:
    token = shop.service.links.issue("booking", placed.booking_id, 1)
    return Visitor(shop).open(f"/bookings/{token}")


def test_paid_after_the_workshop_began_it_gets_no_seat(shop: Shop) -> None:
    placed = lapsed(shop)
    booking = shop.booking(placed.booking_id)
    news = paid(placed, at=booking.placed_at + WEEK)
    shop.tell(news)
    shop.tell(news)

    booking = shop.booking(placed.booking_id)
    assert (booking.state, booking.unseated_reason) == (BookingState.UNSEATED, Unseated.BEGUN)
    assert shop.workshop(booking.workshop_id).reserved == 0
    (unseated,) = shop.said(BookingUnseated)
    assert (unseated.payment_id, len(unseated.seats)) == (news.payment_id, 2)
    assert shop.said(BookingConfirmed) == []
    assert shop.seats_add_up()

    visitor = page(shop, placed)
    assert visitor.page.titles["h1"] == "The workshop has already begun"
    assert "Your money comes back" in visitor.text
    shop.do_tasks()
    letter = shop.mail.sent[-1]
    assert "the workshop had begun, your money comes back" in letter["Subject"]
    for words in (visitor.text, letter.get_content()):
        assert "the workshop had already begun" in words
        assert "sold" not in words
        assert "somebody else" not in words


def test_paid_in_the_last_second_before_it_gets_its_seats_however_late_we_hear(shop: Shop) -> None:
    placed = lapsed(shop)
    shop.tell(paid(placed, at=shop.booking(placed.booking_id).placed_at + WEEK - SECOND))

    booking = shop.booking(placed.booking_id)
    assert (booking.state, booking.unseated_reason) == (BookingState.CONFIRMED, None)
    assert shop.workshop(booking.workshop_id).reserved == 2
    assert shop.seats_add_up()


def test_a_hold_that_stands_is_confirmed_whenever_it_is_paid(shop: Shop) -> None:
    workshop_id = shop.plan()
    shop.clock.advance(WEEK - timedelta(minutes=5))
    placed = shop.book(workshop_id)
    shop.clock.advance(timedelta(minutes=10))
    shop.tell(paid(placed, at=shop.clock.now()))
    assert shop.booking(placed.booking_id).state is BookingState.CONFIRMED


@pytest.mark.parametrize(
    ("state", "reason", "title"),
    [
        (WorkshopState.CANCELLED, Unseated.CANCELLED, "The workshop was cancelled"),
        (WorkshopState.COMPLETED, Unseated.BEGUN, "The workshop has already begun"),
    ],
)
def test_paid_in_time_for_a_workshop_that_is_closed_it_says_why(
    shop: Shop, state: WorkshopState, reason: Unseated, title: str
) -> None:
    placed = lapsed(shop)
    booking = shop.booking(placed.booking_id)
    with shop.service.transactions.begin() as tx:
        tx.session.execute(
            update(Workshop).where(Workshop.workshop_id == booking.workshop_id).values(state=state)
        )
    shop.tell(paid(placed))
    assert shop.booking(placed.booking_id).unseated_reason is reason
    visitor = page(shop, placed)
    assert visitor.page.titles["h1"] == title
    assert "sold" not in visitor.text


def test_an_unseated_booking_of_earlier_times_had_one_reason(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=1)
    placed = shop.book(workshop_id)
    shop.clock.advance(timedelta(minutes=36))
    shop.end_holds()
    shop.book(workshop_id)
    shop.tell(paid(placed))
    booking = shop.booking(placed.booking_id)
    assert booking.unseated_reason is Unseated.FULL
    with shop.service.transactions.begin() as tx:
        tx.session.execute(update(type(booking)).values(unseated_reason=None))
    assert page(shop, placed).page.titles["h1"] == "The workshop is full"
