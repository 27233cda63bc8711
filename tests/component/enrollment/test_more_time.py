"""Seats are kept longer when the payer asks in time: the page, the event, the race, the letter."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from services.enrollment import handlers
from services.enrollment.commands import EndHold, KeepSeatsLonger
from services.enrollment.domain import Booking, BookingState
from services.enrollment.domain.errors import HoldOver
from services.enrollment.handlers import PlacedBooking, holds
from shared.contracts.enrollment import BookingExpired, BookingExtended
from shared.db.transaction import Tx
from tests.component.enrollment.news import START, opened, paid
from tests.component.enrollment.shop import Shop
from tests.component.enrollment.visitor import Visitor, booking_path

CLICKS = 6
ROUNDS = 10


def ask(shop: Shop, placed: PlacedBooking) -> bool:
    with shop.service.transactions.begin() as tx:
        return handlers.keep_seats_longer(KeepSeatsLonger(booking_id=placed.booking_id, hold=shop.hold), tx)


def shown(shop: Shop, placed: PlacedBooking) -> Visitor:
    return Visitor(shop).open(booking_path(shop, placed.booking_id))


def press(visitor: Visitor) -> Visitor:
    (action,) = (action for action, _, _ in visitor.page.forms if action.endswith("/more-time"))
    (form,) = (form for action, form, _ in visitor.page.forms if action.endswith("/more-time"))
    visitor.post(action, form)
    return visitor.open(visitor.leads_to) if visitor.leads_to else visitor


def test_the_button_gives_more_time_and_the_page_says_so(shop: Shop) -> None:
    placed = shop.book(shop.plan(), 2)
    shop.clock.advance(timedelta(minutes=20))
    visitor = shown(shop, placed)
    assert "Keep my seats longer" in visitor.page.html
    press(visitor)
    assert visitor.status == 200
    assert "You have more time" in visitor.text
    assert "Mon 1 Mar 2027, 10:50 CET" in visitor.text
    (said,) = shop.said(BookingExtended)
    assert (said.booking_id, said.pay_by) == (placed.booking_id, START + timedelta(minutes=50))
    # The hold really lasts: the timer of the old end finds nothing to do.
    shop.clock.advance(timedelta(minutes=16))
    shop.end_holds()
    assert shop.booking(placed.booking_id).state is BookingState.HELD
    shop.clock.advance(timedelta(minutes=19))
    shop.end_holds()
    assert shop.booking(placed.booking_id).state is BookingState.EXPIRED
    assert shop.seats_add_up()


def test_it_is_not_offered_where_it_is_not_possible(shop: Shop) -> None:
    workshop_id = shop.plan()
    in_checkout, confirmed = shop.book(workshop_id), shop.confirmed(workshop_id)
    shop.tell(opened(in_checkout, START + timedelta(minutes=31)))
    fresh = shop.book(workshop_id)
    # Right after booking there is nothing to gain.
    for placed in (in_checkout, confirmed, fresh):
        assert "more-time" not in shown(shop, placed).page.html
    shop.clock.advance(timedelta(minutes=5))
    assert "more-time" in shown(shop, fresh).page.html
    assert "more-time" not in shown(shop, in_checkout).page.html


def test_a_page_that_was_open_too_long_gets_an_answer_that_helps(shop: Shop) -> None:
    placed = shop.book(shop.plan())
    shop.clock.advance(timedelta(minutes=10))
    visitor = shown(shop, placed)
    shop.tell(opened(placed, shop.clock.now() + timedelta(minutes=31)))
    press(visitor)
    assert visitor.status == 409
    assert visitor.problems == [
        "The payment page is open, and its time cannot be changed. Pay there, or wait until it has closed."
    ]
    assert shop.said(BookingExtended) == []


def test_only_the_holder_of_the_link_and_only_with_the_form(shop: Shop) -> None:
    placed, other = shop.book(shop.plan()), shop.book(shop.plan())
    shop.clock.advance(timedelta(minutes=10))
    path = f"{booking_path(shop, placed.booking_id)}/more-time"
    assert Visitor(shop).post(path, {}).status == 403
    visitor = shown(shop, other)
    (form,) = (form for action, form, _ in visitor.page.forms if action.endswith("/more-time"))
    assert visitor.post("/bookings/nonsense/more-time", form).status == 404
    pay_token = shop.service.links.issue("pay", placed.booking_id, 1)
    assert visitor.post(f"/bookings/{pay_token}/more-time", form).status == 404
    assert shop.said(BookingExtended) == []


def test_money_that_comes_in_the_added_time_keeps_the_seats(shop: Shop) -> None:
    placed = shop.book(shop.plan(capacity=1))
    shop.clock.advance(timedelta(minutes=29))
    assert ask(shop, placed)
    shop.clock.advance(timedelta(minutes=29))
    shop.end_holds()
    shop.tell(opened(placed, shop.clock.now() + timedelta(minutes=31)))
    shop.tell(paid(placed))
    assert shop.booking(placed.booking_id).state is BookingState.CONFIRMED


# Two at once, on PostgreSQL --------------------------------------------------------------------------


@pytest.fixture
def busy(database_url: Callable[[], str]) -> Iterator[Shop]:
    """Enrollment on PostgreSQL, with as many connections as clicks."""
    shop = Shop(database_url(), pool_size=CLICKS + 1)
    yield shop
    shop.close()


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait(timeout=30)
        try:
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def end(shop: Shop, placed: PlacedBooking) -> None:
    with shop.service.transactions.begin() as tx:
        handlers.end_hold(EndHold(booking_id=placed.booking_id), tx)


def many_clicks(shop: Shop) -> list[tuple[int, int]]:
    """Per round: how often the deadline moved, and how often that was said."""
    workshop_id = shop.plan(capacity=ROUNDS)
    found = []
    for _ in range(ROUNDS):
        placed = shop.book(workshop_id)
        shop.clock.advance(timedelta(minutes=5))
        at_once([partial(ask, shop, placed)] * CLICKS)
        told = [event for event in shop.said(BookingExtended) if event.booking_id == placed.booking_id]
        found.append((shop.booking(placed.booking_id).extensions, len(told)))
    return found


def test_many_clicks_at_once_are_one_extension(busy: Shop) -> None:
    assert many_clicks(busy) == [(1, 1)] * ROUNDS


def test_without_the_lock_they_are_told_more_than_once(busy: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def unlocked(booking_id: UUID, tx: Tx) -> Booking:
        booking = tx.session.get(Booking, booking_id)
        assert booking is not None
        return booking

    monkeypatch.setattr(holds, "known_booking", unlocked)
    assert any(told > 1 for _, told in many_clicks(busy)), "the race must be real, or the test proves nothing"


def test_the_end_of_a_hold_and_a_click_never_both_win(busy: Shop) -> None:
    workshop_id = busy.plan(capacity=ROUNDS)
    for _ in range(ROUNDS):
        placed = busy.book(workshop_id)
        busy.clock.advance(timedelta(minutes=35))
        _, clicked = at_once([partial(end, busy, placed), partial(ask, busy, placed)])
        assert isinstance(clicked, HoldOver)
        assert busy.booking(placed.booking_id).state is BookingState.EXPIRED
    assert busy.said(BookingExtended) == []
    assert len(busy.said(BookingExpired)) == ROUNDS
    assert busy.seats_add_up()
