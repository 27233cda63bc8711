"""The checker of the random kills can see each thing that it says it looks for."""

from dataclasses import replace
from uuid import UUID

import pytest

from tests.chaos.checker import check
from tests.chaos.journeys import Party, parties
from tests.chaos.options import Options
from tests.chaos.truth import BookingTruth, MessageTruth, SeatTruth, Truth

BOOKING, SEAT = UUID(int=1), UUID(int=2)
GOOD_BOOKING = BookingTruth(
    booking_id=BOOKING,
    payer_email="payer-0@example.com",
    state="confirmed",
    seats=1,
    charges=1,
    payments=1,
    account="settled",
)
GOOD_SEAT = SeatTruth(
    enrollment_id=SEAT,
    booking_id=BOOKING,
    seat="kept",
    accepted=1,
    certificates=1,
    activation="activated",
    shown_active=True,
)
GOOD_MESSAGE = MessageTruth(
    message_id="m", type="booking.placed.v1", reader="payment", effects=1, troubled=True
)


def party(**changes: object) -> Party:
    made = Party(
        number=0,
        wave=0,
        seats=1,
        by_form=False,
        pays=True,
        comes_back=True,
        given_name="Ada",
        family_name="Lovelace",
        booking_id=BOOKING,
        pay_url="/pay/x",
        paid=True,
        troubles=1,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # each test names fields of a Party


def truth(
    *, booking: dict[str, object] | None = None, seat: dict[str, object] | None = None, **more: object
) -> Truth:
    made = Truth(
        bookings=[replace(GOOD_BOOKING, **(booking or {}))],  # type: ignore[arg-type]  # fields of it
        seats=[replace(GOOD_SEAT, **(seat or {}))],  # type: ignore[arg-type]  # fields of it
        messages=[GOOD_MESSAGE],
    )
    return replace(made, **more)  # type: ignore[arg-type]  # fields of a Truth


def test_what_was_hit_and_ended_right_is_recovered() -> None:
    verdict = check([party()], truth())
    assert verdict.holds
    assert verdict.counts() == {"lost": 0, "duplicated": 0, "unexpected": 0, "recovered": 2}


@pytest.mark.parametrize(
    "wrong",
    [
        truth(booking={"state": "expired"}),
        truth(booking={"charges": 0}),
        truth(booking={"payments": 0, "account": "open"}),
        truth(seat={"accepted": 0, "activation": "waiting"}),
        truth(seat={"activation": "submitted"}),
        truth(seat={"certificates": 0}),
        truth(seat={"shown_active": False}),
        truth(bookings=[], seats=[]),
        truth(messages=[replace(GOOD_MESSAGE, effects=0)]),
        truth(unpublished=["one"]),
        truth(unhandled=["one"]),
    ],
)
def test_a_loss_is_seen(wrong: Truth) -> None:
    verdict = check([party()], wrong)
    assert verdict.lost
    assert not verdict.duplicated


@pytest.mark.parametrize(
    "wrong",
    [
        truth(booking={"charges": 2}),
        truth(booking={"payments": 2}),
        truth(seat={"accepted": 2}),
        truth(seat={"certificates": 2}),
        truth(messages=[replace(GOOD_MESSAGE, effects=2)]),
        truth(bookings=[GOOD_BOOKING, replace(GOOD_BOOKING, booking_id=UUID(int=9))]),
    ],
)
def test_a_double_is_seen(wrong: Truth) -> None:
    assert check([party()], wrong).duplicated


@pytest.mark.parametrize(
    "wrong",
    [
        truth(bookings=[GOOD_BOOKING, replace(GOOD_BOOKING, payer_email="stranger@example.com")]),
        truth(unknown_charges=["one"]),
        truth(unknown_submissions=["one"]),
        truth(unknown_effects=["one"]),
        truth(dead=["one"]),
        truth(seat_differences=["one"]),
    ],
)
def test_what_nobody_asked_for_is_seen(wrong: Truth) -> None:
    assert check([party()], wrong).unexpected


def test_whoever_turned_round_must_not_be_charged_or_submitted() -> None:
    turned = party(pays=False, paid=False)
    assert len(check([turned], truth()).unexpected) >= 3
    ended = truth(
        booking={"state": "expired", "charges": 0, "payments": 0, "account": "closed"},
        seat={
            "seat": "lost",
            "accepted": 0,
            "certificates": 0,
            "activation": "waiting",
            "shown_active": False,
        },
    )
    assert check([turned], ended).holds


def test_patience_that_is_over_is_a_loss() -> None:
    assert check([party(gave_up="nothing came")], truth()).lost


def test_the_same_seed_gives_the_same_people() -> None:
    assert parties(Options(seed=3, bookings=50)) == parties(Options(seed=3, bookings=50))
    assert parties(Options(seed=3, bookings=50)) != parties(Options(seed=4, bookings=50))
