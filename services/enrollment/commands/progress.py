"""What is learnt about the progress of an enrollment."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.enrollment.domain.progress import Coverage, CoverageCause, MembershipFact


@dataclass(frozen=True, kw_only=True)
class CoverageNews:
    """Payment's fact about one enrollment."""

    enrollment_id: UUID
    revision: int
    state: Coverage


@dataclass(frozen=True, kw_only=True)
class RecordCoverage:
    """What a booking's payment covers has changed."""

    coverage: tuple[CoverageNews, ...]
    cause: CoverageCause
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class RecordMembership:
    """Certification tells how far an attendee's membership is."""

    enrollment_id: UUID
    fact: MembershipFact
    occurred_at: datetime
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class RecordCertificate:
    """Certification tells of a certificate."""

    enrollment_id: UUID
    certificate_id: UUID
    issued_on: date
    expires_on: date
    occurred_at: datetime
