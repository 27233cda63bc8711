"""A booking's states, its hold, its shares and its reference."""

import itertools
import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrollment.domain.booking import (
    MAX_SEATS,
    REFERENCE_ALPHABET,
    TRANSITIONS,
    Booking,
    BookingState,
    HoldPolicy,
    Unseated,
    new_reference,
    seat_shares,
)

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


def booking(state: BookingState = BookingState.HELD) -> Booking:
    return Booking(
        booking_id=uuid4(),
        reference="R-7K3Q-9F2M",
        workshop_id=uuid4(),
        state=state,
        payer_name="Charles Babbage",
        payer_email="charles@example.com",
        locale="en",
        seats=2,
        seat_price_minor=100,
        amount_minor=200,
        currency="EUR",
        placed_at=NOW,
        pay_by=NOW + timedelta(minutes=30),
        hold_ends_at=NOW + timedelta(minutes=35),
    )


@given(amount=st.integers(0, 10**9), seats=st.integers(1, MAX_SEATS))
def test_shares_sum_to_the_amount_and_differ_by_one_at_most(amount: int, seats: int) -> None:
    shares = seat_shares(amount, seats)
    assert sum(shares) == amount
    assert len(shares) == seats
    assert max(shares) - min(shares) <= 1


def test_a_reference_can_be_read_on_the_phone() -> None:
    references = {new_reference() for _ in range(200)}
    assert len(references) == 200
    assert all(
        re.fullmatch(rf"R-[{REFERENCE_ALPHABET}]{{4}}-[{REFERENCE_ALPHABET}]{{4}}", one) for one in references
    )
    assert not set("01ILOUAE") & set(REFERENCE_ALPHABET)


def test_every_edge_has_a_reason_and_every_other_is_refused() -> None:
    moves = {
        BookingState.CONFIRMED: lambda one: one.confirm(uuid4(), NOW),
        BookingState.UNSEATED: lambda one: one.unseat(uuid4(), Unseated.FULL, NOW),
    }
    assert all(TRANSITIONS.values())
    for start, (to, move) in itertools.product(BookingState, moves.items()):
        one = booking(start)
        if (start, to) in TRANSITIONS:
            move(one)
            assert one.state is to
        else:
            with pytest.raises(ValueError, match="cannot go"):
                move(one)
            assert one.state is start


def test_a_hold_ends_at_its_moment_and_only_once() -> None:
    one = booking()
    assert not one.expire(one.hold_ends_at - timedelta(microseconds=1))
    assert one.expire(one.hold_ends_at)
    assert not one.expire(one.hold_ends_at)
    assert not booking(BookingState.CONFIRMED).expire(NOW + timedelta(days=1))


def test_a_hold_moves_later_only_and_only_while_it_stands() -> None:
    one = booking()
    end = one.hold_ends_at
    assert not one.extend_hold(end)
    assert one.extend_hold(end + timedelta(minutes=1))
    expired = booking(BookingState.EXPIRED)
    assert not expired.extend_hold(end + timedelta(days=1))
    assert expired.hold_ends_at == end


def test_the_policy_gives_money_time_to_be_heard_of() -> None:
    policy = HoldPolicy(hold=timedelta(minutes=10), grace=timedelta(minutes=2))
    assert policy.pay_by(NOW) == NOW + timedelta(minutes=10)
    assert policy.hold_ends_at(policy.pay_by(NOW)) == NOW + timedelta(minutes=12)


def test_the_newest_fact_about_wrong_money_stays_whatever_comes_first() -> None:
    told = [("wrong_amount", 1), ("returned", 2), ("wrong_amount", 3), ("returned", 4)]
    for order in itertools.permutations(told):
        one = booking()
        for fact, revision in order:
            one.note_wrong_money(fact, revision, NOW + timedelta(minutes=revision))
            one.note_payment_problem("card_declined", NOW + timedelta(hours=1))
        assert (one.wrong_money, one.wrong_money_at) == ("returned", NOW + timedelta(minutes=4))
    # Told before facts of this kind were counted.
    one = booking()
    one.note_wrong_money("wrong_currency", 0, NOW)
    assert one.wrong_money == "wrong_currency"
    one.note_wrong_money("returned", 1, NOW)
    one.note_wrong_money("wrong_currency", 0, NOW)
    assert one.wrong_money == "returned"


def test_the_newest_problem_of_paying_stays() -> None:
    one = booking()
    one.note_payment_problem("card_declined", NOW + timedelta(minutes=2))
    one.note_payment_problem("session_expired", NOW + timedelta(minutes=1))
    assert one.payment_problem == "card_declined"
