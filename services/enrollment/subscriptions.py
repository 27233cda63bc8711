"""What enrollment does with each event it reads: the table is the documentation."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from services.enrollment import handlers, tasks
from services.enrollment.commands import (
    ConfirmBooking,
    CoverageNews,
    ExtendHold,
    RecordCertificate,
    RecordCoverage,
    RecordMembership,
    RecordPaymentProblem,
)
from services.enrollment.domain import Booking, HoldPolicy, Progress
from services.enrollment.domain.progress import Coverage, MembershipFact
from shared.contracts.certification import (
    CertificateHeld,
    CertificateIssued,
    MembershipActivated,
    MembershipActivationFailed,
    MembershipActivationRequested,
    MembershipSubmitted,
)
from shared.contracts.enrollment import BookingConfirmed, BookingPlaced, BookingUnseated
from shared.contracts.payment import (
    CheckoutOpened,
    CoverageFact,
    DisputeClosed,
    PaymentConfirmed,
    PaymentDisputed,
    PaymentExpired,
    PaymentFailed,
    PaymentRefunded,
)
from shared.messaging.subscriptions import Subscriptions, handle, on, run


def subscriptions(hold: HoldPolicy, correspondence: tasks.Correspondence) -> Subscriptions:
    """The table, with what its reactions need."""
    return Subscriptions(
        on(CheckoutOpened, handle(to_extend_hold_with(hold), handlers.extend_hold, locks=_booking)),
        on(PaymentConfirmed, handle(to_confirm_booking, handlers.confirm_booking, locks=_booking)),
        on(PaymentRefunded, handle(to_record_refund, handlers.record_coverage, locks=_covered)),
        on(PaymentDisputed, handle(to_record_dispute, handlers.record_coverage, locks=_covered)),
        on(DisputeClosed, handle(to_record_dispute_end, handlers.record_coverage, locks=_covered)),
        on(PaymentFailed, handle(to_record_problem, handlers.record_payment_problem, locks=_booking)),
        on(PaymentExpired, handle(to_record_problem, handlers.record_payment_problem, locks=_booking)),
        on(MembershipActivationRequested, _membership("requested")),
        on(MembershipSubmitted, _membership("submitted")),
        on(MembershipActivated, _membership("activated")),
        on(MembershipActivationFailed, _membership("failed")),
        on(CertificateHeld, _membership("held")),
        on(CertificateIssued, handle(to_record_certificate, handlers.record_certificate, locks=_progress)),
        on(BookingPlaced, run(tasks.send_hold_with(correspondence))),
        on(BookingConfirmed, run(tasks.send_confirmation_with(correspondence))),
        on(BookingUnseated, run(tasks.send_regret_with(correspondence))),
    )


def to_extend_hold_with(hold: HoldPolicy) -> Callable[[CheckoutOpened], ExtendHold]:
    """Seats wait until Stripe's session can no longer be paid, and a little longer."""

    def to_extend_hold(event: CheckoutOpened) -> ExtendHold:
        return ExtendHold(
            booking_id=event.booking_id,
            hold_ends_at=hold.hold_ends_at(event.expires_at),
            page_open_until=event.expires_at,
        )

    return to_extend_hold


def to_confirm_booking(event: PaymentConfirmed) -> ConfirmBooking:
    """The booking is paid."""
    return ConfirmBooking(
        booking_id=event.booking_id,
        payment_id=event.payment_id,
        coverage=_news(event.coverage),
        occurred_at=event.occurred_at,
    )


def to_record_refund(event: PaymentRefunded) -> RecordCoverage:
    """Money went back."""
    return RecordCoverage(coverage=_news(event.coverage), cause="refunded", occurred_at=event.occurred_at)


def to_record_dispute(event: PaymentDisputed) -> RecordCoverage:
    """The payer's bank disputes the charge."""
    return RecordCoverage(coverage=_news(event.coverage), cause="disputed", occurred_at=event.occurred_at)


def to_record_dispute_end(event: DisputeClosed) -> RecordCoverage:
    """The dispute was won or lost."""
    return RecordCoverage(
        coverage=_news(event.coverage),
        cause="dispute_won" if event.outcome == "won" else "dispute_lost",
        occurred_at=event.occurred_at,
    )


def to_record_problem(event: PaymentFailed | PaymentExpired) -> RecordPaymentProblem:
    """An attempt to pay did not succeed."""
    failed = event if isinstance(event, PaymentFailed) else None
    return RecordPaymentProblem(
        booking_id=event.booking_id,
        reason=event.reason,
        occurred_at=event.occurred_at,
        revision=failed.revision if failed else None,
        page_expires_at=failed.page_expires_at if failed else None,
    )


def to_record_certificate(event: CertificateIssued) -> RecordCertificate:
    """The certification holds."""
    return RecordCertificate(
        enrollment_id=event.enrollment_id,
        certificate_id=event.certificate_id,
        issued_on=event.issued_on,
        expires_on=event.expires_on,
        occurred_at=event.occurred_at,
    )


def _membership(fact: MembershipFact) -> Any:
    def to_record_membership(event: Any) -> RecordMembership:
        return RecordMembership(
            enrollment_id=event.enrollment_id,
            fact=fact,
            occurred_at=event.occurred_at,
            reason=getattr(event, "reason", None),
        )

    return handle(to_record_membership, handlers.record_membership, locks=_progress)


def _news(coverage: tuple[CoverageFact, ...]) -> tuple[CoverageNews, ...]:
    return tuple(
        CoverageNews(enrollment_id=fact.enrollment_id, revision=fact.revision, state=Coverage(fact.state))
        for fact in coverage
    )


def _booking(event: Any) -> tuple[type[Booking], list[UUID]]:
    return Booking, [event.booking_id]


def _progress(event: Any) -> tuple[type[Progress], list[UUID]]:
    return Progress, [event.enrollment_id]


def _covered(event: Any) -> tuple[type[Progress], list[UUID]]:
    return Progress, [fact.enrollment_id for fact in event.coverage]
