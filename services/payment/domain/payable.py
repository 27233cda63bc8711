"""A payable: something to be paid, whole or not at all."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column, relationship

from services.payment.domain.base import Base, reference
from shared.db.base import StateType
from shared.ids import new_id


class CoverageState(StrEnum):
    """Whether one enrollment is paid for."""

    COVERED = "covered"
    UNCOVERED = "uncovered"
    FROZEN = "frozen"


class PayableSeat(MappedAsDataclass, Base, kw_only=True):
    """One enrollment a payable pays for, and its share."""

    __tablename__ = "payable_seat"

    payable_id: Mapped[UUID] = mapped_column(ForeignKey("payable.payable_id"), primary_key=True)
    enrollment_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)


class Payable(MappedAsDataclass, Base, kw_only=True):
    """What is owed for a booking, later also for a dearer move. `pay_by` is the last moment to start."""

    __tablename__ = "payable"
    __table_args__ = (CheckConstraint("amount_minor >= 0", name="amount_not_negative"),)

    booking_id: Mapped[UUID] = mapped_column(reference("booking_account.booking_id"), index=True)
    currency: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    pay_by: Mapped[datetime]
    opened_at: Mapped[datetime]
    payable_id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=new_id)
    seats: Mapped[list[PayableSeat]] = relationship(default_factory=list, lazy="selectin")


class Coverage(MappedAsDataclass, Base, kw_only=True):
    """Whether one enrollment is paid for, as last published.

    `revision` counts the changes of this enrollment and is taken under the lock of the booking's account.
    """

    __tablename__ = "coverage"

    enrollment_id: Mapped[UUID] = mapped_column(primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(reference("booking_account.booking_id"), index=True)
    state: Mapped[CoverageState] = mapped_column(StateType(CoverageState), default=CoverageState.UNCOVERED)
    revision: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime | None] = mapped_column(default=None)
