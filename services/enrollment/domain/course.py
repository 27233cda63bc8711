"""A course: what is taught, how long at least, and whether an exam follows."""

from dataclasses import dataclass

from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.enrollment.domain.base import Base, TextList


class Course(MappedAsDataclass, Base, kw_only=True):
    """A certification course. Only an accredited course can lead to a membership activation."""

    __tablename__ = "course"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    accreditor: Mapped[str]
    accredited: Mapped[bool]
    min_contact_minutes: Mapped[int]
    exam_required: Mapped[bool]
    summary: Mapped[str]
    included: Mapped[tuple[str, ...]] = mapped_column(TextList())


@dataclass(frozen=True, kw_only=True)
class CourseData:
    """The values of one course, for the catalogue of standard courses."""

    code: str
    name: str
    min_contact_minutes: int
    exam_required: bool
    summary: str
    included: tuple[str, ...]


STANDARD_COURSES = (
    CourseData(
        code="CSPO",
        name="Certified Scrum Product Owner",
        min_contact_minutes=840,
        exam_required=False,
        summary=(
            "Two days of discussions, exercises and group work on what a Product Owner is accountable for. "
            "No prior Scrum experience is needed, and there is no exam."
        ),
        included=(
            "The workshop with an accredited trainer",
            "Your first two years of Scrum Alliance membership",
            "Preparatory material in advance",
        ),
    ),
    CourseData(
        code="CSM",
        name="Certified ScrumMaster",
        min_contact_minutes=960,
        exam_required=True,
        summary=(
            "Sixteen hours on Scrum and the ScrumMaster's work, for anyone new to Scrum and not only in "
            "software. The exam is taken online at the Scrum Alliance after the workshop."
        ),
        included=(
            "The workshop with an accredited trainer",
            "The exam fee",
            "Your first two years of Scrum Alliance membership",
            "Preparatory material in advance",
        ),
    ),
)
"""Both courses come from the Scrum Alliance; their minimum contact time is its rule, not ours."""
