"""Selects that load aggregates for change."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.certification.domain.join import Join
from services.certification.domain.submission import Submission
from shared.db.transaction import Tx
from shared.errors import NotFound


def locked_join(tx: Tx, enrollment_id: UUID) -> Join:
    """The join, locked until the transaction ends."""
    join = tx.get_for_update(Join, enrollment_id)
    if join is None:
        raise NotFound("enrollment_unknown", "There is no such enrollment here.")
    return join


def submissions_to_check(session: Session, now: datetime, limit: int) -> list[Submission]:
    """Names the registry is to be asked about, longest due first."""
    return list(
        session.scalars(
            select(Submission)
            .where(Submission.next_check_at <= now)
            .order_by(Submission.next_check_at, Submission.reference)
            .limit(limit)
        )
    )
