"""The three facts that must come together, as their owners tell them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Seat(StrEnum):
    """What enrollment says about the seat."""

    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    UNSEATED = "unseated"


class Coverage(StrEnum):
    """What payment says about the money."""

    COVERED = "covered"
    UNCOVERED = "uncovered"
    FROZEN = "frozen"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who attends. `registry_email` is the address of their Scrum Alliance account."""

    given_name: str
    family_name: str
    email: str
    registry_email: str


@dataclass(frozen=True, kw_only=True)
class SeatFact:
    """One revision of the seat; a confirmed one names the person who sits there."""

    revision: int
    state: Seat
    person: Person | None = None


@dataclass(frozen=True, kw_only=True)
class CoverageFact:
    """One revision of the coverage."""

    revision: int
    state: Coverage
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class AssessmentFact:
    """One revision of the trainer's verdict, as enrollment judged it. Minutes are contact minutes."""

    revision: int
    eligible: bool
    attended_minutes: int
    required_minutes: int
    participation: bool
    understanding: bool
    reasons: tuple[str, ...]
    released_by: UUID
    assessed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The newest of each: what the judgement looks at, and nothing else. None means never heard of."""

    seat: Seat | None
    coverage: Coverage | None
    eligible: bool | None
