"""What certification keeps of a workshop: that its trainer closed it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.certification.domain.base import Base


class ClosedWorkshop(MappedAsDataclass, Base, kw_only=True):
    """A workshop its trainer has completed; the results follow one by one."""

    __tablename__ = "closed_workshop"

    workshop_id: Mapped[UUID] = mapped_column(primary_key=True)
    completed_at: Mapped[datetime]
    completed_by: Mapped[UUID]
