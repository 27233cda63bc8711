"""What certification does with each event: at most one reaction per type."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from services.certification import commands, handlers, tasks
from services.certification.domain.facts import (
    AssessmentFact,
    Coverage,
    CoverageFact,
    Person,
    Seat,
    SeatFact,
)
from services.certification.domain.join import Join
from services.certification.gateways.base import MembershipRegistry
from shared.auth.refusals import RefuseBefore, RefuseSession, refuse_before, refuse_session
from shared.contracts import enrollment as e
from shared.contracts import payment as p
from shared.contracts.certification import MembershipActivationRequested
from shared.messaging.subscriptions import Subscriptions, handle, on, run

CoverageEvent = p.PaymentConfirmed | p.PaymentRefunded | p.PaymentDisputed | p.DisputeClosed


def subscriptions(registry: MembershipRegistry, quiet_seconds: float) -> Subscriptions:
    """The table, bound to the registry its one task talks to, and to how long a lost call is waited for."""
    return Subscriptions(
        on(e.BookingPlaced, handle(to_open_joins, handlers.open_joins, locks=_seats)),
        on(e.BookingConfirmed, handle(to_confirmed_seats, handlers.record_seats, locks=_seats)),
        on(e.BookingExpired, handle(to_lost_seats(Seat.EXPIRED), handlers.record_seats, locks=_seats)),
        on(e.BookingUnseated, handle(to_lost_seats(Seat.UNSEATED), handlers.record_seats, locks=_seats)),
        on(e.EnrollmentAssessed, handle(to_assessment, handlers.record_assessment, locks=_enrollment)),
        on(e.WorkshopCompleted, handle(to_closed_workshop, handlers.close_workshop)),
        on(p.PaymentConfirmed, handle(to_coverage, handlers.record_coverage, locks=_coverage)),
        on(p.PaymentRefunded, handle(to_coverage, handlers.record_coverage, locks=_coverage)),
        on(p.PaymentDisputed, handle(to_coverage, handlers.record_coverage, locks=_coverage)),
        on(p.DisputeClosed, handle(to_coverage, handlers.record_coverage, locks=_coverage)),
        on(MembershipActivationRequested, run(tasks.submit_membership_with(registry, quiet_seconds))),
        on(e.StaffSessionEnded, handle(to_refused_session, refuse_session)),
        on(e.StaffChanged, handle(to_refused_staff, refuse_before)),
    )


def to_open_joins(event: e.BookingPlaced) -> commands.OpenJoins:
    """Only what pages say of the booking; certification needs no payer."""
    return commands.OpenJoins(
        booking_id=event.booking_id,
        booking_reference=event.reference,
        workshop_id=event.workshop_id,
        workshop_title=event.workshop_title,
        course_code=event.course_code,
        time_zone=event.time_zone,
        workshop_ends_at=event.ends_at,
        seats=tuple((seat.enrollment_id, seat.link_version) for seat in event.seats),
    )


def to_confirmed_seats(event: e.BookingConfirmed) -> commands.RecordSeats:
    """Confirmed seats and who sits there."""
    return commands.RecordSeats(
        booking_id=event.booking_id,
        workshop_id=event.workshop_id,
        course_code=event.course_code,
        seats=tuple(
            (
                seat.enrollment_id,
                SeatFact(
                    revision=seat.revision,
                    state=Seat.CONFIRMED,
                    person=Person(
                        given_name=seat.person.given_name,
                        family_name=seat.person.family_name,
                        email=seat.person.email,
                        registry_email=seat.person.registry_email,
                    ),
                ),
            )
            for seat in event.seats
        ),
    )


def to_lost_seats(
    state: Seat,
) -> Callable[[e.BookingExpired | e.BookingUnseated], commands.RecordSeats]:
    """Seats that are not kept, and how they were lost."""

    def to_record_seats(event: e.BookingExpired | e.BookingUnseated) -> commands.RecordSeats:
        return commands.RecordSeats(
            booking_id=event.booking_id,
            seats=tuple(
                (seat.enrollment_id, SeatFact(revision=seat.revision, state=state)) for seat in event.seats
            ),
        )

    return to_record_seats


def to_coverage(event: CoverageEvent) -> commands.RecordCoverage:
    """Whatever happened to the money: only what it says about each enrollment counts here."""
    return commands.RecordCoverage(
        booking_id=event.booking_id,
        coverage=tuple(
            (
                fact.enrollment_id,
                CoverageFact(
                    revision=fact.revision, state=Coverage(fact.state), occurred_at=event.occurred_at
                ),
            )
            for fact in event.coverage
        ),
    )


def to_assessment(event: e.EnrollmentAssessed) -> commands.RecordAssessment:
    """The verdict as enrollment judged it."""
    return commands.RecordAssessment(
        enrollment_id=event.enrollment_id,
        booking_id=event.booking_id,
        workshop_id=event.workshop_id,
        course_code=event.course_code,
        assessment=AssessmentFact(
            revision=event.revision,
            eligible=event.eligible,
            attended_minutes=event.attended_minutes,
            required_minutes=event.required_minutes,
            participation=event.participation,
            understanding=event.understanding,
            reasons=event.reasons,
            released_by=event.released_by,
            assessed_at=event.assessed_at,
        ),
    )


def to_closed_workshop(event: e.WorkshopCompleted) -> commands.CloseWorkshop:
    """The trainer's act."""
    return commands.CloseWorkshop(
        workshop_id=event.workshop_id, completed_at=event.completed_at, completed_by=event.completed_by
    )


def to_refused_session(event: e.StaffSessionEnded) -> RefuseSession:
    """A cookie that must not come in any more."""
    return RefuseSession(session_id=event.session_id)


def to_refused_staff(event: e.StaffChanged) -> RefuseBefore:
    """Cookies issued before the change must not come in any more."""
    return RefuseBefore(staff_id=event.staff_id, changed_at=event.changed_at)


Locks = tuple[type[Any], list[UUID]]


def _seats(event: e.BookingPlaced | e.BookingConfirmed | e.BookingExpired | e.BookingUnseated) -> Locks:
    return Join, [seat.enrollment_id for seat in event.seats]


def _coverage(event: CoverageEvent) -> Locks:
    return Join, [fact.enrollment_id for fact in event.coverage]


def _enrollment(event: e.EnrollmentAssessed) -> Locks:
    return Join, [event.enrollment_id]
