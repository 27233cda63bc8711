"""What became of a booking, for its payer and for the letters about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.enrollment.domain import (
    Assessment,
    Booking,
    BookingState,
    Course,
    Delivery,
    Enrollment,
    HoldPolicy,
    Progress,
    SeatState,
    StaffMember,
    Workshop,
)
from services.enrollment.domain.booking import MONEY_DIFFERS, MONEY_RETURNED, Unseated
from services.enrollment.domain.progress import AssessmentFacts, Coverage, Step, progress_steps
from services.enrollment.queries.catalogue import BlockView, blocks_of


@dataclass(frozen=True, kw_only=True)
class AttendeeView:
    """One attendee of a booking and how far they have come."""

    enrollment_id: UUID
    position: int
    given_name: str
    family_name: str
    email: str
    registry_email: str
    amount_minor: int
    link_version: int
    seat: SeatState
    coverage: Coverage | None
    steps: tuple[Step, ...]

    @property
    def full_name(self) -> str:
        """The name as it goes on the certificate."""
        return f"{self.given_name} {self.family_name}"

    @property
    def is_assessed(self) -> bool:
        """Whether the trainer has released a result, whatever it is."""
        return self.steps[1].at is not None

    @property
    def is_submitted(self) -> bool:
        """Whether the Scrum Alliance has the name."""
        return self.steps[2].state == "done"

    @property
    def is_activated(self) -> bool:
        """Whether the membership is active."""
        return self.steps[3].state == "done"

    @property
    def is_stopped(self) -> bool:
        """Whether something has to be mended before they go on."""
        return any(step.state == "problem" for step in self.steps)

    @property
    def standing(self) -> tuple[str, str]:
        """How far they are in a word or two, and the kind of it."""
        if trouble := next((step for step in self.steps if step.state == "problem"), None):
            return f"{trouble.title}: needs attention", "bad"
        done = [step for step in self.steps if step.state == "done"]
        return (done[-1].title, "ok") if done else ("Nothing yet", "neutral")


@dataclass(frozen=True, kw_only=True)
class BookingPage:
    """A booking as its payer sees it. `join_link` is there only while the seats are confirmed."""

    booking_id: UUID
    reference: str
    link_version: int
    state: BookingState
    payer_name: str
    payer_email: str
    locale: str
    seats: int
    seat_price_minor: int
    amount_minor: int
    currency: str
    placed_at: datetime
    pay_by: datetime
    hold_ends_at: datetime
    extensions: int
    page_open_until: datetime | None
    confirmed_at: datetime | None
    expired_at: datetime | None
    unseated_at: datetime | None
    unseated_reason: Unseated
    payment_problem_at: datetime | None
    wrong_money: str | None
    wrong_money_at: datetime | None
    workshop_id: UUID
    workshop_title: str
    course_code: str
    course_name: str
    exam_required: bool
    trainer_name: str
    delivery: Delivery
    venue: str | None
    join_link: str | None
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    blocks: tuple[BlockView, ...]
    attendees: tuple[AttendeeView, ...]

    def paying_ends_at(self, now: datetime) -> datetime:
        """Until when money can come: the end of the payment page that is open, else the end of opening one."""
        page_open = self.page_open_until is not None and now < self.page_open_until
        return self.page_open_until if page_open and self.page_open_until else self.pay_by

    def can_pay(self, now: datetime) -> bool:
        """Whether the payment page is open, or can still be opened."""
        return self.state is BookingState.HELD and now <= self.paying_ends_at(now)

    def longer_until(self, now: datetime, hold: HoldPolicy) -> datetime | None:
        """Until when the payer could pay after asking for more time now; None when that is not possible."""
        page_open = self.page_open_until is not None and now < self.page_open_until
        if self.state is not BookingState.HELD or page_open or self.money_differs or now >= self.hold_ends_at:
            return None
        return hold.later_pay_by(self.pay_by, now=now, extensions=self.extensions, starts_at=self.starts_at)

    @property
    def money_differs(self) -> bool:
        """Whether money came that is not what was asked: the payer was charged, and nothing is covered."""
        return self.wrong_money in MONEY_DIFFERS

    @property
    def money_went_back(self) -> bool:
        """Whether money came that was not what was asked, and has been returned."""
        return self.wrong_money == MONEY_RETURNED

    @property
    def attempt_failed(self) -> bool:
        """Whether the newest attempt to pay failed, after all that is known of money that came or went back."""
        failed_at, since = self.payment_problem_at, self.wrong_money_at
        return failed_at is not None and (since is None or failed_at > since)


@dataclass(frozen=True, kw_only=True)
class LetterFacts:
    """What a letter about a booking says, besides its links."""

    booking: BookingPage
    attendees: Mapping[UUID, AttendeeView]


def booking_link_version(session: Session, booking_id: UUID) -> int | None:
    """Which links of a booking hold; None for a booking that is not ours."""
    return session.scalars(select(Booking.link_version).where(Booking.booking_id == booking_id)).one_or_none()


def booking_page(session: Session, booking_id: UUID) -> BookingPage | None:
    """Everything the payer may see about a booking."""
    row = session.execute(
        select(Booking, Workshop, Course, StaffMember.name)
        .join(Workshop, Workshop.workshop_id == Booking.workshop_id)
        .join(Course, Course.code == Workshop.course_code)
        .join(StaffMember, StaffMember.staff_id == Workshop.trainer_id)
        .where(Booking.booking_id == booking_id)
    ).one_or_none()
    if row is None:
        return None
    booking, workshop, course, trainer_name = row
    confirmed = booking.state is BookingState.CONFIRMED
    return BookingPage(
        booking_id=booking.booking_id,
        reference=booking.reference,
        link_version=booking.link_version,
        state=booking.state,
        payer_name=booking.payer_name,
        payer_email=booking.payer_email,
        locale=booking.locale,
        seats=booking.seats,
        seat_price_minor=booking.seat_price_minor,
        amount_minor=booking.amount_minor,
        currency=booking.currency,
        placed_at=booking.placed_at,
        pay_by=booking.pay_by,
        hold_ends_at=booking.hold_ends_at,
        extensions=booking.extensions,
        page_open_until=booking.page_open_until,
        confirmed_at=booking.confirmed_at,
        expired_at=booking.expired_at,
        unseated_at=booking.unseated_at,
        unseated_reason=booking.unseated_reason or Unseated.FULL,
        payment_problem_at=booking.payment_problem_at,
        wrong_money=booking.wrong_money,
        wrong_money_at=booking.wrong_money_at,
        workshop_id=workshop.workshop_id,
        workshop_title=workshop.title,
        course_code=course.code,
        course_name=course.name,
        exam_required=course.exam_required,
        trainer_name=trainer_name,
        delivery=workshop.delivery,
        venue=workshop.venue,
        join_link=workshop.join_link if confirmed else None,
        time_zone=workshop.time_zone,
        starts_at=workshop.starts_at,
        ends_at=workshop.ends_at,
        blocks=blocks_of(session, workshop.workshop_id),
        attendees=_attendees(session, booking_id, workshop, exam_required=course.exam_required),
    )


def letter_facts(session: Session, booking_id: UUID) -> LetterFacts | None:
    """What the letters about a booking are made of."""
    page = booking_page(session, booking_id)
    if page is None:
        return None
    return LetterFacts(
        booking=page, attendees={attendee.enrollment_id: attendee for attendee in page.attendees}
    )


def _attendees(
    session: Session, booking_id: UUID, workshop: Workshop, *, exam_required: bool
) -> tuple[AttendeeView, ...]:
    rows = session.execute(
        select(Enrollment, Progress, Assessment)
        .outerjoin(Progress, Progress.enrollment_id == Enrollment.enrollment_id)
        .outerjoin(Assessment, Assessment.enrollment_id == Enrollment.enrollment_id)
        .where(Enrollment.booking_id == booking_id)
        .order_by(Enrollment.position)
    )
    return tuple(
        AttendeeView(
            enrollment_id=enrollment.enrollment_id,
            position=enrollment.position,
            given_name=enrollment.given_name,
            family_name=enrollment.family_name,
            email=enrollment.email,
            registry_email=enrollment.registry_email,
            amount_minor=enrollment.amount_minor,
            link_version=enrollment.link_version,
            seat=enrollment.seat,
            coverage=progress.coverage if progress else None,
            steps=progress_steps(
                enrollment.seat, progress, released_facts(assessment, workshop), exam_required=exam_required
            ),
        )
        for enrollment, progress, assessment in rows
    )


def released_facts(assessment: Assessment | None, workshop: Workshop) -> AssessmentFacts | None:
    """What was released about an attendee; None before, so that a draft decision never shows."""
    if assessment is None or assessment.released_at is None:
        return None
    assert assessment.attended_minutes is not None
    assert workshop.required_minutes is not None
    return AssessmentFacts(
        eligible=bool(assessment.eligible),
        released_at=assessment.released_at,
        attended_minutes=assessment.attended_minutes,
        required_minutes=workshop.required_minutes,
        participation=bool(assessment.participation),
        understanding=bool(assessment.understanding),
    )
