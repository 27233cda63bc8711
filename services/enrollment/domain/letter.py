"""A letter: one e-mail we owe somebody, remembered so that it goes out once."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.enrollment.domain.base import Base
from shared.db.base import StateType

_NAMESPACE = UUID("5a2f6f0e-0f5b-5f0e-9a54-6b1d6a3c7e10")


class LetterKind(StrEnum):
    """What the letter says."""

    BOOKING_HELD = "booking_held"
    BOOKING_CONFIRMED = "booking_confirmed"
    SEAT_CONFIRMED = "seat_confirmed"
    BOOKING_UNSEATED = "booking_unseated"
    LINKS_RENEWED = "links_renewed"
    SEAT_LINK_RENEWED = "seat_link_renewed"


class Letter(MappedAsDataclass, Base, kw_only=True):
    """Holds no address and no text: both are made anew from the booking when the letter is sent."""

    __tablename__ = "letter"
    __table_args__ = (Index("ix_letter_booking_id", "booking_id"),)

    letter_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[LetterKind] = mapped_column(StateType(LetterKind))
    booking_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    wanted_at: Mapped[datetime]
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
    refused_at: Mapped[datetime | None] = mapped_column(default=None)


OF_A_LINK = frozenset({LetterKind.LINKS_RENEWED, LetterKind.SEAT_LINK_RENEWED})
"""Letters that go out again with every new version of a link."""

TO_AN_ATTENDEE = frozenset({LetterKind.SEAT_CONFIRMED, LetterKind.SEAT_LINK_RENEWED})
"""Letters to each attendee; the others go to the payer."""


def letter_id(kind: LetterKind, subject_id: UUID, link_version: int) -> UUID:
    """The same letter always has the same id; its Message-ID is made of it."""
    version = f":{link_version}" if kind in OF_A_LINK else ""
    return uuid5(_NAMESPACE, f"{kind}:{subject_id}{version}")
