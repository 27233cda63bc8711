"""Refunds and disputes. Stripe's events about them name a charge: its payment may have to be read first."""

from collections.abc import Callable

from services.payment import handlers
from services.payment.commands import ConfirmPayment, RecordDispute, RecordRefund
from services.payment.gateways import stripe_reading as reading
from services.payment.gateways.base import ChargeFacts, PaymentGateway, RefundFacts, StripeEvent
from services.payment.queries import knows_payment
from shared.db.transaction import Tx
from shared.messaging.tasks import Work

StripeTask = Callable[[StripeEvent, Work], None]


def to_confirm_payment(facts: ChargeFacts) -> ConfirmPayment | None:
    """The command for money that was taken for one of our payables; None for anything else."""
    if facts.ours is None or not facts.paid:
        return None
    return ConfirmPayment(
        booking_id=facts.ours.booking_id,
        payable_id=facts.ours.payable_id,
        attempt=facts.ours.attempt,
        stripe_payment_intent_id=facts.stripe_payment_intent_id,
        stripe_charge_id=facts.stripe_charge_id,
        stripe_session_id=None,
        amount_minor=facts.amount_minor,
        currency=facts.currency,
        paid_at=facts.at,
    )


def follow_refund_with(gateway: PaymentGateway) -> StripeTask:
    """The task for an event about one refund."""

    def follow_refund(event: StripeEvent, work: Work) -> None:
        """Record the refund, after the payment it returns."""
        facts = reading.refund_facts(event.object)
        if facts.stripe_payment_intent_id is None:
            return
        missing = _missing_payment(facts.stripe_payment_intent_id, gateway, work)
        if missing is not None and missing.ours is None:
            return
        with work.completion() as tx:
            _confirm(missing, tx)
            _record(facts, facts.stripe_payment_intent_id, tx)

    return follow_refund


def follow_charge_refunds_with(gateway: PaymentGateway) -> StripeTask:
    """The task for `charge.refunded`, which says how much was returned, but not by which refunds."""

    def follow_charge_refunds(event: StripeEvent, work: Work) -> None:
        """Read the refunds of the charge: for some payment methods no event of their own ever comes."""
        intent_id = reading.id_of(event.object.get("payment_intent"))
        if intent_id is None or reading.ours(event.object) is None:
            return
        missing = _missing_payment(intent_id, gateway, work)
        refunds = gateway.refunds_of(intent_id)
        with work.completion() as tx:
            _confirm(missing, tx)
            for refund in refunds:
                _record(refund, intent_id, tx)

    return follow_charge_refunds


def follow_dispute_with(gateway: PaymentGateway) -> StripeTask:
    """The task for an event about one dispute."""

    def follow_dispute(event: StripeEvent, work: Work) -> None:
        """Record the dispute, after the payment it is about."""
        facts = reading.dispute_facts(event.object, at=event.created)
        if facts.stripe_payment_intent_id is None:
            return
        missing = _missing_payment(facts.stripe_payment_intent_id, gateway, work)
        if missing is not None and missing.ours is None:
            return
        with work.completion() as tx:
            _confirm(missing, tx)
            handlers.record_dispute(
                RecordDispute(
                    stripe_payment_intent_id=facts.stripe_payment_intent_id,
                    stripe_dispute_id=facts.stripe_dispute_id,
                    amount_minor=facts.amount_minor,
                    currency=facts.currency,
                    state=facts.state,
                    opened_at=facts.opened_at,
                    at=facts.at,
                ),
                tx,
            )

    return follow_dispute


def _missing_payment(intent_id: str, gateway: PaymentGateway, work: Work) -> ChargeFacts | None:
    # Events come in any order: what went out may be heard of before what came in.
    with work.transaction() as tx:
        if knows_payment(tx.session, intent_id):
            return None
    return gateway.read_charge(intent_id)


def _confirm(facts: ChargeFacts | None, tx: Tx) -> None:
    command = to_confirm_payment(facts) if facts is not None else None
    if command is not None:
        handlers.confirm_payment(command, tx)
        # The handlers that follow look the payment up by Stripe's id.
        tx.flush()


def _record(facts: RefundFacts, intent_id: str, tx: Tx) -> None:
    handlers.record_refund(
        RecordRefund(
            stripe_payment_intent_id=intent_id,
            stripe_refund_id=facts.stripe_refund_id,
            amount_minor=facts.amount_minor,
            currency=facts.currency,
            state=facts.state,
            occurred_at=facts.occurred_at,
        ),
        tx,
    )
