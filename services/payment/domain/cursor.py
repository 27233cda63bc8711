"""How far we have read Stripe's list of events."""

from datetime import datetime

from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.payment.domain.base import Base


class EventCursor(MappedAsDataclass, Base, kw_only=True):
    """Everything created until `read_until` has been stored."""

    __tablename__ = "event_cursor"

    name: Mapped[str] = mapped_column(primary_key=True)
    read_until: Mapped[datetime]
