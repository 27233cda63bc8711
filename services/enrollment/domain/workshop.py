"""A workshop: blocks, seats, price, and the trainer who completes it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.enrollment.domain.base import Base
from services.enrollment.domain.course import Course
from services.enrollment.domain.errors import (
    NotOverYet,
    NotYourWorkshop,
    ScheduleTooShort,
    WrongWorkshopState,
)
from shared.db.base import StateType
from shared.errors import Conflict, Invalid


class WorkshopState(StrEnum):
    """Where a workshop is in its life."""

    DRAFT = "draft"
    PUBLISHED = "published"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


TRANSITIONS: Mapping[tuple[WorkshopState, WorkshopState], str] = {
    (WorkshopState.DRAFT, WorkshopState.PUBLISHED): "the schedule meets the course's minimum",
    (WorkshopState.DRAFT, WorkshopState.CANCELLED): "given up before it was offered",
    (WorkshopState.PUBLISHED, WorkshopState.COMPLETED): "its trainer released the results",
    (WorkshopState.PUBLISHED, WorkshopState.CANCELLED): "given up while nobody held a seat",
}


class Delivery(StrEnum):
    """How people meet; both lead to the same certificate."""

    ONLINE = "online"
    IN_PERSON = "in_person"


class Block(MappedAsDataclass, Base, kw_only=True):
    """One stretch of a workshop, usually a day or half a day."""

    __tablename__ = "block"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("break_minutes >= 0", name="break_minutes_not_negative"),
        Index("ix_block_workshop_id", "workshop_id"),
    )

    block_id: Mapped[UUID] = mapped_column(primary_key=True)
    workshop_id: Mapped[UUID] = mapped_column(ForeignKey("workshop.workshop_id"))
    position: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    break_minutes: Mapped[int]

    @property
    def contact_minutes(self) -> int:
        """Elapsed minutes without the breaks; seconds are never rounded up."""
        return int((self.ends_at - self.starts_at).total_seconds()) // 60 - self.break_minutes


class Workshop(MappedAsDataclass, Base, kw_only=True):
    """A dated run of a course.

    `reserved` counts the seats that are held or confirmed. It changes only through statements of the
    repository, never through this object, so that two buyers cannot both take the last seat.
    `required_minutes` is the course's minimum as it was at publication.
    """

    __tablename__ = "workshop"
    __table_args__ = (
        CheckConstraint("reserved >= 0 AND reserved <= capacity", name="reserved_within_capacity"),
        CheckConstraint("price_minor >= 0", name="price_not_negative"),
        Index("ix_workshop_state", "state", "starts_at"),
        Index("ix_workshop_trainer_id", "trainer_id"),
    )

    workshop_id: Mapped[UUID] = mapped_column(primary_key=True)
    course_code: Mapped[str] = mapped_column(ForeignKey("course.code"))
    title: Mapped[str]
    state: Mapped[WorkshopState] = mapped_column(StateType(WorkshopState), default=WorkshopState.DRAFT)
    delivery: Mapped[Delivery] = mapped_column(StateType(Delivery))
    join_link: Mapped[str | None] = mapped_column(default=None)
    venue: Mapped[str | None] = mapped_column(default=None)
    time_zone: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int]
    reserved: Mapped[int] = mapped_column(default=0)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    trainer_id: Mapped[UUID] = mapped_column(ForeignKey("staff_member.staff_id"))
    required_minutes: Mapped[int | None] = mapped_column(default=None)
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None] = mapped_column(default=None)
    completed_at: Mapped[datetime | None] = mapped_column(default=None)
    completed_by: Mapped[UUID | None] = mapped_column(default=None)
    cancelled_at: Mapped[datetime | None] = mapped_column(default=None)

    def publish(
        self, course: Course, blocks: Sequence[Block], *, trainer_may_teach: bool, now: datetime
    ) -> None:
        """Offer the workshop; refused when its blocks are shorter than the course's minimum."""
        minutes = contact_minutes(blocks)
        if minutes < course.min_contact_minutes:
            raise ScheduleTooShort(
                contact_minutes=minutes, required_minutes=course.min_contact_minutes, course_code=course.code
            )
        if not course.accredited or not trainer_may_teach:
            raise Conflict(
                "not_accredited",
                f"Only an accredited trainer can teach {course.code}. Note the accreditation first.",
            )
        if self.starts_at <= now:
            raise Conflict("starts_in_the_past", "The first block has already begun. Move the blocks first.")
        self._move(WorkshopState.PUBLISHED)
        self.required_minutes = course.min_contact_minutes
        self.published_at = now

    def check_trainer(self, staff_id: UUID) -> None:
        """Only the workshop's own trainer records, decides and releases."""
        if staff_id != self.trainer_id:
            raise NotYourWorkshop

    def check_recording(self, staff_id: UUID) -> None:
        """Whether this person may record attendance and decisions now."""
        self.check_trainer(staff_id)
        if self.state is WorkshopState.COMPLETED:
            raise WrongWorkshopState("This workshop is completed. Correct each attendee's record by itself.")
        if self.state is not WorkshopState.PUBLISHED:
            raise WrongWorkshopState("Attendance is recorded for published workshops only.")

    def complete(self, staff_id: UUID, now: datetime) -> None:
        """Close the workshop and release its names; the caller has checked the roster."""
        self.check_completion(staff_id, now)
        self._move(WorkshopState.COMPLETED)
        self.completed_at = now
        self.completed_by = staff_id

    def check_completion(self, staff_id: UUID, now: datetime) -> None:
        """Whether this person may complete the workshop at this moment."""
        self.check_trainer(staff_id)
        if self.state is not WorkshopState.PUBLISHED:
            raise WrongWorkshopState(f"This workshop is {self.state}, so it cannot be completed.")
        if now < self.ends_at:
            raise NotOverYet(self.ends_at)

    def cancel(self, now: datetime) -> None:
        """Withdraw the workshop while nobody holds a seat."""
        if self.reserved:
            seats = "1 seat is" if self.reserved == 1 else f"{self.reserved} seats are"
            raise Conflict("seats_taken", f"{seats} taken. Move or refund these people first.")
        self._move(WorkshopState.CANCELLED)
        self.cancelled_at = now

    def check_live_seats(self, live: int) -> None:
        """Whether the counter can be set to this number: more than there are is no slip of the counter."""
        if live > self.capacity:
            raise Conflict(
                "oversold",
                f"{live} seats are live, of {self.capacity}. Move or refund people first, then mend.",
            )

    def _move(self, to: WorkshopState) -> None:
        if (self.state, to) not in TRANSITIONS:
            raise WrongWorkshopState(f"This workshop is {self.state}, so it cannot become {to}.")
        self.state = to


def contact_minutes(blocks: Sequence[Block]) -> int:
    """Contact minutes of all blocks together."""
    return sum(block.contact_minutes for block in blocks)


def check_blocks(blocks: Sequence[Block]) -> None:
    """Refuse a schedule that is empty, overlaps, or has a block that is all break."""
    wrong: dict[str, list[str]] = {}
    if not blocks:
        wrong["blocks"] = ["Enter at least one block."]
    for index, block in enumerate(blocks):
        if block.ends_at <= block.starts_at:
            wrong[f"blocks.{index}.ends_at"] = ["A block ends after it starts."]
        elif block.break_minutes < 0 or block.contact_minutes <= 0:
            wrong[f"blocks.{index}.break_minutes"] = ["Breaks must be shorter than the block."]
        if index and block.starts_at < blocks[index - 1].ends_at:
            wrong[f"blocks.{index}.starts_at"] = ["A block starts after the one before has ended."]
    if wrong:
        raise Invalid("bad_blocks", "Correct the blocks that are marked.", fields=wrong)
