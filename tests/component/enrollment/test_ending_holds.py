"""The timer that ends holds: one booking that cannot be ended keeps no other's seats locked."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from services.enrollment import handlers
from services.enrollment.commands import EndHold
from services.enrollment.domain import BookingState, Workshop
from services.enrollment.tasks import timers
from shared.db.transaction import Tx
from shared.messaging.failures import DatabaseAway
from tests.component.enrollment.shop import Shop

AFTER_HOLD = timedelta(minutes=36)


def lose_count(shop: Shop, workshop_id: UUID) -> None:
    """The counter says that no seat is taken: giving one back breaks the CHECK behind it."""
    with shop.service.transactions.begin() as tx:
        tx.session.execute(update(Workshop).where(Workshop.workshop_id == workshop_id).values(reserved=0))


def state_of(shop: Shop, placed: handlers.PlacedBooking) -> BookingState:
    return shop.booking(placed.booking_id).state


def test_a_booking_that_cannot_be_ended_keeps_no_others_seats(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = shop.plan()
    bad = shop.book(wrong)
    lose_count(shop, wrong)
    shop.clock.advance(timedelta(seconds=1))
    workshop_id = shop.plan()
    good = [shop.book(workshop_id, 2) for _ in range(2)]
    shop.clock.advance(AFTER_HOLD)

    shop.end_holds()

    assert [state_of(shop, placed) for placed in good] == [BookingState.EXPIRED] * 2
    assert shop.workshop(workshop_id).reserved == 0
    assert state_of(shop, bad) is BookingState.HELD
    said = capsys.readouterr().out
    assert "hold_not_ended" in said
    assert str(bad.booking_id) in said

    # Once somebody has mended the counter, nothing else has to be done.
    with shop.service.transactions.begin() as tx:
        tx.session.execute(update(Workshop).where(Workshop.workshop_id == wrong).values(reserved=1))
    shop.end_holds()
    assert state_of(shop, bad) is BookingState.EXPIRED
    assert shop.seats_add_up()


def test_more_bad_bookings_than_one_page_hide_no_good_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers, "_BATCH", 2)
    wrong = shop.plan()
    # Several of the same moment: the page ends among them.
    for _ in range(5):
        shop.book(wrong)
    lose_count(shop, wrong)
    good = shop.book(shop.plan())
    shop.clock.advance(timedelta(seconds=1))
    last = shop.book(shop.plan())
    shop.clock.advance(AFTER_HOLD)

    shop.end_holds()

    assert state_of(shop, good) is state_of(shop, last) is BookingState.EXPIRED


def test_while_the_database_is_away_the_run_ends_at_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        shop.book(shop.plan())
    shop.clock.advance(AFTER_HOLD)
    tried = 0

    def away(command: EndHold, tx: Tx) -> None:
        nonlocal tried
        tried += 1
        raise OperationalError("", {}, Exception("the server closed the connection"))

    monkeypatch.setattr(handlers, "end_hold", away)
    with pytest.raises(DatabaseAway):
        shop.end_holds()
    assert tried == 1
