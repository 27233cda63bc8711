"""The last seat is sold once, however many want it at the same instant; on both databases.

A hundred buyers are a hundred threads with a hundred connections. On PostgreSQL each has an open transaction
before the first may take a seat; SQLite has one writer at a time, so there they are let go one step earlier.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import event, text, true
from sqlalchemy.exc import IntegrityError

from services.enrollment import handlers, repository
from services.enrollment.domain import BookingState
from services.enrollment.domain.errors import WorkshopFull
from services.enrollment.handlers import PlacedBooking
from tests.component.enrollment.news import paid
from tests.component.enrollment.shop import Shop, sqlite_url
from tests.support.at_once import at_once
from tests.support.needs import Needs

BUYERS = 100
ROUNDS = 20
CONNECTIONS_BESIDE = 10


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, needs: Needs) -> Iterator[Shop]:
    """Enrollment on each database, with as many connections as there are buyers."""
    on_sqlite = request.param == "sqlite"
    url = sqlite_url(tmp_path) if on_sqlite else request.getfixturevalue("database_url")()
    shop = Shop(url, pool_size=BUYERS)
    if not on_sqlite:
        with shop.service.engine.connect() as connection:
            most = int(connection.execute(text("SHOW max_connections")).scalar_one())
        if most < BUYERS + CONNECTIONS_BESIDE:
            needs.unmet("postgres", f"a hundred buyers need more than its max_connections = {most}")
    yield shop
    shop.close()


def buyer(shop: Shop, workshop_id: UUID, seats: int = 1) -> Callable[[], int]:
    """Tries to book; tells how many seats it got."""

    def buy() -> int:
        try:
            shop.book(workshop_id, seats)
        except WorkshopFull:
            return 0
        return seats

    return buy


def a_hundred(
    shop: Shop, workshop_id: UUID, *, refusal: type[Exception] = WorkshopFull
) -> Sequence[Callable[[], int]]:
    """Buyers of one seat each; on PostgreSQL none goes on before all stand in an open transaction."""
    waits = shop.service.engine.dialect.name == "postgresql"
    everybody = threading.Barrier(BUYERS)

    def buy() -> int:
        try:
            with shop.service.transactions.begin() as tx:
                tx.session.execute(text("SELECT 1"))
                if waits:
                    everybody.wait(timeout=30)
                handlers.place_booking(shop.command(workshop_id), tx)
        except refusal:
            return 0
        return 1

    return [buy] * BUYERS


def late_payment(shop: Shop, placed: PlacedBooking) -> Callable[[], int]:
    """Money comes after the hold; it buys nothing by itself."""

    def pay() -> int:
        shop.tell(paid(placed))
        return 0

    return pay


def remove_the_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the guard out of the update."""
    monkeypatch.setattr(repository, "seats_are_free", lambda seats: true())


def remove_the_check(shop: Shop) -> None:
    """Take the CHECK out of the table."""
    engine = shop.service.engine
    if engine.dialect.name == "sqlite":
        event.listen(
            engine, "connect", lambda raw, _record: raw.execute("PRAGMA ignore_check_constraints=ON")
        )
        engine.dispose()
    else:
        with engine.begin() as connection:
            connection.execute(
                text("ALTER TABLE workshop DROP CONSTRAINT ck_workshop_reserved_within_capacity")
            )


def test_a_hundred_buyers_are_a_hundred_threads() -> None:
    assert len(set(at_once([threading.get_ident] * BUYERS))) == BUYERS


def test_one_seat_for_a_hundred_buyers(shop: Shop) -> None:
    for _ in range(ROUNDS):
        workshop_id = shop.plan(capacity=1)
        got = at_once(a_hundred(shop, workshop_id))
        assert sum(got) == 1
        assert shop.workshop(workshop_id).reserved == 1
    assert shop.count("booking") == shop.count("enrollment") == ROUNDS
    assert shop.seats_add_up()


def test_groups_and_single_buyers_fill_exactly_the_capacity(shop: Shop) -> None:
    wishes = [1 + number % 4 for number in range(40)]
    for _ in range(ROUNDS):
        workshop_id = shop.plan(capacity=17)
        got = at_once([buyer(shop, workshop_id, seats) for seats in wishes])
        assert sum(got) == 17
        assert shop.workshop(workshop_id).reserved == 17
    assert shop.seats_add_up()


def test_a_late_payment_and_new_buyers_meet_over_one_seat(shop: Shop) -> None:
    for _ in range(ROUNDS):
        workshop_id = shop.plan(capacity=1)
        placed = shop.book(workshop_id)
        shop.clock.advance(timedelta(minutes=36))
        shop.end_holds()

        buyers = [buyer(shop, workshop_id)] * 6
        got = at_once([*buyers, late_payment(shop, placed), *buyers])
        state = shop.booking(placed.booking_id).state
        assert state in {BookingState.CONFIRMED, BookingState.UNSEATED}
        assert sum(got) == (1 if state is BookingState.UNSEATED else 0)
        assert shop.workshop(workshop_id).reserved == 1
        assert shop.seats_add_up()


def test_the_check_stands_behind_the_condition(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    remove_the_condition(monkeypatch)
    workshop_id = shop.plan(capacity=1)
    got = at_once(a_hundred(shop, workshop_id, refusal=IntegrityError))
    assert sum(got) == 1
    assert shop.workshop(workshop_id).reserved == 1


def test_without_the_guard_the_seat_is_sold_many_times(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: these tests would notice a missing guard."""
    remove_the_condition(monkeypatch)
    remove_the_check(shop)
    workshop_id = shop.plan(capacity=1)
    got = at_once(a_hundred(shop, workshop_id))
    assert sum(got) > 1
    assert shop.workshop(workshop_id).reserved > 1
