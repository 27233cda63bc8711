"""How long those wait who paid and passed: what the monitoring asks for."""

from datetime import datetime

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from services.payment.domain import Coverage, CoverageState, EnrollmentProgress


def unsubmitted(session: Session) -> int:
    """How many enrollments are paid for and eligible, but their name is not submitted."""
    return (
        session.scalar(select(func.count()).select_from(EnrollmentProgress).join(*_COVERAGE).where(*_OPEN))
        or 0
    )


def longest_unsubmitted_seconds(session: Session, now: datetime) -> float:
    """How long the first of them has waited since the later of the two; 0 when nobody waits."""
    later = case(
        (EnrollmentProgress.assessed_at > Coverage.changed_at, EnrollmentProgress.assessed_at),
        else_=Coverage.changed_at,
    )
    first = session.scalar(
        select(func.min(later)).select_from(EnrollmentProgress).join(*_COVERAGE).where(*_OPEN)
    )
    return max(0.0, (now - first).total_seconds()) if first is not None else 0.0


_COVERAGE = (Coverage, Coverage.enrollment_id == EnrollmentProgress.enrollment_id)
_OPEN: tuple[ColumnElement[bool], ...] = (
    EnrollmentProgress.eligible.is_(True),
    EnrollmentProgress.submitted_at.is_(None),
    Coverage.state == CoverageState.COVERED,
)
