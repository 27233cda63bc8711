"""A seat's facts are counted."""

import itertools
from uuid import uuid4

import pytest

from services.enrollment.domain.enrollment import TRANSITIONS, Enrollment, SeatState


def enrollment(seat: SeatState) -> Enrollment:
    return Enrollment(
        enrollment_id=uuid4(),
        booking_id=uuid4(),
        workshop_id=uuid4(),
        position=1,
        seat=seat,
        amount_minor=100,
        given_name="Ada",
        family_name="Lovelace",
        email="ada@example.com",
        registry_email="ada@example.com",
    )


@pytest.mark.parametrize(("start", "to"), list(itertools.product(SeatState, SeatState)))
def test_a_seat_moves_along_the_table_only(start: SeatState, to: SeatState) -> None:
    one = enrollment(start)
    if (start, to) in TRANSITIONS:
        one.change_seat(to)
        assert (one.seat, one.seat_revision) == (to, 1)
    else:
        with pytest.raises(ValueError, match="cannot go"):
            one.change_seat(to)
        assert (one.seat, one.seat_revision) == (start, 0)


def test_the_name_goes_on_the_certificate_as_given() -> None:
    assert enrollment(SeatState.HELD).full_name == "Ada Lovelace"
