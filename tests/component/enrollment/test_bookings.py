"""What becomes of a booking, whatever comes first."""

import itertools
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from services.enrollment.domain import BookingState, SeatState
from services.enrollment.domain.errors import BookingClosed, PriceChanged, UnknownWorkshop, WorkshopFull
from services.enrollment.domain.people import PayerDetails
from shared.contracts.enrollment import BookingConfirmed, BookingExpired, BookingPlaced, BookingUnseated
from shared.contracts.payment import PaymentFailed
from shared.errors import Invalid
from shared.messaging.event import Event
from tests.component.enrollment.news import START, attendee, opened, paid
from tests.component.enrollment.shop import Shop, sqlite_url

AFTER_HOLD = timedelta(minutes=36)


def test_a_booking_reserves_its_seats_and_freezes_the_price(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=5, price_minor=100_001)
    placed = shop.book(workshop_id, 3)

    booking = shop.booking(placed.booking_id)
    assert booking.state is BookingState.HELD
    assert (booking.seats, booking.seat_price_minor, booking.amount_minor) == (3, 100_001, 300_003)
    assert booking.pay_by == START + timedelta(minutes=30)
    assert booking.hold_ends_at == START + timedelta(minutes=35)
    assert shop.workshop(workshop_id).reserved == 3
    (event,) = shop.said(BookingPlaced)
    assert event.reference == placed.reference
    assert sum(seat.amount_minor for seat in event.seats) == event.amount_minor == 300_003
    assert event.person.payer_email == "charles@example.com"
    assert event.time_zone == "Europe/Berlin"


def test_a_full_workshop_says_how_many_seats_are_left(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=3)
    shop.book(workshop_id, 2)
    with pytest.raises(WorkshopFull) as refused:
        shop.book(workshop_id, 2)
    assert refused.value.seats_left == 1
    assert "1 seat is left" in refused.value.detail
    shop.book(workshop_id, 1)
    with pytest.raises(WorkshopFull, match="full"):
        shop.book(workshop_id, 1)
    assert shop.workshop(workshop_id).reserved == 3
    assert len(shop.said(BookingPlaced)) == 2


def test_drafts_unknown_and_started_workshops_take_no_booking(shop: Shop) -> None:
    with pytest.raises(UnknownWorkshop):
        shop.book(uuid4())
    with pytest.raises(UnknownWorkshop):
        shop.book(shop.plan(publish=False))
    workshop_id = shop.plan()
    shop.clock.advance(timedelta(days=7))
    with pytest.raises(BookingClosed, match="begun"):
        shop.book(workshop_id)


def test_another_price_than_shown_is_refused(shop: Shop) -> None:
    workshop_id = shop.plan(price_minor=100)
    with pytest.raises(PriceChanged):
        shop.book(workshop_id, 2, expected_amount_minor=150)
    assert shop.workshop(workshop_id).reserved == 0
    shop.book(workshop_id, 2, expected_amount_minor=200)


def test_wrong_people_are_named_by_field(shop: Shop) -> None:
    workshop_id = shop.plan()
    with pytest.raises(Invalid) as refused:
        shop.book(
            workshop_id,
            payer=PayerDetails(name="Eve\r\nBcc: all@example.com", email="nobody"),
            attendees=(attendee(1), attendee(1)),
        )
    assert set(refused.value.fields) == {"payer_name", "payer_email", "attendees.1.registry_email"}
    assert shop.count("booking") == 0


def test_the_same_form_sent_twice_is_one_booking(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=4)
    submission_id = uuid4()
    first = shop.book(workshop_id, 3, submission_id=submission_id)
    # The second time the seats would not even suffice.
    second = shop.book(workshop_id, 3, submission_id=submission_id)
    assert second == first
    shop.book(workshop_id, 1)
    assert shop.workshop(workshop_id).reserved == 4
    other = PayerDetails(name="Somebody Else", email="else@example.com")
    with pytest.raises(Invalid, match="already used"):
        shop.book(workshop_id, 3, submission_id=submission_id, payer=other)


def test_a_repeated_form_with_room_gives_the_seats_back(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=10)
    submission_id = uuid4()
    first = shop.book(workshop_id, 2, submission_id=submission_id)
    assert shop.book(workshop_id, 2, submission_id=submission_id) == first
    assert shop.workshop(workshop_id).reserved == 2
    assert len(shop.said(BookingPlaced)) == 1


def test_a_payment_in_time_confirms(shop: Shop) -> None:
    workshop_id = shop.plan()
    placed = shop.confirmed(workshop_id, 2)

    assert shop.booking(placed.booking_id).state is BookingState.CONFIRMED
    (event,) = shop.said(BookingConfirmed)
    assert [seat.revision for seat in event.seats] == [1, 1]
    assert event.seats[0].person.registry_email == "person0@registry.example.com"
    assert event.course_code == "CSPO"
    shop.clock.advance(AFTER_HOLD)
    shop.end_holds()
    assert shop.booking(placed.booking_id).state is BookingState.CONFIRMED
    assert shop.seats_add_up()


