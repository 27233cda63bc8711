"""An activation that stopped at an error, and what staff does about it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from services.certification.domain.activation import Activation
from services.certification.domain.join import Join
from services.certification.domain.submission import Submission, SubmissionState
from shared.contracts.certification import MembershipActivationRequested
from shared.db.engine import write_connection
from shared.db.kernel_tables import inbox
from shared.messaging.operations import newest_own
from tests.support.in_process import WholeSite


def strand(site: WholeSite, enrollment_id: UUID) -> None:
    """As if the submission had stopped at an error, and somebody had discarded its message."""
    of_order = Join.enrollment_id == enrollment_id
    with write_connection(site.services["certification"].engine) as connection:
        activation_id = connection.scalars(select(Join.activation_id).where(of_order)).one()
        connection.execute(
            update(Join).where(of_order).values(activation=Activation.SENDING, submitted_at=None)
        )
        # Held, so that it stays in hand once it is submitted again.
        connection.execute(
            update(Submission)
            .where(Submission.enrollment_id == enrollment_id)
            .values(
                state=SubmissionState.SENDING,
                answered_at=None,
                next_check_at=None,
                holder="another worker",
                held_until=datetime.now(UTC) + timedelta(days=1),
            )
        )
        request = newest_own(connection, MembershipActivationRequested.TYPE, str(activation_id))
        assert request is not None
        of_request = inbox.c.message_id == request.message_id
        connection.execute(update(inbox).where(of_request).values(state="discarded"))


def submit_again(site: WholeSite, enrollment_id: UUID, *, reason: str) -> None:
    """Press the button of its page."""
    ops = site.staff("ops")
    ops.open(f"/certificates/activations/{enrollment_id}")
    ops.submit({"reason": reason}, having="reason")
    assert ops.status == 200, ops.text
