"""Validity in calendar years, and the day a certificate is issued on."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.certification.domain.certificate import (
    Certificate,
    day_in_zone,
    expires_on,
    issue_date,
    new_number,
)
from services.certification.domain.course import Course
from services.certification.domain.join import Join

CSPO = Course(code="CSPO", name="Certified Scrum Product Owner", exam_required=False)
CSM = Course(code="CSM", name="Certified ScrumMaster", exam_required=True)
LATE = datetime(2026, 3, 28, 3, 30, tzinfo=UTC)


def activated(**more: object) -> Join:
    values: dict[str, object] = {"time_zone": "America/Toronto", "activated_at": LATE, **more}
    return Join(enrollment_id=uuid4(), booking_id=uuid4(), **values)  # type: ignore[arg-type]  # columns by name


@pytest.mark.parametrize(
    ("issued", "expires"),
    [
        (date(2024, 2, 29), date(2026, 2, 28)),
        (date(2026, 2, 28), date(2028, 2, 28)),
        (date(2022, 3, 1), date(2024, 3, 1)),
        (date(2026, 12, 31), date(2028, 12, 31)),
    ],
)
def test_valid_two_calendar_years(issued: date, expires: date) -> None:
    assert expires_on(issued) == expires


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2200, 1, 1)))
def test_two_years_later_it_is_the_same_day_but_for_the_leap_day(issued: date) -> None:
    expires = expires_on(issued)
    assert expires.year == issued.year + 2
    assert timedelta(days=729) <= expires - issued <= timedelta(days=731)
    same = (expires.month, expires.day) == (issued.month, issued.day)
    assert same or (issued.month, issued.day, expires.day) == (2, 29, 28)


@pytest.mark.parametrize(
    ("today", "flagged", "standing"),
    [
        (date(2028, 3, 27), False, "valid"),
        (date(2028, 3, 28), False, "expired"),
        (date(2026, 4, 1), True, "held"),
        (date(2030, 1, 1), True, "held"),
    ],
)
def test_standing(today: date, flagged: bool, standing: str) -> None:
    certificate = Certificate(
        certificate_id=uuid4(), enrollment_id=uuid4(), number=new_number(), course_code="CSPO",
        issued_on=date(2026, 3, 27), expires_on=date(2028, 3, 27), recorded_at=LATE,
    )  # fmt: skip
    assert certificate.standing(today, flagged=flagged) == standing


def test_the_registrys_date_wins() -> None:
    assert issue_date(activated(registry_issued_on=date(2026, 3, 20)), CSPO) == date(2026, 3, 20)


def test_else_the_day_of_the_activation_where_the_workshop_was() -> None:
    assert issue_date(activated(), CSPO) == date(2026, 3, 27)
    assert day_in_zone(LATE, "Asia/Tokyo") == date(2026, 3, 28)


def test_without_the_workshops_zone_it_waits() -> None:
    assert issue_date(activated(time_zone=None), CSPO) is None


def test_a_course_with_an_exam_is_certified_by_passing_it() -> None:
    assert issue_date(activated(registry_issued_on=date(2026, 3, 20)), CSM) is None
    assert issue_date(activated(exam_passed_on=date(2026, 4, 2)), CSM) == date(2026, 4, 2)
    by_registry = activated(exam_passed_on=date(2026, 4, 2), registry_issued_on=date(2026, 4, 3))
    assert issue_date(by_registry, CSM) == date(2026, 4, 3)


def test_nothing_is_issued_before_the_activation_or_on_hold() -> None:
    assert issue_date(activated(activated_at=None), CSPO) is None
    assert issue_date(activated(flagged_at=LATE), CSPO) is None


def test_numbers_are_typed_easily_and_differ() -> None:
    numbers = {new_number() for _ in range(1000)}
    assert len(numbers) == 1000
    assert all(len(number) == 14 and not set(number) & set("01ILOU") for number in numbers)
