"""The selects that load aggregates for change."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.payment.domain import (
    BookingAccount,
    Books,
    Checkout,
    Coverage,
    Dispute,
    Payable,
    Payment,
    Refund,
)
from services.payment.domain.checkout import LIVE
from shared.db.transaction import Tx


def open_books(tx: Tx, booking_id: UUID) -> Books | None:
    """All about one booking's money, under the lock of its account; None when it was never mentioned."""
    account = tx.get_for_update(BookingAccount, booking_id)
    return None if account is None else read_books(tx, account)


def read_books(tx: Tx, account: BookingAccount) -> Books:
    """Everything about the money of an account that this transaction has locked."""
    # Earlier messages of the same batch may have added rows that the selects below must see.
    tx.flush()
    session, booking_id = tx.session, account.booking_id
    return Books(
        account=account,
        payables=list(session.scalars(select(Payable).where(Payable.booking_id == booking_id))),
        payments=list(session.scalars(select(Payment).where(Payment.booking_id == booking_id))),
        refunds=list(session.scalars(select(Refund).where(Refund.booking_id == booking_id))),
        disputes=list(session.scalars(select(Dispute).where(Dispute.booking_id == booking_id))),
        coverages=list(session.scalars(select(Coverage).where(Coverage.booking_id == booking_id))),
    )


def booking_of_payment(session: Session, stripe_payment_intent_id: str) -> UUID | None:
    """The booking that a payment belongs to; it never changes, so no lock is needed to read it."""
    return session.scalar(
        select(Payment.booking_id).where(Payment.stripe_payment_intent_id == stripe_payment_intent_id)
    )


def live_checkout(session: Session, payable_id: UUID) -> Checkout | None:
    """The one attempt at which the payer could still pay."""
    return session.scalar(select(Checkout).where(Checkout.payable_id == payable_id, Checkout.state.in_(LIVE)))


def live_checkouts(session: Session, booking_id: UUID) -> Sequence[Checkout]:
    """The live attempts of all payables of a booking."""
    return session.scalars(
        select(Checkout).where(Checkout.booking_id == booking_id, Checkout.state.in_(LIVE))
    ).all()


def last_attempt(session: Session, payable_id: UUID) -> int:
    """The number of the newest attempt; 0 before the first."""
    return session.scalar(select(func.max(Checkout.attempt)).where(Checkout.payable_id == payable_id)) or 0


def find_checkout(
    session: Session, *, payable_id: UUID, stripe_session_id: str, attempt: int | None
) -> Checkout | None:
    """The attempt behind a session: by its id, or by its number while the answer with the id is missing."""
    found = session.scalar(select(Checkout).where(Checkout.stripe_session_id == stripe_session_id))
    if found is not None or attempt is None:
        return found
    return session.scalar(
        select(Checkout).where(
            Checkout.payable_id == payable_id,
            Checkout.attempt == attempt,
            Checkout.stripe_session_id.is_(None),
        )
    )


def find_attempt(session: Session, *, payable_id: UUID, attempt: int) -> Checkout | None:
    """One attempt by its number."""
    return session.scalar(
        select(Checkout).where(Checkout.payable_id == payable_id, Checkout.attempt == attempt)
    )
