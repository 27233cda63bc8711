"""What certification must know about a course: whether the Scrum Alliance examines it."""

from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.certification.domain.base import Base


class Course(MappedAsDataclass, Base, kw_only=True):
    """A course by its code. The exam's terms are the Scrum Alliance's and change: they are data.

    The first migration brings the first rows.
    """

    __tablename__ = "course"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    exam_required: Mapped[bool]
    exam_questions: Mapped[int | None] = mapped_column(default=None)
    exam_pass_mark: Mapped[int | None] = mapped_column(default=None)
    exam_window_days: Mapped[int | None] = mapped_column(default=None)
