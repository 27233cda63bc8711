"""Opening, reading and closing the payment page at Stripe."""

from collections.abc import Callable

from services.payment import handlers
from services.payment.commands import (
    AbandonCheckout,
    ClosePayable,
    FollowSession,
    OpenCheckout,
    RequestCheckout,
)
from services.payment.domain import Checkout, CheckoutState
from services.payment.gateways.base import Ours, PaymentGateway, RequestRefused, SessionFacts
from services.payment.handlers import CheckoutOffer
from shared.contracts.enrollment import BookingExpired
from shared.db.transaction import Transactions
from shared.messaging.tasks import Work


def to_follow_session(facts: SessionFacts, ours: Ours) -> FollowSession:
    """The command that brings our books in line with a session."""
    return FollowSession(
        booking_id=ours.booking_id,
        payable_id=ours.payable_id,
        attempt=ours.attempt,
        stripe_session_id=facts.stripe_session_id,
        status=facts.status,
        paid=facts.paid,
        failed=facts.failed,
        url=facts.url,
        stripe_payment_intent_id=facts.stripe_payment_intent_id,
        amount_minor=facts.amount_minor,
        currency=facts.currency,
        at=facts.at,
    )


def ours_of(checkout: Checkout) -> Ours:
    """An attempt as Stripe's metadata names it."""
    return Ours(booking_id=checkout.booking_id, payable_id=checkout.payable_id, attempt=checkout.attempt)


def begin_checkout(
    command: RequestCheckout,
    *,
    transactions: Transactions,
    gateway: PaymentGateway,
    checkpoint: Callable[[str], None],
) -> CheckoutOffer:
    """Open or find the one session: store the request, ask Stripe, store the answer.

    However often this is repeated, and wherever it was interrupted before, Stripe makes one session for
    the attempt: the parameters are the stored ones and so is the idempotency key.
    """
    with transactions.begin() as tx:
        offer = handlers.request_checkout(command, tx)
    if offer.checkout is not None and offer.refusal is not None:
        read_session(offer.checkout, transactions=transactions, gateway=gateway, checkpoint=checkpoint)
        with transactions.begin() as tx:
            offer = handlers.request_checkout(command, tx)
    checkout = offer.checkout
    if checkout is None or offer.refusal is not None or checkout.state is not CheckoutState.REQUESTED:
        return offer
    checkpoint("after_checkout_stored_before_stripe")
    facts = _make_session(checkout, gateway)
    checkpoint("after_stripe_before_checkout_recorded")
    with transactions.begin() as tx:
        if facts is None:
            handlers.abandon_checkout(
                AbandonCheckout(booking_id=checkout.booking_id, checkout_id=checkout.checkout_id), tx
            )
            return CheckoutOffer(refusal="refused")
        if facts.status == "open" and facts.url is not None:
            return handlers.open_checkout(
                OpenCheckout(
                    booking_id=checkout.booking_id,
                    checkout_id=checkout.checkout_id,
                    stripe_session_id=facts.stripe_session_id,
                    url=facts.url,
                ),
                tx,
            )
        handlers.follow_session(to_follow_session(facts, ours_of(checkout)), tx)
        return handlers.request_checkout(command, tx)


def _make_session(checkout: Checkout, gateway: PaymentGateway) -> SessionFacts | None:
    try:
        return gateway.create_session(checkout.stored_parameters(), idempotency_key=checkout.idempotency_key)
    except RequestRefused:
        # Asked again too late, or after Stripe forgot the key: the session may be there all the same.
        return gateway.find_session(checkout.payable_id, checkout.attempt, since=checkout.requested_at)


def read_session(
    checkout: Checkout,
    *,
    transactions: Transactions,
    gateway: PaymentGateway,
    checkpoint: Callable[[str], None],
) -> SessionFacts | None:
    """Read one attempt's session and run the same command as its webhook would."""
    if checkout.stripe_session_id is None:
        return None
    facts = gateway.read_session(checkout.stripe_session_id)
    checkpoint("after_session_read_before_followed")
    with transactions.begin() as tx:
        handlers.follow_session(to_follow_session(facts, ours_of(checkout)), tx)
    return facts


def close_payment_page_with(gateway: PaymentGateway) -> Callable[[BookingExpired, Work], None]:
    """The task for an expired booking."""

    def close_payment_page(event: BookingExpired, work: Work) -> None:
        """Close the payable, then the session at Stripe, so that nobody pays for seats that are gone.

        When the payer was faster, Stripe says so, and the late payment is recorded instead.
        """
        with work.transaction() as tx:
            live = list(handlers.close_payable(ClosePayable(booking_id=event.booking_id), tx))
        found = [(checkout, _close(checkout, gateway)) for checkout in live]
        work.checkpoint("after_stripe_before_session_closed")
        with work.completion() as tx:
            for checkout, facts in found:
                if facts is not None:
                    handlers.follow_session(to_follow_session(facts, ours_of(checkout)), tx)

    return close_payment_page


def _close(checkout: Checkout, gateway: PaymentGateway) -> SessionFacts | None:
    session_id = checkout.stripe_session_id
    if session_id is None:
        # Its answer was lost or is on its way. If it is not there yet, the timer closes it later.
        found = gateway.find_session(checkout.payable_id, checkout.attempt, since=checkout.requested_at)
        if found is None or found.status != "open":
            return found
        session_id = found.stripe_session_id
    return gateway.expire_session(session_id)
