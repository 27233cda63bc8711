"""Progress: what other services tell about an enrollment, in whatever order it comes."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from uuid import UUID

from services.enrollment.commands import (
    CoverageNews,
    RecordCertificate,
    RecordCoverage,
    RecordMembership,
)
from services.enrollment.domain import Progress
from services.enrollment.domain.progress import CoverageCause
from shared.db.transaction import Tx


def record_coverage(command: RecordCoverage, tx: Tx) -> None:
    """Keep payment's newest fact per enrollment."""
    learn_coverage(command.coverage, command.cause, command.occurred_at, tx)


def record_membership(command: RecordMembership, tx: Tx) -> None:
    """Keep the newest moment of each kind of fact."""
    _progress(command.enrollment_id, tx).learn_membership(command.fact, command.occurred_at, command.reason)


def record_certificate(command: RecordCertificate, tx: Tx) -> None:
    """Keep the newest certificate."""
    _progress(command.enrollment_id, tx).learn_certificate(
        command.certificate_id, command.issued_on, command.expires_on, command.occurred_at
    )


def learn_coverage(
    coverage: Iterable[CoverageNews], cause: CoverageCause, occurred_at: datetime, tx: Tx
) -> None:
    """Write each fact whose revision is newer; rows in one order, so that two messages cannot deadlock."""
    for news in sorted(coverage, key=lambda fact: fact.enrollment_id):
        _progress(news.enrollment_id, tx).learn_coverage(news.state, news.revision, cause, occurred_at)


def _progress(enrollment_id: UUID, tx: Tx) -> Progress:
    return tx.get_or_add(Progress, enrollment_id, partial(Progress, enrollment_id=enrollment_id))
