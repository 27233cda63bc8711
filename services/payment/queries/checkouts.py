"""What the payer's pages and the timers read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from services.payment.domain import (
    AccountState,
    BookingAccount,
    Checkout,
    CheckoutState,
    EventCursor,
    Payable,
    Payment,
)
from services.payment.domain.checkout import LIVE

_ANSWER_EXPECTED = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class UnsettledCheckout:
    """An attempt that Stripe should be asked about; `wanted` while its payable is still to be paid."""

    checkout: Checkout
    wanted: bool


@dataclass(frozen=True, kw_only=True)
class PageStanding:
    """What a payer's page tells of: the booking's account, its payable, its newest attempt, its payment."""

    account: BookingAccount
    payable: Payable | None
    checkout: Checkout | None
    payment: Payment | None

    @property
    def money_differs(self) -> bool:
        """Whether money is here that is not what was asked, and nothing else."""
        return self._unpaid and self.account.wrong_money is not None

    @property
    def money_went_back(self) -> bool:
        """Whether money that was not what was asked has been returned, and nothing came since."""
        return self._unpaid and self.account.wrong_money is None and self.account.wrong_money_revision > 0

    @property
    def _unpaid(self) -> bool:
        # Once the right money came, the account tells of that, also after it went back.
        return self.account.state in (AccountState.OPEN, AccountState.CLOSED)


def checkouts_to_read(
    session: Session, *, now: datetime, unread_since: datetime, limit: int
) -> Sequence[UnsettledCheckout]:
    """Attempts that are not over as far as we know, also past their end, the longest unread first.

    One whose answer is still expected is left alone for a minute.
    """
    rows = session.execute(
        select(Checkout, BookingAccount.state)
        .join(BookingAccount, BookingAccount.booking_id == Checkout.booking_id)
        .where(
            Checkout.state.in_(LIVE),
            or_(Checkout.read_at.is_(None), Checkout.read_at < unread_since),
            or_(
                Checkout.state != CheckoutState.REQUESTED,
                Checkout.requested_at <= now - _ANSWER_EXPECTED,
            ),
        )
        .order_by(Checkout.read_at.is_not(None), Checkout.read_at, Checkout.checkout_id)
        .limit(limit)
    )
    return [
        UnsettledCheckout(checkout=checkout, wanted=state is AccountState.OPEN) for checkout, state in rows
    ]


def uncounted_wrong_money(session: Session, *, limit: int) -> Sequence[UUID]:
    """Bookings of which wrong money was told before such facts had a revision."""
    return session.scalars(
        select(BookingAccount.booking_id)
        .where(
            BookingAccount.wrong_money.is_not(None),
            BookingAccount.wrong_money_revision == 0,
            BookingAccount.state.in_((AccountState.OPEN, AccountState.CLOSED)),
        )
        .limit(limit)
    ).all()


def knows_payment(session: Session, stripe_payment_intent_id: str) -> bool:
    """Whether this payment is recorded."""
    found = session.scalar(
        select(Payment.payment_id).where(Payment.stripe_payment_intent_id == stripe_payment_intent_id)
    )
    return found is not None


def read_cursor(session: Session, name: str) -> datetime | None:
    """How far a list of Stripe's has been read."""
    return session.scalar(select(EventCursor.read_until).where(EventCursor.name == name))


def standing_of_booking(session: Session, booking_id: UUID) -> PageStanding | None:
    """How a booking stands for its payer; None when we have not heard of it."""
    account = session.get(BookingAccount, booking_id)
    if account is None or account.heard_at is None:
        return None
    checkout = session.scalar(
        select(Checkout)
        .where(Checkout.booking_id == booking_id)
        .order_by(Checkout.requested_at.desc())
        .limit(1)
    )
    return _standing(session, account, checkout)


def standing_of_session(session: Session, stripe_session_id: str) -> PageStanding | None:
    """How the booking behind a session stands; None when the session is none of ours."""
    found = session.execute(
        select(BookingAccount, Checkout).where(
            and_(
                Checkout.stripe_session_id == stripe_session_id,
                BookingAccount.booking_id == Checkout.booking_id,
            )
        )
    ).first()
    return _standing(session, *found) if found is not None else None


def _standing(session: Session, account: BookingAccount, checkout: Checkout | None) -> PageStanding:
    payable = session.scalar(
        select(Payable)
        .where(Payable.booking_id == account.booking_id)
        .order_by(Payable.opened_at.desc())
        .limit(1)
    )
    payment = session.scalar(
        select(Payment)
        .where(Payment.booking_id == account.booking_id)
        .order_by(Payment.paid_at.desc())
        .limit(1)
    )
    return PageStanding(account=account, payable=payable, checkout=checkout, payment=payment)
