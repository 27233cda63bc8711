"""How far enrollments are elsewhere, to find those who paid and passed and still wait."""

from uuid import UUID

from services.payment.commands import NoteAssessment, NoteSubmission
from services.payment.domain import EnrollmentProgress
from shared.db.transaction import Tx


def note_assessment(command: NoteAssessment, tx: Tx) -> None:
    """Keep the newest verdict."""
    progress = _progress_of(tx, command.enrollment_id, command.booking_id)
    if command.revision <= progress.assessment_revision:
        return
    progress.assessment_revision = command.revision
    progress.eligible = command.eligible
    progress.assessed_at = command.assessed_at


def note_submission(command: NoteSubmission, tx: Tx) -> None:
    """The wait is over."""
    progress = _progress_of(tx, command.enrollment_id, command.booking_id)
    progress.submitted_at = min(progress.submitted_at or command.submitted_at, command.submitted_at)


def _progress_of(tx: Tx, enrollment_id: UUID, booking_id: UUID) -> EnrollmentProgress:
    return tx.get_or_add(
        EnrollmentProgress,
        enrollment_id,
        lambda: EnrollmentProgress(enrollment_id=enrollment_id, booking_id=booking_id),
    )
