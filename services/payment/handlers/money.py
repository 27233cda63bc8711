"""Money in and out. The books judge; these handlers store the fact and tell what changed."""

from datetime import datetime

from services.payment.commands import ConfirmPayment, RecordDispute, RecordRefund, TellWrongMoney
from services.payment.domain import (
    AccountState,
    Books,
    Checkout,
    Coverage,
    Dispute,
    DisputeState,
    Payment,
    Refund,
    RefundState,
    dispute_id_of,
    payment_id_of,
    refund_id_of,
)
from services.payment.domain.books import WRONG
from services.payment.handlers.telling import facts_of
from services.payment.repository import booking_of_payment, find_attempt, open_books
from shared.contracts.payment import (
    DisputeClosed,
    PaymentConfirmed,
    PaymentDisputed,
    PaymentFailed,
    PaymentRefunded,
)
from shared.db.transaction import Tx
from shared.errors import Permanent

_UNPAID = (AccountState.OPEN, AccountState.CLOSED, AccountState.RETURNED)


def confirm_payment(command: ConfirmPayment, tx: Tx) -> Payment:
    """Record money that Stripe confirmed; what it is good for follows from the facts."""
    books = open_books(tx, command.booking_id)
    payable = books.payable(command.payable_id) if books else None
    if books is None or payable is None:
        raise Permanent(f"no payable {command.payable_id} of booking {command.booking_id} is known here")
    payment_id = payment_id_of(command.stripe_payment_intent_id)
    known = books.payment(payment_id)
    if known is not None:
        _complete(known, command)
        books.settle(tx.now())
        return known
    first = books.state_of(payable) in _UNPAID
    payment = Payment(
        payment_id=payment_id,
        payable_id=command.payable_id,
        booking_id=command.booking_id,
        amount_minor=command.amount_minor,
        currency=command.currency.upper(),
        paid_at=command.paid_at,
        recorded_at=tx.now(),
        stripe_payment_intent_id=command.stripe_payment_intent_id,
        stripe_charge_id=command.stripe_charge_id,
        stripe_session_id=command.stripe_session_id,
    )
    tx.add(payment)
    books.payments.append(payment)
    changed = books.settle(tx.now())
    if first and payment.state in WRONG:
        # Who paid must not read on the booking page that nothing was charged.
        _tell_wrong_money(books, payment, payment.paid_at, tx, page=_page_of(command, tx))
    elif first:
        _tell_confirmed(payment, changed, tx)
    return payment


def _page_of(command: ConfirmPayment, tx: Tx) -> Checkout | None:
    if command.attempt is None:
        return None
    return find_attempt(tx.session, payable_id=command.payable_id, attempt=command.attempt)


def _complete(payment: Payment, command: ConfirmPayment) -> None:
    # Session and charge tell of the same money, each with an id of its own; the earlier time stays.
    payment.stripe_charge_id = payment.stripe_charge_id or command.stripe_charge_id
    payment.stripe_session_id = payment.stripe_session_id or command.stripe_session_id
    payment.paid_at = min(payment.paid_at, command.paid_at)


def record_refund(command: RecordRefund, tx: Tx) -> None:
    """Record a refund; once it has succeeded, tell which enrollments it uncovers."""
    books, payment = _books_of(command.stripe_payment_intent_id, tx)
    refund_id = refund_id_of(command.stripe_refund_id)
    refund = next((r for r in books.refunds if r.refund_id == refund_id), None)
    if refund is None:
        refund = Refund(
            refund_id=refund_id,
            payment_id=payment.payment_id,
            booking_id=payment.booking_id,
            stripe_refund_id=command.stripe_refund_id,
            amount_minor=command.amount_minor,
            currency=command.currency.upper(),
            occurred_at=command.occurred_at,
        )
        tx.add(refund)
        books.refunds.append(refund)
    before = refund.state
    if not refund.advance(command.state):
        return
    changed = books.settle(tx.now())
    if refund.state is RefundState.SUCCEEDED:
        tx.publish(
            PaymentRefunded(
                payment_id=payment.payment_id,
                payable_id=payment.payable_id,
                booking_id=payment.booking_id,
                refund_id=refund.refund_id,
                amount_minor=refund.amount_minor,
                currency=refund.currency,
                occurred_at=refund.occurred_at,
                coverage=facts_of(changed),
            )
        )
    elif before is RefundState.SUCCEEDED and changed:
        # The bank returned the refund: the money is here again, and with it what it covers.
        _tell_confirmed(payment, changed, tx)
    _tell_wrong_money(books, payment, tx.now(), tx)


