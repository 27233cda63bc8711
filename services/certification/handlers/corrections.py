"""What staff does by hand: send a name again that was refused or stranded, and note that the exam was passed."""

from services.certification.commands import RecordExam, ResubmitMembership, ResumeActivation
from services.certification.domain.activation import Activation
from services.certification.domain.course import Course
from services.certification.domain.join import Join
from services.certification.domain.judgement import OBSTACLES, judge
from services.certification.domain.submission import Correction, Resumption, reference_of
from services.certification.handlers.settlement import (
    course_code_of,
    request_activation,
    say_request,
    settle,
)
from services.certification.queries import stranded_request
from services.certification.repository import locked_join
from shared.db.transaction import Tx
from shared.errors import Conflict, Invalid


def resubmit_membership(command: ResubmitMembership, tx: Tx) -> None:
    """A further revision, with its reason and actor: the only way to one."""
    join = locked_join(tx, command.enrollment_id)
    if join.activation is not Activation.REFUSED or join.activation_id is None:
        raise Conflict(
            "not_refused", "Only a name that the Scrum Alliance refused can be sent again with a correction."
        )
    _refuse_obstacles(join)
    join.submission_revision += 1
    tx.add(
        Correction(
            reference=reference_of(join.activation_id, join.submission_revision),
            activation_id=join.activation_id,
            revision=join.submission_revision,
            registry_email=command.registry_email,
            reason=command.reason,
            actor_id=command.actor_id,
            actor_name=command.actor_name,
            corrected_at=tx.now(),
        )
    )
    join.registry_email = command.registry_email
    join.refusal = None
    request_activation(join, tx)


def resume_activation(command: ResumeActivation, tx: Tx) -> None:
    """The same request once more, under the same reference: the name may be out, and is looked up first.

    So it cannot be changed here: a further revision would be a second name if the first one was taken.
    """
    join = locked_join(tx, command.enrollment_id)
    request = stranded_request(tx.session, join)
    if request is None or request.state != "discarded" or join.activation_id is None:
        raise Conflict(
            "not_discarded", "Only a name whose request was discarded can be submitted again like this."
        )
    _refuse_obstacles(join)
    tx.add(
        Resumption(
            message_id=request.message_id,
            activation_id=join.activation_id,
            revision=join.submission_revision,
            reason=command.reason,
            actor_id=command.actor_id,
            actor_name=command.actor_name,
            resumed_at=tx.now(),
        )
    )
    say_request(join, tx)


def _refuse_obstacles(join: Join) -> None:
    if obstacles := judge(join.facts):
        explanation = OBSTACLES[obstacles[0]]
        raise Conflict(str(obstacles[0]), f"{explanation.meaning} {explanation.next_step}")


def record_exam(command: RecordExam, tx: Tx) -> None:
    """The exam is passed: a course that has one is certified from that day."""
    join = locked_join(tx, command.enrollment_id)
    course = tx.session.get(Course, course_code_of(join))
    if course is None or not course.exam_required:
        raise Conflict("no_exam", "This course has no exam at the Scrum Alliance.")
    if join.activated_at is None:
        raise Conflict(
            "not_activated", "The exam follows the activation of the membership, which is not there yet."
        )
    if join.exam_passed_on is not None:
        raise Conflict(
            "exam_recorded", f"The exam is recorded as passed on {join.exam_passed_on.isoformat()}."
        )
    if command.passed_on > tx.now().date():
        raise Invalid(
            "exam_in_future",
            "Correct the date.",
            fields={"passed_on": ["Enter a date that is not in the future."]},
        )
    join.exam_passed_on = command.passed_on
    settle(join, tx)
