"""The steps of a submission around the calls to the registry: each locks the join, then the submission."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.certification.commands import (
    BeginSubmission,
    ForgetCall,
    PostponeCheck,
    RecordAcceptance,
    RecordCheck,
    RecordRefusal,
    WithholdSubmission,
)
from services.certification.domain.activation import UNDER_WAY, Activation
from services.certification.domain.course import Course
from services.certification.domain.join import Join
from services.certification.domain.judgement import judge
from services.certification.domain.submission import (
    Correction,
    Submission,
    SubmissionState,
    reference_of,
    submitted_person,
)
from services.certification.handlers.settlement import course_code_of, settle
from services.certification.repository import locked_join
from shared.clock import SystemClock
from shared.contracts.certification import (
    MembershipActivated,
    MembershipActivationFailed,
    MembershipSubmitted,
)
from shared.db.transaction import Tx
from shared.errors import Permanent, Unavailable

LONGEST_CHECK_WAIT = timedelta(hours=1)
LONGEST_EXAM_WAIT = timedelta(days=1)
# The free attempts end after 90 days, but nothing forbids a later one: staff records that by hand.
EXAM_WATCH = timedelta(days=365)
# A call given up as lost could still arrive at the registry; so long after the last one it will not.
ABANDONED_WATCH = timedelta(hours=48)


class Step(StrEnum):
    """What the task does next."""

    SUBMIT = "submit"
    LOOK_UP = "look_up"
    STOP = "stop"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The next step, with the stored request where one is to be sent or looked for."""

    step: Step
    submission: Submission | None = None


def begin_submission(command: BeginSubmission, tx: Tx) -> Plan:
    """Judge again under the lock, then store the request, or say that an earlier one must be looked up."""
    join = locked_join(tx, command.enrollment_id)
    if join.activation_id is None or command.revision != join.submission_revision:
        return Plan(step=Step.NOTHING)
    reference = reference_of(join.activation_id, command.revision)
    submission = tx.get_for_update(Submission, reference)
    if submission is not None:
        if submission.state in (SubmissionState.ACCEPTED, SubmissionState.REFUSED):
            return Plan(step=Step.NOTHING)
        _take_hold(submission, command.hold_seconds, tx)
        if not command.looked_up:
            return Plan(step=Step.LOOK_UP, submission=submission)
    if judge(join.facts):
        return Plan(step=Step.STOP, submission=submission)
    if submission is None:
        submission = _stored_request(join, reference, command.revision, tx)
        _take_hold(submission, command.hold_seconds, tx)
    else:
        _refuse_while_quiet(submission)
    submission.quiet_until = SystemClock().now() + timedelta(seconds=command.quiet_seconds)
    submission.called_at = tx.now()
    submission.state = SubmissionState.SENDING
    submission.next_check_at = None
    if join.activation is not Activation.SENDING:
        join.move_to(Activation.SENDING)
    return Plan(step=Step.SUBMIT, submission=submission)


def forget_call(command: ForgetCall, tx: Tx) -> None:
    """Nothing is on its way to the registry: no lost call has to be waited for.

    Unless somebody else has begun one meanwhile: that one is not ours to forget.
    """
    _, submission = _locked(command.enrollment_id, command.revision, tx)
    if submission is None or submission.holder != tx.causation:
        return
    if submission.state is SubmissionState.SENDING:
        submission.quiet_until = None


def withhold_submission(command: WithholdSubmission, tx: Tx) -> None:
    """The name does not go out. Should what was missing be back by now, settling asks again at once."""
    join, submission = _locked(command.enrollment_id, command.revision, tx)
    if submission is not None and submission.state is SubmissionState.SENDING:
        submission.state = SubmissionState.ABANDONED
        submission.next_check_at = tx.now()
        _release(submission)
    if join.activation in UNDER_WAY:
        join.move_to(Activation.WITHHELD)
    settle(join, tx)


def record_acceptance(command: RecordAcceptance, tx: Tx) -> None:
    """The registry holds the name: say so, once; flag it when a fact fell away meanwhile."""
    join, submission = _locked(command.enrollment_id, command.revision, tx)
    if submission is None:
        raise Permanent("submission_unknown: there is an answer to a request that was never stored")
    _accept(join, submission, tx)
    settle(join, tx)


def record_refusal(command: RecordRefusal, tx: Tx) -> None:
    """The registry refused the name for good: somebody has to correct it."""
    join, submission = _locked(command.enrollment_id, command.revision, tx)
    if submission is None or submission.state is not SubmissionState.SENDING or join.activation_id is None:
        return
    submission.state, submission.refusal = SubmissionState.REFUSED, command.code
    submission.answered_at, submission.next_check_at = tx.now(), None
    _release(submission)
    join.refusal = command.code
    join.move_to(Activation.REFUSED)
    tx.publish(
        MembershipActivationFailed(
            enrollment_id=join.enrollment_id,
            booking_id=join.booking_id,
            activation_id=join.activation_id,
            course_code=course_code_of(join),
            occurred_at=tx.now(),
            reason=command.code,
        )
    )