def record_dispute(command: RecordDispute, tx: Tx) -> None:
    """Record a dispute: open freezes, won gives back what was, lost uncovers."""
    books, payment = _books_of(command.stripe_payment_intent_id, tx)
    dispute_id = dispute_id_of(command.stripe_dispute_id)
    dispute = next((d for d in books.disputes if d.dispute_id == dispute_id), None)
    if dispute is None:
        dispute = Dispute(
            dispute_id=dispute_id,
            payment_id=payment.payment_id,
            booking_id=payment.booking_id,
            stripe_dispute_id=command.stripe_dispute_id,
            amount_minor=command.amount_minor,
            currency=command.currency.upper(),
            opened_at=command.opened_at,
            state=command.state,
            state_at=command.at,
            closed_at=None if command.state is DisputeState.OPEN else command.at,
        )
        tx.add(dispute)
        books.disputes.append(dispute)
    elif not dispute.advance(command.state, command.at):
        return
    _tell_dispute(dispute, payment, books.settle(tx.now()), tx)
    _tell_wrong_money(books, payment, command.at, tx)


def tell_wrong_money(command: TellWrongMoney, tx: Tx) -> None:
    """Tell how wrong money stands that was told of before such facts were counted; told once."""
    books = open_books(tx, command.booking_id)
    if books is None:
        return
    for payment in books.payments:
        _tell_wrong_money(books, payment, tx.now(), tx)


def _books_of(stripe_payment_intent_id: str, tx: Tx) -> tuple[Books, Payment]:
    booking_id = booking_of_payment(tx.session, stripe_payment_intent_id)
    books = open_books(tx, booking_id) if booking_id else None
    payment = books.payment(payment_id_of(stripe_payment_intent_id)) if books else None
    if books is None or payment is None:
        raise Permanent(f"payment {stripe_payment_intent_id} is not known here")
    return books, payment


def _tell_confirmed(payment: Payment, changed: list[Coverage], tx: Tx) -> None:
    tx.publish(
        PaymentConfirmed(
            payment_id=payment.payment_id,
            payable_id=payment.payable_id,
            booking_id=payment.booking_id,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            occurred_at=payment.paid_at,
            coverage=facts_of(changed),
        )
    )


def _tell_wrong_money(
    books: Books, payment: Payment, at: datetime, tx: Tx, *, page: Checkout | None = None
) -> None:
    # Told as a fact with a revision, not by time: it may go back, come again and go back within one second.
    account, payable = books.account, books.payable(payment.payable_id)
    if payable is None or books.state_of(payable) not in _UNPAID:
        return
    wrong = books.wrong_money(payable)
    told = wrong.value if wrong is not None else None
    uncounted = account.wrong_money is not None and account.wrong_money_revision == 0
    if told == account.wrong_money and not uncounted:
        return
    account.wrong_money = told
    account.wrong_money_revision += 1
    tx.publish(
        PaymentFailed(
            payable_id=payment.payable_id,
            booking_id=payment.booking_id,
            reason=told or "returned",
            occurred_at=at,
            revision=account.wrong_money_revision,
            page_expires_at=page.expires_at if page is not None else None,
        )
    )


def _tell_dispute(dispute: Dispute, payment: Payment, changed: list[Coverage], tx: Tx) -> None:
    if dispute.state is DisputeState.OPEN:
        tx.publish(
            PaymentDisputed(
                payment_id=payment.payment_id,
                payable_id=payment.payable_id,
                booking_id=payment.booking_id,
                dispute_id=dispute.dispute_id,
                amount_minor=dispute.amount_minor,
                currency=dispute.currency,
                occurred_at=dispute.opened_at,
                coverage=facts_of(changed),
            )
        )
    else:
        tx.publish(
            DisputeClosed(
                payment_id=payment.payment_id,
                payable_id=payment.payable_id,
                booking_id=payment.booking_id,
                dispute_id=dispute.dispute_id,
                outcome="lost" if dispute.state is DisputeState.LOST else "won",
                amount_minor=dispute.amount_minor,
                currency=dispute.currency,
                occurred_at=dispute.closed_at or dispute.state_at,
                coverage=facts_of(changed),
            )
        )
