"""The steps that talk to the Scrum Alliance: never inside a transaction, and safe to repeat.

The request is stored before the call and the result after it. A repeat that may follow a lost answer looks
up by our reference before it calls again, and for some time it only looks up, because a call may be accepted
long after its answer was lost. So no name is submitted twice even where nobody deduplicates: see
docs/decisions/0018-quiet-after-a-lost-answer.md.
"""

import time
from collections.abc import Callable

from services.certification import handlers
from services.certification.commands import (
    BeginSubmission,
    ForgetCall,
    PostponeCheck,
    RecordAcceptance,
    RecordCheck,
    RecordRefusal,
    WithholdStranded,
    WithholdSubmission,
)
from services.certification.domain.submission import Submission
from services.certification.gateways.base import (
    MembershipRegistry,
    MembershipRequest,
    NotTaken,
    SubmissionRefused,
)
from services.certification.handlers.submissions import Plan, Step
from services.certification.queries import stranded_and_held_back
from services.certification.repository import submissions_to_check
from shared.contracts.certification import MembershipActivationRequested
from shared.errors import Permanent, Unavailable
from shared.messaging.failures import passing_over
from shared.messaging.subscriptions import TimerContext
from shared.messaging.tasks import Work

HOLD_SECONDS = 30.0
"""Longer than a look-up and a submission can take together (two times 13 s)."""

CHECKS_AT_ONCE = 20


def submit_membership_with(
    registry: MembershipRegistry, quiet_seconds: float
) -> Callable[[MembershipActivationRequested, Work], None]:
    """The task, bound to a registry; after a lost answer nothing is sent again for `quiet_seconds`."""

    def submit_membership(event: MembershipActivationRequested, work: Work) -> None:
        started = time.monotonic()
        plan = _begin(event, work, quiet_seconds, looked_up=False)
        if plan.step is Step.LOOK_UP and plan.submission is not None:
            if registry.look_up(plan.submission.reference) is not None:
                _accept(event, work)
                return
            started = time.monotonic()
            plan = _begin(event, work, quiet_seconds, looked_up=True)
        if plan.step is Step.STOP:
            with work.completion() as tx:
                handlers.withhold_submission(
                    WithholdSubmission(enrollment_id=event.enrollment_id, revision=event.submission_revision),
                    tx,
                )
        elif plan.step is Step.SUBMIT and plan.submission is not None:
            work.checkpoint("submission_stored")
            _submit(event, work, plan.submission, started)
        else:
            with work.completion():
                pass

    def _submit(
        event: MembershipActivationRequested, work: Work, submission: Submission, started: float
    ) -> None:
        # A process that was frozen in between may find somebody else at it: it asks again instead.
        if time.monotonic() - started > HOLD_SECONDS / 2:
            raise Unavailable("too much time went by before the call: look up again")
        try:
            registry.submit(
                MembershipRequest(
                    reference=submission.reference,
                    course_code=submission.course_code,
                    given_name=submission.given_name,
                    family_name=submission.family_name,
                    email=submission.registry_email,
                )
            )
        except NotTaken:
            with work.transaction() as tx:
                handlers.forget_call(
                    ForgetCall(enrollment_id=event.enrollment_id, revision=event.submission_revision), tx
                )
            raise
        except SubmissionRefused as refusal:
            with work.completion() as tx:
                handlers.record_refusal(
                    RecordRefusal(
                        enrollment_id=event.enrollment_id,
                        revision=event.submission_revision,
                        code=refusal.code,
                    ),
                    tx,
                )
            return
        work.checkpoint("submission_called")
        _accept(event, work)

    return submit_membership


def _begin(
    event: MembershipActivationRequested, work: Work, quiet_seconds: float, *, looked_up: bool
) -> Plan:
    with work.transaction() as tx:
        return handlers.begin_submission(
            BeginSubmission(
                enrollment_id=event.enrollment_id,
                revision=event.submission_revision,
                hold_seconds=HOLD_SECONDS,
                quiet_seconds=quiet_seconds,
                looked_up=looked_up,
            ),
            tx,
        )


def _accept(event: MembershipActivationRequested, work: Work) -> None:
    with work.completion() as tx:
        handlers.record_acceptance(
            RecordAcceptance(enrollment_id=event.enrollment_id, revision=event.submission_revision), tx
        )


def check_activations_with(
    registry: MembershipRegistry, poll_seconds: float, checkpoint: Callable[[str], None] = lambda name: None
) -> Callable[[TimerContext], None]:
    """The timer's step: ask the registry about names it has not told the end of, a bounded batch at a time.

    When it gives no answer the rest of the batch stays due. The name it was asked about waits its turn again:
    if the fault lies with that one name, the others are not held up for ever. Names that no task judges any
    more come first: what may have been sent of them is asked about at once.
    """

    def check_activations(context: TimerContext) -> None:
        with context.transactions.read() as session:
            stranded = stranded_and_held_back(session)
        for enrollment_id in stranded:
            with (
                passing_over("activation_unread", enrollment_id=str(enrollment_id)),
                context.transactions.begin() as tx,
            ):
                handlers.withhold_stranded(WithholdStranded(enrollment_id=enrollment_id), tx)
        with context.transactions.read() as session:
            due = submissions_to_check(session, context.clock.now(), CHECKS_AT_ONCE)
        for submission in due:
            with passing_over("activation_unread", enrollment_id=str(submission.enrollment_id)):
                if not check(submission, context):
                    return
                continue
            _put_back(submission, poll_seconds, context)

    def check(submission: Submission, context: TimerContext) -> bool:
        record, answered = None, True
        try:
            record = registry.look_up(submission.reference)
        except (Unavailable, Permanent):
            answered = False
        checkpoint("after_look_up_before_recorded")
        with context.transactions.begin() as tx:
            handlers.record_check(
                RecordCheck(
                    enrollment_id=submission.enrollment_id,
                    revision=submission.revision,
                    answered=answered,
                    known=record is not None,
                    activated_at=record.activated_at if record else None,
                    issued_on=record.issued_on if record else None,
                    poll_seconds=poll_seconds,
                ),
                tx,
            )
        return answered

    return check_activations


def _put_back(submission: Submission, wait_seconds: float, context: TimerContext) -> None:
    with context.transactions.begin() as tx:
        handlers.postpone_check(
            PostponeCheck(
                enrollment_id=submission.enrollment_id,
                revision=submission.revision,
                wait_seconds=wait_seconds,
            ),
            tx,
        )
