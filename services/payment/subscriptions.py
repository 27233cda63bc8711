"""What payment does with each message: one table for the bus, one for Stripe's webhooks."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from services.payment import handlers, tasks
from services.payment.commands import (
    ConfirmPayment,
    ExtendPayable,
    FollowSession,
    KeepBooking,
    NoteAssessment,
    NoteSubmission,
    OpenPayable,
    OweRefund,
    RecordRefusal,
    Seat,
)
from services.payment.domain import BookingAccount, EnrollmentProgress
from services.payment.gateways import stripe_reading as reading
from services.payment.gateways.base import PaymentGateway, StripeEvent
from services.payment.tasks.catching_up import SOURCE
from services.payment.tasks.checkouts import to_follow_session
from services.payment.tasks.money import to_confirm_payment
from shared.auth.refusals import RefuseBefore, RefuseSession, refuse_before, refuse_session
from shared.contracts import certification as c
from shared.contracts import enrollment as e
from shared.db.transaction import Tx
from shared.messaging.subscriptions import Handler, InboxSource, Subscriptions, handle, on, run

Command = TypeVar("Command")


def subscriptions(gateway: PaymentGateway) -> Subscriptions:
    """What is heard on the bus."""
    return Subscriptions(
        on(e.BookingPlaced, handle(to_open_payable, handlers.open_payable, locks=_account)),
        on(e.BookingExtended, handle(to_extend_payable, handlers.extend_payable, locks=_account)),
        on(e.BookingConfirmed, handle(to_keep_booking, handlers.keep_booking, locks=_account)),
        on(e.BookingExpired, run(tasks.close_payment_page_with(gateway))),
        on(e.BookingUnseated, handle(to_owe_refund, handlers.owe_refund, locks=_account)),
        on(e.EnrollmentAssessed, handle(to_note_assessment, handlers.note_assessment, locks=_progress)),
        on(c.MembershipSubmitted, handle(to_note_submission, handlers.note_submission, locks=_progress)),
        on(e.StaffSessionEnded, handle(to_refuse_session, refuse_session)),
        on(e.StaffChanged, handle(to_refuse_before, refuse_before)),
    )


def stripe_source(gateway: PaymentGateway) -> InboxSource:
    """What Stripe's webhooks say. Types that are not named here are stored and change nothing."""
    session = _ours(to_follow, handlers.follow_session)
    refund = run(tasks.follow_refund_with(gateway))
    dispute = run(tasks.follow_dispute_with(gateway))
    return InboxSource(
        name=SOURCE,
        decode=reading.read_event,
        redact=reading.redacted,
        made_at=_created,
        subscriptions={
            "checkout.session.completed": session,
            "checkout.session.async_payment_succeeded": session,
            "checkout.session.async_payment_failed": session,
            "checkout.session.expired": session,
            "payment_intent.payment_failed": _ours(to_record_refusal, handlers.record_refusal),
            "charge.succeeded": _ours(to_confirm, handlers.confirm_payment),
            "charge.refunded": run(tasks.follow_charge_refunds_with(gateway)),
            "refund.created": refund,
            "refund.updated": refund,
            "refund.failed": refund,
            "charge.dispute.created": dispute,
            "charge.dispute.updated": dispute,
            "charge.dispute.closed": dispute,
        },
    )


def _created(event: StripeEvent) -> datetime:
    return event.created


def _ours(
    to_command: Callable[[StripeEvent], Command | None], handler: Callable[[Command, Tx], Any]
) -> Handler:
    """React to what our metadata marks as ours; other systems may share the Stripe account."""

    def react(event: StripeEvent, tx: Tx) -> None:
        command = to_command(event)
        if command is not None:
            handler(command, tx)

    return Handler(name=handler.__name__, react=react, locks=_accounts_of)


def _accounts_of(event: StripeEvent) -> tuple[type[Any], list[UUID]]:
    ours = reading.ours(event.object)
    return BookingAccount, [ours.booking_id] if ours else []


def _account(event: Any) -> tuple[type[Any], list[UUID]]:
    return BookingAccount, [event.booking_id]


def _progress(event: Any) -> tuple[type[Any], list[UUID]]:
    return EnrollmentProgress, [event.enrollment_id]


def to_open_payable(event: e.BookingPlaced) -> OpenPayable:
    """A placed booking is to be paid."""
    return OpenPayable(
        booking_id=event.booking_id,
        reference=event.reference,
        workshop_id=event.workshop_id,
        workshop_title=event.workshop_title,
        time_zone=event.time_zone,
        starts_at=event.starts_at,
        currency=event.currency,
        amount_minor=event.amount_minor,
        pay_by=event.pay_by,
        link_version=event.link_version,
        seats=tuple(Seat(enrollment_id=s.enrollment_id, amount_minor=s.amount_minor) for s in event.seats),
        payer_name=event.person.payer_name,
        payer_email=event.person.payer_email,
        locale=event.person.locale,
    )


def to_extend_payable(event: e.BookingExtended) -> ExtendPayable:
    """The payer has more time."""
    return ExtendPayable(booking_id=event.booking_id, pay_by=event.pay_by)


def to_keep_booking(event: e.BookingConfirmed) -> KeepBooking:
    """A confirmed booking's money is expected, whatever its hold did."""
    return KeepBooking(booking_id=event.booking_id)


def to_owe_refund(event: e.BookingUnseated) -> OweRefund:
    """A late payment without seats is to be returned."""
    return OweRefund(booking_id=event.booking_id, payment_id=event.payment_id)


def to_note_assessment(event: e.EnrollmentAssessed) -> NoteAssessment:
    """Who is eligible is waited for."""
    return NoteAssessment(
        enrollment_id=event.enrollment_id,
        booking_id=event.booking_id,
        revision=event.revision,
        eligible=event.eligible,
        assessed_at=event.assessed_at,
    )


def to_note_submission(event: c.MembershipSubmitted) -> NoteSubmission:
    """The wait is over."""
    return NoteSubmission(
        enrollment_id=event.enrollment_id, booking_id=event.booking_id, submitted_at=event.occurred_at
    )


def to_refuse_session(event: e.StaffSessionEnded) -> RefuseSession:
    """Who signed out is signed out here too."""
    return RefuseSession(session_id=event.session_id)


def to_refuse_before(event: e.StaffChanged) -> RefuseBefore:
    """Who was changed has to sign in again."""
    return RefuseBefore(staff_id=event.staff_id, changed_at=event.changed_at)


def to_follow(event: StripeEvent) -> FollowSession | None:
    """A session of ours changed."""
    ours = reading.ours(event.object)
    if ours is None:
        return None
    failed = event.type == "checkout.session.async_payment_failed"
    return to_follow_session(reading.session_facts(event.object, at=event.created, failed=failed), ours)


def to_confirm(event: StripeEvent) -> ConfirmPayment | None:
    """A charge of ours succeeded."""
    return to_confirm_payment(reading.charge_facts(event.object)) if reading.ours(event.object) else None


def to_record_refusal(event: StripeEvent) -> RecordRefusal | None:
    """A bank refused to pay for a payable of ours."""
    facts = reading.refusal_facts(event.object, at=event.created)
    if facts.ours is None:
        return None
    return RecordRefusal(
        booking_id=facts.ours.booking_id,
        payable_id=facts.ours.payable_id,
        attempt=facts.ours.attempt,
        reason=facts.reason,
        at=facts.at,
    )
