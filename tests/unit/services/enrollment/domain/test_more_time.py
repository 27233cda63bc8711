"""More time before paying: how much, how often, and when not."""

import itertools
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrollment.domain.booking import Booking, BookingState, HoldPolicy
from services.enrollment.domain.errors import (
    HoldOver,
    NoMoreExtensions,
    PaymentPageOpen,
    PaymentUnderReview,
)

PLACED = datetime(2027, 3, 1, 9, tzinfo=UTC)
START = PLACED + timedelta(days=7)
POLICY = HoldPolicy()


def held(**changes: datetime | BookingState | str | None) -> Booking:
    booking = Booking(
        booking_id=uuid4(),
        reference="R-7K3Q-9F2M",
        workshop_id=uuid4(),
        payer_name="Charles Babbage",
        payer_email="charles@example.com",
        locale="en",
        seats=2,
        seat_price_minor=100,
        amount_minor=200,
        currency="EUR",
        placed_at=PLACED,
        pay_by=PLACED + timedelta(minutes=30),
        hold_ends_at=PLACED + timedelta(minutes=35),
    )
    for name, value in changes.items():
        setattr(booking, name, value)
    return booking


def longer(booking: Booking, *, minutes: float, starts_at: datetime = START) -> bool:
    return booking.keep_longer(POLICY, starts_at=starts_at, now=PLACED + timedelta(minutes=minutes))


def test_it_counts_from_the_moment_of_asking() -> None:
    booking = held()
    assert longer(booking, minutes=20)
    assert booking.pay_by == PLACED + timedelta(minutes=50)
    assert booking.hold_ends_at == PLACED + timedelta(minutes=55)
    assert booking.extensions == 1


def test_a_second_click_at_once_gains_nothing_and_costs_nothing() -> None:
    booking = held()
    assert longer(booking, minutes=20)
    assert not longer(booking, minutes=20.5)
    assert (booking.pay_by, booking.extensions) == (PLACED + timedelta(minutes=50), 1)


def test_ten_times_and_no_more() -> None:
    booking = held()
    for asked in range(10):
        assert longer(booking, minutes=25 * (asked + 1))
    with pytest.raises(NoMoreExtensions, match="10 times"):
        longer(booking, minutes=275)
    assert booking.pay_by == PLACED + timedelta(minutes=280)


def test_never_past_the_start_of_the_workshop() -> None:
    booking = held()
    soon = PLACED + timedelta(minutes=45)
    assert longer(booking, minutes=20, starts_at=soon)
    assert booking.pay_by == soon
    assert not longer(booking, minutes=40, starts_at=soon)


def test_a_moment_after_the_last_one_is_not_too_late_while_the_seats_are_held() -> None:
    booking = held()
    assert longer(booking, minutes=34)
    assert booking.pay_by == PLACED + timedelta(minutes=64)


@pytest.mark.parametrize(
    ("changes", "minutes", "refusal"),
    [
        ({"state": BookingState.CONFIRMED}, 10, HoldOver),
        ({"state": BookingState.EXPIRED}, 10, HoldOver),
        # The timer may not have come round yet.
        ({}, 35, HoldOver),
        ({"page_open_until": PLACED + timedelta(minutes=41)}, 20, PaymentPageOpen),
        ({"wrong_money": "wrong_amount"}, 20, PaymentUnderReview),
    ],
)
def test_when_not(changes: dict[str, datetime], minutes: float, refusal: type[Exception]) -> None:
    booking = held(**changes)
    before = (booking.pay_by, booking.hold_ends_at, booking.extensions)
    with pytest.raises(refusal):
        longer(booking, minutes=minutes)
    assert (booking.pay_by, booking.hold_ends_at, booking.extensions) == before


def test_a_payment_page_that_has_closed_is_no_hindrance() -> None:
    booking = held()
    booking.note_page_open(PLACED + timedelta(minutes=32))
    booking.note_page_open(PLACED + timedelta(minutes=31))
    booking.extend_hold(PLACED + timedelta(minutes=37))
    with pytest.raises(PaymentPageOpen):
        longer(booking, minutes=31.5)
    assert longer(booking, minutes=32)
    assert booking.hold_ends_at == PLACED + timedelta(minutes=67)


def test_a_page_that_took_money_is_no_hindrance_whatever_is_heard_first() -> None:
    first, second = PLACED + timedelta(minutes=56), PLACED + timedelta(minutes=59)
    for order in itertools.permutations(range(4)):
        booking = held(hold_ends_at=PLACED + timedelta(minutes=61))
        news = (
            partial(booking.note_page_open, first),
            partial(booking.note_page_closed, first),
            partial(booking.note_page_open, second),
            partial(booking.note_page_closed, first),
        )
        for index in order:
            news[index]()
        with pytest.raises(PaymentPageOpen):
            longer(booking, minutes=41)
        booking.note_page_closed(second)
        booking.note_page_open(first)
        assert booking.page_open_until is None
        assert longer(booking, minutes=41)


def test_it_can_be_turned_off() -> None:
    policy = HoldPolicy(most_extensions=0)
    with pytest.raises(NoMoreExtensions):
        held().keep_longer(policy, starts_at=START, now=PLACED + timedelta(minutes=20))


@given(asked=st.lists(st.floats(0, 40), min_size=1, max_size=40))
def test_however_it_is_asked_the_whole_wait_is_bounded(asked: list[float]) -> None:
    booking, now = held(), PLACED
    for minutes in asked:
        now += timedelta(minutes=minutes)
        before = booking.pay_by
        try:
            moved = booking.keep_longer(POLICY, starts_at=START, now=now)
        except (HoldOver, NoMoreExtensions):
            moved = False
        assert booking.pay_by >= before
        assert (booking.pay_by > before) == moved
        assert booking.pay_by - now <= timedelta(minutes=30) or not moved
    assert booking.extensions <= 10
    assert booking.hold_ends_at == booking.pay_by + POLICY.grace
    assert booking.hold_ends_at <= PLACED + timedelta(minutes=35 * 11)
