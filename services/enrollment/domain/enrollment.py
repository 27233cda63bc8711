"""An enrollment: one seat for one attendee."""

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.enrollment.domain.base import Base
from shared.db.base import StateType


class SeatState(StrEnum):
    """Whether the seat is taken from the workshop's capacity (held, kept) or not (lost)."""

    HELD = "held"
    KEPT = "kept"
    LOST = "lost"


LIVE_SEATS = (SeatState.HELD, SeatState.KEPT)

TRANSITIONS: Mapping[tuple[SeatState, SeatState], str] = {
    (SeatState.HELD, SeatState.KEPT): "its booking was confirmed",
    (SeatState.HELD, SeatState.LOST): "its booking's hold ended",
    (SeatState.LOST, SeatState.KEPT): "its booking was paid late and reserved again",
    (SeatState.LOST, SeatState.LOST): "its booking was paid late and got no seats",
}


class Enrollment(MappedAsDataclass, Base, kw_only=True):
    """One attendee's seat. `seat_revision` counts the facts published about it."""

    __tablename__ = "enrollment"
    __table_args__ = (
        Index("ix_enrollment_booking_id", "booking_id"),
        Index("ix_enrollment_workshop_id", "workshop_id", "seat"),
    )

    enrollment_id: Mapped[UUID] = mapped_column(primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("booking.booking_id"))
    workshop_id: Mapped[UUID] = mapped_column(ForeignKey("workshop.workshop_id"))
    position: Mapped[int]
    seat: Mapped[SeatState] = mapped_column(StateType(SeatState), default=SeatState.HELD)
    seat_revision: Mapped[int] = mapped_column(default=0)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    link_version: Mapped[int] = mapped_column(default=1)
    given_name: Mapped[str]
    family_name: Mapped[str]
    email: Mapped[str]
    registry_email: Mapped[str]

    @property
    def full_name(self) -> str:
        """The name as it goes on the certificate."""
        return f"{self.given_name} {self.family_name}"

    def change_seat(self, to: SeatState) -> None:
        """Record the seat's next fact."""
        if (self.seat, to) not in TRANSITIONS:
            raise ValueError(f"a seat cannot go from {self.seat} to {to}")
        self.seat = to
        self.seat_revision += 1
