"""Attempts to pay at Stripe: one live attempt per payable, its request stored before the call."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.payment.commands import (
    AbandonCheckout,
    ConfirmPayment,
    FollowSession,
    NoteReading,
    OpenCheckout,
    RecordRefusal,
    RequestCheckout,
)
from services.payment.domain import (
    AccountState,
    BookingAccount,
    Books,
    Checkout,
    CheckoutState,
    Payable,
    session_parameters,
)
from services.payment.handlers.money import confirm_payment
from services.payment.repository import (
    find_attempt,
    find_checkout,
    last_attempt,
    live_checkout,
    open_books,
)
from shared.contracts.payment import CheckoutOpened, PaymentExpired, PaymentFailed
from shared.db.transaction import Tx

Refusal = Literal[
    "unheard",
    "too_late",
    "refused",
    "processing",
    "under_review",
    "settled",
    "refund_due",
    "disputed",
    "returned",
]

_REFUSALS: dict[AccountState, Refusal] = {
    AccountState.UNHEARD: "unheard",
    AccountState.SETTLED: "settled",
    AccountState.REFUND_DUE: "refund_due",
    AccountState.DISPUTED: "disputed",
    AccountState.RETURNED: "returned",
    AccountState.CLOSED: "too_late",
}


@dataclass(frozen=True, kw_only=True)
class CheckoutOffer:
    """Either an attempt at which the payer may pay, or why there is none.

    Both together: the attempt's time is over, but there is time for another one once Stripe has told how
    it ended.
    """

    checkout: Checkout | None = None
    refusal: Refusal | None = None


def request_checkout(command: RequestCheckout, tx: Tx) -> CheckoutOffer:
    """Find the one live attempt, or store a new one with the exact request for Stripe."""
    books = open_books(tx, command.booking_id)
    if books is None or books.account.heard_at is None:
        return CheckoutOffer(refusal="unheard")
    payable = next((p for p in books.payables if books.state_of(p) is AccountState.OPEN), None)
    if payable is None:
        return CheckoutOffer(refusal=_refusal(books))
    if books.wrong_money(payable) is not None:
        # Money is here, only not the right amount: asking for all of it again would take it twice.
        return CheckoutOffer(refusal="under_review")
    now = tx.now()
    live = live_checkout(tx.session, payable.payable_id)
    if live is not None:
        if live.state is CheckoutState.PROCESSING:
            return CheckoutOffer(refusal="processing")
        if now < live.expires_at:
            return CheckoutOffer(checkout=live)
        return CheckoutOffer(checkout=live if now <= payable.pay_by else None, refusal="too_late")
    if now > payable.pay_by:
        return CheckoutOffer(refusal="too_late")
    return CheckoutOffer(checkout=_new_attempt(command, books, payable, tx))


def _refusal(books: Books) -> Refusal:
    # That the hold is over says nothing of money that came in another amount and is still here.
    if books.account.state is AccountState.CLOSED and any(map(books.wrong_money, books.payables)):
        return "under_review"
    return _REFUSALS[books.account.state]


def _new_attempt(command: RequestCheckout, books: Books, payable: Payable, tx: Tx) -> Checkout:
    now = tx.now()
    attempt = last_attempt(tx.session, payable.payable_id) + 1
    # Whole seconds, as Stripe counts: what is stored is what was asked.
    expires_at = (now + timedelta(minutes=command.session_minutes)).replace(microsecond=0)
    checkout = Checkout(
        payable_id=payable.payable_id,
        booking_id=payable.booking_id,
        attempt=attempt,
        parameters=json.dumps(
            session_parameters(
                books.account, payable, attempt=attempt, expires_at=expires_at, public_url=command.public_url
            )
        ),
        requested_at=now,
        expires_at=expires_at,
    )
    tx.add(checkout)
    return checkout


def open_checkout(command: OpenCheckout, tx: Tx) -> CheckoutOffer:
    """Record the session that Stripe made, and tell until when it can be paid."""
    account = tx.get_for_update(BookingAccount, command.booking_id)
    checkout = tx.get_for_update(Checkout, command.checkout_id)
    if account is None or checkout is None:
        return CheckoutOffer(refusal="unheard")
    if checkout.advance(CheckoutState.OPEN, tx.now()):
        checkout.stripe_session_id = command.stripe_session_id
        checkout.url = command.url
        _tell_opened(checkout, tx)
    if account.state is AccountState.OPEN and checkout.state is CheckoutState.OPEN:
        return CheckoutOffer(checkout=checkout)
    if checkout.state is CheckoutState.PROCESSING:
        return CheckoutOffer(refusal="processing")
    return CheckoutOffer(refusal=_REFUSALS.get(account.state, "too_late"))


def abandon_checkout(command: AbandonCheckout, tx: Tx) -> None:
    """Give an attempt up, so that the next click may start another."""
    tx.get_for_update(BookingAccount, command.booking_id)
    checkout = tx.get_for_update(Checkout, command.checkout_id)
    if checkout is not None:
        checkout.advance(CheckoutState.ABANDONED, tx.now())


def follow_session(command: FollowSession, tx: Tx) -> None:
    """Bring the books in line with what a session says, whoever read it and in whatever order."""
    books = open_books(tx, command.booking_id)
    checkout = find_checkout(
        tx.session,
        payable_id=command.payable_id,
        stripe_session_id=command.stripe_session_id,
        attempt=command.attempt,
    )
    if checkout is not None:
        checkout.stripe_session_id = command.stripe_session_id
        checkout.stripe_payment_intent_id = (
            command.stripe_payment_intent_id or checkout.stripe_payment_intent_id
        )
        _follow(checkout, command, books is not None and _unpaid(books, command), tx)
        # Handlers of the same batch may look for this attempt by its session.
        tx.flush()
    if command.paid and command.stripe_payment_intent_id is not None:
        confirm_payment(
            ConfirmPayment(
                booking_id=command.booking_id,
                payable_id=command.payable_id,
                attempt=command.attempt,
                stripe_payment_intent_id=command.stripe_payment_intent_id,
                stripe_charge_id=None,
                stripe_session_id=command.stripe_session_id,
                amount_minor=command.amount_minor,
                currency=command.currency,
                paid_at=command.at,
            ),
            tx,
        )


def _unpaid(books: Books, command: FollowSession) -> bool:
    # Nobody needs to hear that a page closed when the money came by another one.
    payable = books.payable(command.payable_id)
    return payable is not None and books.state_of(payable) in (AccountState.OPEN, AccountState.CLOSED)


def _follow(checkout: Checkout, command: FollowSession, wanted: bool, tx: Tx) -> None:
    if command.status == "open":
        if checkout.advance(CheckoutState.OPEN, tx.now()):
            checkout.url = command.url
            _tell_opened(checkout, tx)
    elif command.status == "expired":
        if checkout.advance(CheckoutState.EXPIRED, command.at) and wanted:
            tx.publish(
                PaymentExpired(
                    payable_id=checkout.payable_id,
                    booking_id=checkout.booking_id,
                    reason="session_expired",
                    occurred_at=command.at,
                )
            )
    elif command.paid:
        checkout.advance(CheckoutState.COMPLETE, command.at)
    elif command.failed:
        if checkout.advance(CheckoutState.FAILED, command.at) and wanted:
            _tell_failed(checkout, "late_payment_failed", command.at, tx)
    else:
        checkout.advance(CheckoutState.PROCESSING, command.at)


def record_refusal(command: RecordRefusal, tx: Tx) -> None:
    """The bank refused; said only while the payment is still wanted."""
    books = open_books(tx, command.booking_id)
    payable = books.payable(command.payable_id) if books else None
    if books is None or payable is None or books.state_of(payable) is not AccountState.OPEN:
        return
    if command.attempt is not None:
        checkout = find_attempt(tx.session, payable_id=command.payable_id, attempt=command.attempt)
        if checkout is not None and (checkout.refused_at is None or checkout.refused_at <= command.at):
            checkout.refusal, checkout.refused_at = command.reason, command.at
    tx.publish(
        PaymentFailed(
            payable_id=command.payable_id,
            booking_id=command.booking_id,
            reason=command.reason,
            occurred_at=command.at,
        )
    )


def note_reading(command: NoteReading, tx: Tx) -> None:
    """Remember when Stripe was asked about an attempt."""
    checkout = tx.get_for_update(Checkout, command.checkout_id)
    if checkout is not None:
        checkout.read_at = tx.now()


def _tell_opened(checkout: Checkout, tx: Tx) -> None:
    tx.publish(
        CheckoutOpened(
            payable_id=checkout.payable_id,
            booking_id=checkout.booking_id,
            expires_at=checkout.expires_at,
        )
    )


def _tell_failed(checkout: Checkout, reason: str, at: datetime, tx: Tx) -> None:
    tx.publish(
        PaymentFailed(
            payable_id=checkout.payable_id,
            booking_id=checkout.booking_id,
            reason=reason,
            occurred_at=at,
            page_expires_at=checkout.expires_at,
        )
    )
