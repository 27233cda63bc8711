"""Our record of the certification: valid two calendar years from the date of issue."""

import secrets
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.certification.domain.base import Base
from services.certification.domain.course import Course
from services.certification.domain.join import Join

VALID_YEARS = 2

# Without letters and digits that are confused when read aloud or copied by hand.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


class Certificate(MappedAsDataclass, Base, kw_only=True):
    """One enrollment's certification. Expired is not revoked, and on hold is neither: both are derived."""

    __tablename__ = "certificate"

    certificate_id: Mapped[UUID] = mapped_column(primary_key=True)
    enrollment_id: Mapped[UUID] = mapped_column(unique=True)
    number: Mapped[str] = mapped_column(unique=True)
    course_code: Mapped[str]
    issued_on: Mapped[date]
    expires_on: Mapped[date]
    recorded_at: Mapped[datetime]

    def standing(self, today: date, *, flagged: bool) -> str:
        """`held`, `expired` or `valid` on a day; the last day of validity still counts."""
        if flagged:
            return "held"
        return "expired" if today > self.expires_on else "valid"


def expires_on(issued_on: date) -> date:
    """Two calendar years after the date of issue; 29 February becomes 28 February."""
    year = issued_on.year + VALID_YEARS
    try:
        return issued_on.replace(year=year)
    except ValueError:
        # Only 29 February is missing from a year: its certificate ends with that February.
        return issued_on.replace(year=year, day=28)


def new_number() -> str:
    """A number that people can type and nobody can guess (59 bits)."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def day_in_zone(at: datetime, time_zone: str) -> date:
    """The calendar day of a moment where the workshop was held."""
    return at.astimezone(ZoneInfo(time_zone)).date()


def issue_date(join: Join, course: Course) -> date | None:
    """The certificate's date of issue, or None while something it needs is not there.

    A course without an exam is certified by the activation, one with an exam by passing it. The registry's
    own date wins; else the day of the exam, or of the activation in the workshop's zone, which the booking
    tells.
    """
    if join.activated_at is None or join.flagged_at is not None:
        return None
    if course.exam_required and join.exam_passed_on is None:
        return None
    if join.registry_issued_on is not None:
        return join.registry_issued_on
    if course.exam_required:
        return join.exam_passed_on
    if join.time_zone is None:
        return None
    return day_in_zone(join.activated_at.astimezone(UTC), join.time_zone)
