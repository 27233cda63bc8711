"""Selects that answer readers."""

from collections.abc import Collection, Mapping
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
from shared.db.many import one_of
from shared.messaging.operations import OwnRequest, newest_own, newest_own_of_each

PAGE_SIZE = 25

STRANDED = "stranded"
"""The state in one word of an activation whose request was given up: told by the inbox, and kept nowhere else."""

_GIVEN_UP = ("dead", "discarded")

_IS_STRANDED: ColumnElement[bool] = one_of(Join.__table__.c.enrollment_id, STRANDED)

STATES: Mapping[str, ColumnElement[bool]] = {
    "started": Join.activation_id.is_not(None),
    "attention": or_(Join.flagged_at.is_not(None), Join.activation == Activation.REFUSED, _IS_STRANDED),
    "flagged": Join.flagged_at.is_not(None),
    STRANDED: _IS_STRANDED,
    **{
        str(state): and_(Join.activation == state, Join.flagged_at.is_(None), not_(_IS_STRANDED))
        for state in Activation
        if state is not Activation.WAITING
    },
    "waiting": Join.activation == Activation.WAITING,
}
"""What the list of activations can be narrowed to: every state, and two groups of them.

The enrollments that are stranded are a parameter of that name.
"""


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

    @property
    def state(self) -> str:
        """The activation's state in one word, as lists have it."""
        return STRANDED if self.stranded is not None else self.join.state


@dataclass(frozen=True, kw_only=True)
class ActivationList:
    """One page of activations, and how many there are in all."""

    rows: list[Join]
    total: int
    page: int
    stranded: Collection[UUID]

    def state_of(self, row: Join) -> str:
        """The activation's state in one word."""
        return STRANDED if row.enrollment_id in self.stranded else row.state

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
    return request if request is not None and request.state in _GIVEN_UP else None


def stranded_enrollments(session: Session, *conditions: ColumnElement[bool]) -> frozenset[UUID]:
    """Whose activation is stranded: read from the requests of those that are under way, whoever gave them up."""
    under_way = session.execute(
        select(Join.enrollment_id, Join.activation_id).where(Join.activation.in_(UNDER_WAY), *conditions)
    ).all()
    requests = newest_own_of_each(
        session.connection(),
        MembershipActivationRequested.TYPE,
        [str(row.activation_id) for row in under_way],
    )
    given_up = {reference for reference, request in requests.items() if request.state in _GIVEN_UP}
    return frozenset(row.enrollment_id for row in under_way if str(row.activation_id) in given_up)


def stranded_and_held_back(session: Session) -> list[UUID]:
    """Enrollments whose name may not be sent any more, which no task will find out."""
    good = and_(
        func.coalesce(Join.seat == Seat.CONFIRMED, False),
        func.coalesce(Join.coverage == Coverage.COVERED, False),
        func.coalesce(Join.eligible, False),
    )
    return sorted(stranded_enrollments(session, not_(good)))


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
    stranded = stranded_enrollments(session)
    rows = session.scalars(
        select(Join)
        .where(*conditions)
        .order_by(Join.enrollment_id.desc())
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE),
        {STRANDED: stranded},
    )
    total = _count(session, conditions, stranded)
    return ActivationList(rows=list(rows), total=total, page=page, stranded=stranded)


def needing_attention(session: Session, stranded: Collection[UUID]) -> int:
    """How many activations somebody has to look at."""
    return _count(session, [STATES["attention"]], stranded)


def _count(session: Session, conditions: list[ColumnElement[bool]], stranded: Collection[UUID]) -> int:
    counted = select(func.count()).select_from(Join).where(*conditions)
    return session.scalar(counted, {STRANDED: stranded}) or 0


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
