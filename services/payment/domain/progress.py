"""How far an enrollment is elsewhere: only to find those who paid and passed and still wait."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.payment.domain.base import Base


class EnrollmentProgress(MappedAsDataclass, Base, kw_only=True):
    """A copy that only events change; made by whichever of them comes first."""

    __tablename__ = "enrollment_progress"

    enrollment_id: Mapped[UUID] = mapped_column(primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(index=True)
    assessment_revision: Mapped[int] = mapped_column(default=0)
    eligible: Mapped[bool] = mapped_column(default=False)
    assessed_at: Mapped[datetime | None] = mapped_column(default=None)
    submitted_at: Mapped[datetime | None] = mapped_column(default=None)
