"""What follows from the facts: the one place that asks for an activation, flags it, and issues a certificate.

Called with the join's row locked, after every change of it.
"""

from services.certification.domain.activation import Activation, activation_id_of
from services.certification.domain.certificate import Certificate, expires_on, issue_date, new_number
from services.certification.domain.course import Course
from services.certification.domain.join import Join
from services.certification.domain.judgement import Obstacle, judge
from shared.contracts.certification import (
    CertificateHeld,
    CertificateIssued,
    MembershipActivationRequested,
)
from shared.db.transaction import Tx
from shared.errors import Permanent
from shared.ids import new_id
from shared.observability.metrics import business_histogram

JOIN_LATENCY = business_histogram(
    "rostrum_join_latency_seconds",
    "From the last of the three facts to the activation asked for.",
    (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0, 14_400.0),
)


def settle(join: Join, tx: Tx) -> None:
    """Judge the join and do what follows."""
    obstacles = judge(join.facts)
    # A request that is out already is judged again by its task, so only a settled one is asked anew.
    if not obstacles and join.activation in (Activation.WAITING, Activation.WITHHELD):
        if join.activation is Activation.WAITING and join.complete_since is not None:
            tx.observe(JOIN_LATENCY, join.complete_since)
        request_activation(join, tx)
    if join.sent:
        _flag(join, obstacles, tx)
    _issue_certificate(join, tx)


def request_activation(join: Join, tx: Tx) -> None:
    """Ask our own task to submit the name. Asked again, the activation and its revision stay the same."""
    join.activation_id = activation_id_of(join.enrollment_id)
    join.submission_revision = max(join.submission_revision, 1)
    join.move_to(Activation.REQUESTED)
    say_request(join, tx)


def say_request(join: Join, tx: Tx) -> None:
    """Say to our own task what it is to submit: whatever the state, it looks up before it calls again."""
    assert join.activation_id is not None
    join.requested_at = tx.now()
    tx.publish(
        MembershipActivationRequested(
            enrollment_id=join.enrollment_id,
            booking_id=join.booking_id,
            activation_id=join.activation_id,
            submission_revision=join.submission_revision,
            course_code=course_code_of(join),
            occurred_at=tx.now(),
        )
    )


def course_code_of(join: Join) -> str:
    """The course, known since the seat was confirmed or assessed."""
    if join.course_code is None:
        raise Permanent("course_unknown: the enrollment's course was never told")
    return join.course_code


def _flag(join: Join, obstacles: tuple[Obstacle, ...], tx: Tx) -> None:
    if not obstacles:
        join.flagged_at = join.flag_reason = None
        return
    join.flag_reason = str(obstacles[0])
    join.flagged_at = join.flagged_at or tx.now()
    if join.held_published_at is None and join.activation_id is not None:
        # Once per enrollment, whatever falls away, comes back and falls away again.
        join.held_published_at = tx.now()
        tx.publish(
            CertificateHeld(
                enrollment_id=join.enrollment_id,
                booking_id=join.booking_id,
                activation_id=join.activation_id,
                course_code=course_code_of(join),
                occurred_at=tx.now(),
                reason=join.flag_reason,
            )
        )


def _issue_certificate(join: Join, tx: Tx) -> None:
    if join.activated_at is None or join.certificate_id is not None:
        return
    course = tx.session.get(Course, course_code_of(join))
    issued_on = issue_date(join, course) if course is not None else None
    if issued_on is None:
        return
    certificate = Certificate(
        certificate_id=new_id(),
        enrollment_id=join.enrollment_id,
        number=new_number(),
        course_code=course_code_of(join),
        issued_on=issued_on,
        expires_on=expires_on(issued_on),
        recorded_at=tx.now(),
    )
    join.certificate_id = certificate.certificate_id
    tx.add(certificate)
    tx.publish(
        CertificateIssued(
            enrollment_id=join.enrollment_id,
            booking_id=join.booking_id,
            certificate_id=certificate.certificate_id,
            course_code=certificate.course_code,
            occurred_at=tx.now(),
            issued_on=certificate.issued_on,
            expires_on=certificate.expires_on,
        )
    )
