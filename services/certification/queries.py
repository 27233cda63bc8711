"""Selects that answer readers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, not_, or_, select
from sqlalchemy.orm import Session

from services.certification.domain.activation import UNDER_WAY, Activation
from services.certification.domain.certificate import Certificate
from services.certification.domain.course import Course
from services.certification.domain.facts import Coverage, Seat
from services.certification.domain.join import Join
from services.certification.domain.submission import Correction, Resumption, Submission, reference_of
from services.certification.domain.workshop import ClosedWorkshop
from shared.contracts.certification import MembershipActivationRequested
from shared.messaging.operations import OwnRequest, newest_own

PAGE_SIZE = 25

STATES: Mapping[str, ColumnElement[bool]] = {
    "started": Join.activation_id.is_not(None),
    "attention": or_(Join.flagged_at.is_not(None), Join.activation == Activation.REFUSED),
    "flagged": Join.flagged_at.is_not(None),
    **{
        str(state): (Join.activation == state) & Join.flagged_at.is_(None)
        for state in Activation
        if state is not Activation.WAITING
    },
    "waiting": Join.activation == Activation.WAITING,
}
"""What the list of activations can be narrowed to: every state, and two groups of them."""


@dataclass(frozen=True, kw_only=True)
class CertificateView:
    """Everything certification knows about one enrollment."""

    join: Join
    course: Course | None
    certificate: Certificate | None
    closed_workshop: ClosedWorkshop | None
    submission: Submission | None
    stranded: OwnRequest | None
    """The dead or discarded request, where nothing goes on by itself."""


@dataclass(frozen=True, kw_only=True)
class ActivationList:
    """One page of activations, and how many there are in all."""

    rows: list[Join]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // PAGE_SIZE))


def certificate_view(session: Session, enrollment_id: UUID) -> CertificateView | None:
    """One enrollment, None when nothing was heard of it."""
    join = session.get(Join, enrollment_id)
    if join is None:
        return None
    submission = None
    if join.activation_id is not None:
        submission = session.get(Submission, reference_of(join.activation_id, join.submission_revision))
    return CertificateView(
        join=join,
        course=session.get(Course, join.course_code) if join.course_code else None,
        certificate=session.get(Certificate, join.certificate_id) if join.certificate_id else None,
        closed_workshop=session.get(ClosedWorkshop, join.workshop_id) if join.workshop_id else None,
        submission=submission,
        stranded=stranded_request(session, join),
    )


def stranded_request(session: Session, join: Join) -> OwnRequest | None:
    """The request for this activation if it is dead or discarded; None while the task is at it, or done."""
    if join.activation not in UNDER_WAY:
        return None
    kind = MembershipActivationRequested.TYPE
    request = newest_own(session.connection(), kind, str(join.activation_id))
    return request if request is not None and request.state in ("dead", "discarded") else None


def stranded_and_held_back(session: Session) -> list[UUID]:
    """Enrollments whose name may not be sent any more, which no task will find out."""
    good = and_(
        func.coalesce(Join.seat == Seat.CONFIRMED, False),
        func.coalesce(Join.coverage == Coverage.COVERED, False),
        func.coalesce(Join.eligible, False),
    )
    held_back = session.scalars(select(Join).where(Join.activation.in_(UNDER_WAY), not_(good)))
    return [join.enrollment_id for join in held_back if stranded_request(session, join) is not None]


def submissions_of(session: Session, enrollment_id: UUID) -> list[tuple[Submission, Correction | None]]:
    """Every submission of an enrollment, with the correction that asked for it."""
    rows = session.execute(
        select(Submission, Correction)
        .outerjoin(Correction, Correction.reference == Submission.reference)
        .where(Submission.enrollment_id == enrollment_id)
        .order_by(Submission.revision)
    )
    return [(submission, correction) for submission, correction in rows]


def resumptions_of(session: Session, activation_id: UUID) -> list[Resumption]:
    """How often a discarded request was made once more, and why."""
    query = select(Resumption).where(Resumption.activation_id == activation_id)
    return list(session.scalars(query.order_by(Resumption.resumed_at)))


def activations(session: Session, *, state: str | None, search: str, page: int) -> ActivationList:
    """Activations, newest enrollment first.

    `search` finds a name, an address, a booking's reference, or an id from any message.
    """
    conditions: list[ColumnElement[bool]] = []
    if state:
        conditions.append(STATES[state])
    if search:
        conditions.append(_matches(search))
    total = session.scalar(select(func.count()).select_from(Join).where(*conditions)) or 0
    rows = session.scalars(
        select(Join)
        .where(*conditions)
        .order_by(Join.enrollment_id.desc())
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    )
    return ActivationList(rows=list(rows), total=total, page=page)


def certificate_by_number(session: Session, number: str) -> tuple[Certificate, Join] | None:
    """A certificate as somebody else would look for it."""
    found = session.execute(
        select(Certificate, Join)
        .join(Join, Join.enrollment_id == Certificate.enrollment_id)
        .where(Certificate.number == number)
    ).first()
    return (found[0], found[1]) if found else None


def _matches(search: str) -> ColumnElement[bool]:
    try:
        wanted = UUID(search)
        return or_(Join.enrollment_id == wanted, Join.booking_id == wanted, Join.activation_id == wanted)
    except ValueError:
        name = func.coalesce(Join.given_name, "") + " " + func.coalesce(Join.family_name, "")
        columns = (name, Join.email, Join.registry_email, Join.booking_reference)
        return or_(*(func.lower(column).contains(search.lower(), autoescape=True) for column in columns))


def refused_activations(session: Session) -> int:
    """How many names the Scrum Alliance has refused: each needs a correction."""
    refused = Join.activation == Activation.REFUSED
    return session.scalar(select(func.count()).select_from(Join).where(refused)) or 0


def longest_unanswered_seconds(session: Session, now: datetime) -> float:
    """How long the first activation that was asked for has waited for the registry; 0 when none waits."""
    under_way = Join.activation.in_(UNDER_WAY)
    first = session.scalar(select(func.min(Join.requested_at)).where(under_way))
    return max(0.0, (now - first).total_seconds()) if first is not None else 0.0
