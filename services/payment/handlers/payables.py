"""What the booking's fate means for its money."""

from collections.abc import Sequence
from uuid import UUID, uuid5

from services.payment.commands import ClosePayable, ExtendPayable, KeepBooking, OpenPayable, OweRefund
from services.payment.domain import BookingAccount, Books, Checkout, Coverage, Payable, PayableSeat, Payment
from services.payment.domain.payment import NAMESPACE
from services.payment.handlers.telling import facts_of
from services.payment.repository import live_checkouts, open_books, read_books
from shared.contracts.payment import PaymentConfirmed
from shared.db.transaction import Tx
from shared.errors import Permanent


def account_of(tx: Tx, booking_id: UUID) -> BookingAccount:
    """The locked account of a booking, made here when this message is the first to mention it."""
    return tx.get_or_add(BookingAccount, booking_id, lambda: BookingAccount(booking_id=booking_id))


def open_payable(command: OpenPayable, tx: Tx) -> None:
    """Open what is to be paid for a new booking; an amount of zero is settled at once."""
    account = account_of(tx, command.booking_id)
    if account.heard_at is not None:
        # The owner tells its bookings again for new readers: only the link may have changed.
        account.link_version = max(account.link_version or 0, command.link_version)
        return
    now = tx.now()
    account.heard_at = now
    account.reference = command.reference
    account.workshop_id = command.workshop_id
    account.workshop_title = command.workshop_title
    account.time_zone = command.time_zone
    account.starts_at = command.starts_at
    account.pay_by = max(command.pay_by, account.pay_by or command.pay_by)
    account.currency = command.currency.upper()
    account.link_version = command.link_version
    account.payer_name = command.payer_name
    account.payer_email = command.payer_email
    account.locale = command.locale
    books = _new_books(account, command, tx)
    if command.amount_minor == 0:
        _settle_nothing(books, tx)
    else:
        books.settle(now)


def _new_books(account: BookingAccount, command: OpenPayable, tx: Tx) -> Books:
    payable = Payable(
        booking_id=account.booking_id,
        currency=command.currency.upper(),
        amount_minor=command.amount_minor,
        pay_by=account.pay_by or command.pay_by,
        opened_at=tx.now(),
    )
    payable.seats = [
        PayableSeat(
            payable_id=payable.payable_id, enrollment_id=seat.enrollment_id, amount_minor=seat.amount_minor
        )
        for seat in command.seats
    ]
    coverages = [
        Coverage(enrollment_id=seat.enrollment_id, booking_id=account.booking_id) for seat in command.seats
    ]
    tx.add(payable)
    for coverage in coverages:
        tx.add(coverage)
    return Books(account=account, payables=[payable], coverages=coverages)


def _settle_nothing(books: Books, tx: Tx) -> None:
    account, payable = books.account, books.payables[0]
    payment = Payment(
        payment_id=uuid5(NAMESPACE, f"nothing:{account.booking_id}"),
        payable_id=payable.payable_id,
        booking_id=account.booking_id,
        amount_minor=0,
        currency=payable.currency,
        paid_at=tx.now(),
        recorded_at=tx.now(),
    )
    tx.add(payment)
    books.payments.append(payment)
    changed = books.settle(tx.now())
    tx.publish(
        PaymentConfirmed(
            payment_id=payment.payment_id,
            payable_id=payable.payable_id,
            booking_id=account.booking_id,
            amount_minor=0,
            currency=payable.currency,
            occurred_at=payment.paid_at,
            coverage=facts_of(changed),
        )
    )


def extend_payable(command: ExtendPayable, tx: Tx) -> None:
    """Let the payer open the payment page for longer, however old or new this news is."""
    account = account_of(tx, command.booking_id)
    account.pay_by = max(command.pay_by, account.pay_by or command.pay_by)
    for payable in read_books(tx, account).payables:
        payable.pay_by = max(payable.pay_by, account.pay_by)


def close_payable(command: ClosePayable, tx: Tx) -> Sequence[Checkout]:
    """The hold ended; returns the attempts at which the payer could still pay, to be closed at Stripe."""
    account = account_of(tx, command.booking_id)
    books = read_books(tx, account)
    if account.expired_at is None:
        account.expired_at = tx.now()
        books.settle(tx.now())
    return live_checkouts(tx.session, command.booking_id) if account.closed else ()


def keep_booking(command: KeepBooking, tx: Tx) -> None:
    """The seats are kept."""
    account = account_of(tx, command.booking_id)
    if account.confirmed_at is not None:
        return
    account.confirmed_at = tx.now()
    if account.expired_at is not None:
        # A late payment brought the seats back, so the money is expected again.
        read_books(tx, account).settle(tx.now())


def owe_refund(command: OweRefund, tx: Tx) -> None:
    """A late payment got no seats; finance sees it as due for return."""
    books = open_books(tx, command.booking_id)
    payment = books.payment(command.payment_id) if books else None
    if books is None or payment is None:
        raise Permanent(f"no payment {command.payment_id} of booking {command.booking_id} is known here")
    if payment.unseated_at is None:
        payment.unseated_at = tx.now()
        books.settle(tx.now())
