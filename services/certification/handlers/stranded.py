"""An activation whose request is dead or discarded: no task judges it again, so what falls away is seen here."""

from services.certification.commands import WithholdStranded, WithholdSubmission
from services.certification.domain.judgement import judge
from services.certification.handlers.submissions import withhold_submission
from services.certification.queries import stranded_request
from services.certification.repository import locked_join
from shared.db.transaction import Tx


def withhold_stranded(command: WithholdStranded, tx: Tx) -> None:
    """As the task would: given up if it was never sent, and looked for at the registry if it may have been."""
    join = locked_join(tx, command.enrollment_id)
    if judge(join.facts) and stranded_request(tx.session, join) is not None:
        withhold_submission(
            WithholdSubmission(enrollment_id=join.enrollment_id, revision=join.submission_revision), tx
        )