def test_a_hold_ends_by_the_timer_alone(shop: Shop) -> None:
    workshop_id = shop.plan()
    placed = shop.book(workshop_id, 2)
    shop.clock.advance(timedelta(minutes=34))
    shop.end_holds()
    assert shop.booking(placed.booking_id).state is BookingState.HELD
    shop.clock.advance(timedelta(minutes=1))
    shop.end_holds()
    shop.end_holds()

    assert shop.booking(placed.booking_id).state is BookingState.EXPIRED
    assert shop.workshop(workshop_id).reserved == 0
    (event,) = shop.said(BookingExpired)
    assert event.reason == "hold_ended"
    assert [seat.revision for seat in event.seats] == [1, 1]
    assert shop.seats_add_up()


def test_an_open_payment_page_moves_the_end_later_only(shop: Shop) -> None:
    placed = shop.book(shop.plan())
    expires_at = START + timedelta(minutes=50)
    shop.tell(opened(placed, expires_at))
    assert shop.booking(placed.booking_id).hold_ends_at == expires_at + timedelta(minutes=5)
    shop.tell(opened(placed, START + timedelta(minutes=40)))
    assert shop.booking(placed.booking_id).hold_ends_at == expires_at + timedelta(minutes=5)
    shop.clock.advance(timedelta(minutes=54))
    shop.end_holds()
    assert shop.booking(placed.booking_id).state is BookingState.HELD


def test_a_late_payment_gets_its_seats_back_when_all_are_free(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=2)
    placed = shop.book(workshop_id, 2)
    shop.clock.advance(AFTER_HOLD)
    shop.end_holds()
    shop.tell(paid(placed))

    assert shop.booking(placed.booking_id).state is BookingState.CONFIRMED
    assert shop.workshop(workshop_id).reserved == 2
    (event,) = shop.said(BookingConfirmed)
    assert [seat.revision for seat in event.seats] == [2, 2]
    assert shop.said(BookingUnseated) == []
    assert shop.seats_add_up()


@pytest.mark.parametrize("others", [1, 2])
def test_a_late_payment_is_unseated_when_not_all_seats_are_free(shop: Shop, others: int) -> None:
    workshop_id = shop.plan(capacity=2)
    placed = shop.book(workshop_id, 2)
    shop.clock.advance(AFTER_HOLD)
    shop.end_holds()
    shop.book(workshop_id, others)
    event = paid(placed)
    shop.tell(event)
    shop.tell(event)

    booking = shop.booking(placed.booking_id)
    assert (booking.state, booking.payment_id) == (BookingState.UNSEATED, event.payment_id)
    (unseated,) = shop.said(BookingUnseated)
    assert unseated.payment_id == event.payment_id
    assert [seat.revision for seat in unseated.seats] == [2, 2]
    assert shop.workshop(workshop_id).reserved == others
    assert shop.seats_add_up()
    steps = shop.page(placed.booking_id).attendees[0].steps
    assert steps[0].state == "problem"
    assert "returned" in steps[0].text


def test_a_free_workshop_needs_nothing_special(shop: Shop) -> None:
    workshop_id = shop.plan(price_minor=0)
    placed = shop.book(workshop_id)
    assert placed.amount_minor == 0
    shop.tell(paid(placed))
    assert shop.booking(placed.booking_id).state is BookingState.CONFIRMED


def test_a_second_payment_changes_nothing(shop: Shop) -> None:
    placed = shop.confirmed(shop.plan())
    first = shop.booking(placed.booking_id).payment_id
    shop.tell(paid(placed))
    assert shop.booking(placed.booking_id).payment_id == first
    assert len(shop.said(BookingConfirmed)) == 1


def test_a_payment_for_a_booking_that_is_not_ours_is_dead_at_once(shop: Shop) -> None:
    placed = shop.book(shop.plan())
    stranger = paid(placed)
    object.__setattr__(stranger, "booking_id", uuid4())
    with pytest.raises(AssertionError, match="never placed here"):
        shop.tell(stranger)


def test_every_order_of_the_news_ends_the_same(tmp_path: Path) -> None:
    outcomes = set()
    for number, order in enumerate(itertools.permutations(range(4))):
        folder = tmp_path / str(number)
        folder.mkdir()
        shop = Shop(sqlite_url(folder))
        placed = shop.book(shop.plan())
        at = START + timedelta(minutes=2)
        failed = PaymentFailed(
            payable_id=placed.booking_id, booking_id=placed.booking_id, reason="card_declined", occurred_at=at
        )
        news: list[Event] = [
            opened(placed, START + timedelta(minutes=40)),
            paid(placed, at=at, payment_id=placed.booking_id),
            failed,
            opened(placed, START + timedelta(minutes=45)),
        ]
        for index in order:
            shop.tell(news[index])
        shop.clock.advance(timedelta(hours=2))
        shop.end_holds()
        booking = shop.booking(placed.booking_id)
        outcomes.add((booking.state, booking.payment_id is not None, booking.payment_problem))
        assert [attendee.seat for attendee in shop.page(placed.booking_id).attendees] == [SeatState.KEPT]
        assert len(shop.said(BookingConfirmed)) == 1
        assert shop.seats_add_up()
        shop.close()
    assert outcomes == {(BookingState.CONFIRMED, True, "card_declined")}


def test_one_batch_confirms_many_bookings(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=20)
    bookings = [shop.book(workshop_id, 2) for _ in range(5)]
    shop.tell(*(event for placed in bookings for event in (opened(placed, START), paid(placed))))
    assert {shop.booking(placed.booking_id).state for placed in bookings} == {BookingState.CONFIRMED}
    assert len(shop.said(BookingConfirmed)) == 5