def record_check(command: RecordCheck, tx: Tx) -> None:
    """Note what the registry says about a name now, and when it is asked next."""
    join, submission = _locked(command.enrollment_id, command.revision, tx)
    if submission is None or submission.next_check_at is None:
        return
    if not command.answered:
        # Nothing was learned, so nothing ends by it: however long the registry is away, it is asked again.
        submission.next_check_at = tx.now() + _check_wait(join, submission, command.poll_seconds, tx)
        return
    if command.known and submission.state is SubmissionState.ABANDONED:
        _accept(join, submission, tx)
    submission.checks += 1
    if command.activated_at is not None and join.activation is Activation.SUBMITTED:
        _activate(join, command.activated_at, tx)
    if command.issued_on is not None and join.activation is Activation.ACTIVATED:
        _note_issue(join, command.issued_on, tx)
    submission.next_check_at = _next_check(join, submission, command.poll_seconds, tx)
    settle(join, tx)


def postpone_check(command: PostponeCheck, tx: Tx) -> None:
    """Ask about this name later. Nothing is judged here, because judging may be what failed."""
    _, submission = _locked(command.enrollment_id, command.revision, tx)
    if submission is not None and submission.next_check_at is not None:
        submission.next_check_at = tx.now() + timedelta(seconds=command.wait_seconds)


def _accept(join: Join, submission: Submission, tx: Tx) -> None:
    if submission.state is SubmissionState.ACCEPTED or join.activation_id is None:
        return
    submission.state = SubmissionState.ACCEPTED
    submission.answered_at = submission.next_check_at = tx.now()
    _release(submission)
    join.submitted_at = tx.now()
    join.move_to(Activation.SUBMITTED)
    tx.publish(
        MembershipSubmitted(
            enrollment_id=join.enrollment_id,
            booking_id=join.booking_id,
            activation_id=join.activation_id,
            course_code=course_code_of(join),
            occurred_at=tx.now(),
        )
    )


def _activate(join: Join, at: datetime, tx: Tx) -> None:
    assert join.activation_id is not None
    join.activated_at = at
    join.move_to(Activation.ACTIVATED)
    tx.publish(
        MembershipActivated(
            enrollment_id=join.enrollment_id,
            booking_id=join.booking_id,
            activation_id=join.activation_id,
            course_code=course_code_of(join),
            occurred_at=at,
        )
    )


def _note_issue(join: Join, issued_on: date, tx: Tx) -> None:
    """The registry issues a certification that needs an exam only after the exam: it was passed."""
    join.registry_issued_on = issued_on
    if _has_exam(join, tx):
        join.exam_passed_on = join.exam_passed_on or issued_on


def _has_exam(join: Join, tx: Tx) -> bool:
    course = tx.session.get(Course, course_code_of(join))
    return course is not None and course.exam_required


def _next_check(join: Join, submission: Submission, poll_seconds: float, tx: Tx) -> datetime | None:
    """None when there is nothing more to learn."""
    age = _age(submission, tx)
    if submission.state is SubmissionState.ABANDONED and age > ABANDONED_WATCH:
        return None
    if join.activation is Activation.ACTIVATED and (
        join.exam_passed_on is not None or age > EXAM_WATCH or not _has_exam(join, tx)
    ):
        return None
    return tx.now() + _check_wait(join, submission, poll_seconds, tx)


def _check_wait(join: Join, submission: Submission, poll_seconds: float, tx: Tx) -> timedelta:
    """A tenth of the age: often while the mail is fresh, hourly at last; daily for an exam's result."""
    longest = LONGEST_EXAM_WAIT if join.activation is Activation.ACTIVATED else LONGEST_CHECK_WAIT
    return min(max(_age(submission, tx) / 10, timedelta(seconds=poll_seconds)), longest)


def _age(submission: Submission, tx: Tx) -> timedelta:
    """Since the registry's answer; without one since the last call that may have been accepted."""
    return tx.now() - (submission.answered_at or submission.called_at or submission.stored_at)


def _stored_request(join: Join, reference: str, revision: int, tx: Tx) -> Submission:
    person = join.person
    if person is None or join.activation_id is None:
        raise Permanent("person_unknown: a confirmed seat names its attendee")
    person = submitted_person(person, tx.get_for_update(Correction, reference))
    submission = Submission(
        reference=reference,
        activation_id=join.activation_id,
        revision=revision,
        enrollment_id=join.enrollment_id,
        course_code=course_code_of(join),
        given_name=person.given_name,
        family_name=person.family_name,
        registry_email=person.registry_email,
        stored_at=tx.now(),
    )
    tx.add(submission)
    return submission


def _take_hold(submission: Submission, seconds: float, tx: Tx) -> None:
    """Held by the message that causes the call, so that its own retry need not wait.

    Real time, because a sandbox moves business time and a call lasts as long as it lasts.
    """
    now = SystemClock().now()
    held = submission.held_until is not None and submission.held_until > now
    if held and submission.holder != tx.causation:
        raise Unavailable("another worker is asking the registry about this name")
    submission.holder = tx.causation
    submission.held_until = now + timedelta(seconds=seconds)


def _refuse_while_quiet(submission: Submission) -> None:
    """An earlier call may still be accepted, however late: until it no longer can, it is only looked for."""
    if submission.quiet_until is None:
        return
    left = (submission.quiet_until - SystemClock().now()).total_seconds()
    if left > 0:
        raise Unavailable(
            "the registry may still take a name whose answer was lost: looked up until then, and not sent again",
            retry_within=left,
        )


def _release(submission: Submission) -> None:
    submission.holder = submission.held_until = None


def _locked(enrollment_id: UUID, revision: int, tx: Tx) -> tuple[Join, Submission | None]:
    join = locked_join(tx, enrollment_id)
    if join.activation_id is None:
        return join, None
    return join, tx.get_for_update(Submission, reference_of(join.activation_id, revision))
