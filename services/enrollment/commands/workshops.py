"""What a workshop can be asked to do."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.enrollment.domain.workshop import Delivery


@dataclass(frozen=True, kw_only=True)
class BlockPlan:
    """When one block of a new workshop is."""

    starts_at: datetime
    ends_at: datetime
    break_minutes: int


@dataclass(frozen=True, kw_only=True)
class CreateWorkshop:
    """Plan a workshop as a draft. `workshop_id` is given where the same plan may be read twice."""

    course_code: str
    title: str
    delivery: Delivery
    time_zone: str
    blocks: tuple[BlockPlan, ...]
    capacity: int
    price_minor: int
    currency: str
    trainer_id: UUID
    join_link: str | None = None
    venue: str | None = None
    workshop_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class PublishWorkshop:
    """Offer a draft in the catalogue."""

    workshop_id: UUID


@dataclass(frozen=True, kw_only=True)
class CancelWorkshop:
    """Withdraw a workshop in which nobody holds a seat."""

    workshop_id: UUID


@dataclass(frozen=True, kw_only=True)
class MendSeats:
    """Set a workshop's counter to its live seats."""

    workshop_id: UUID


@dataclass(frozen=True, kw_only=True)
class EnsureCourses:
    """Make sure the standard courses exist; those that do are left alone."""
