"""Refusals are sentences that say what to do, and name nobody."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.enrollment.domain.errors import NotOverYet, RosterIncomplete, ScheduleTooShort, WorkshopFull


@pytest.mark.parametrize(
    ("left", "words"),
    [(0, "is full"), (-1, "is full"), (1, "1 seat is left"), (3, "3 seats are left")],
)
def test_a_full_workshop_tells_the_seats_left(left: int, words: str) -> None:
    error = WorkshopFull(left)
    assert words in error.detail
    assert (error.code, error.status, error.seats_left) == ("workshop_full", 409, left)


def test_a_short_schedule_tells_the_missing_minutes() -> None:
    error = ScheduleTooShort(contact_minutes=839, required_minutes=840, course_code="CSPO")
    assert error.missing_minutes == 1
    assert "1 minute is missing" in error.detail


@pytest.mark.parametrize(("people", "words"), [(1, "1 attendee is"), (2, "2 attendees are")])
def test_an_incomplete_roster_goes_by_id(people: int, words: str) -> None:
    ids = [uuid4() for _ in range(people)]
    error = RosterIncomplete(dict.fromkeys(ids, ("Decide about participation.",)))
    assert words in error.detail
    assert set(error.fields) == {str(one) for one in ids}


def test_the_end_is_told_in_utc() -> None:
    assert "2027-03-02 17:00 UTC" in NotOverYet(datetime(2027, 3, 2, 17, tzinfo=UTC)).detail
