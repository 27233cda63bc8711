"""What finance lists: expected, received and difference per booking, and one booking's money as a story."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from services.payment.domain import (
    AccountState,
    BookingAccount,
    Checkout,
    Coverage,
    CoverageState,
    Dispute,
    EnrollmentProgress,
    Payable,
    Payment,
    Refund,
)

NOT_SUBMITTED = "not_submitted"
WAIT = timedelta(hours=4)
"""Who paid and passed is submitted within minutes; after this long somebody should look."""


@dataclass(frozen=True, kw_only=True)
class FinanceFilter:
    """What finance asks for. `attention` is a code, or `any`; `now` decides who waits too long."""

    now: datetime
    query: str = ""
    state: AccountState | None = None
    attention: str | None = None


@dataclass(frozen=True, kw_only=True)
class FinanceRow:
    """One booking in the list."""

    account: BookingAccount
    attention: tuple[str, ...]
    otherwise_received: tuple[tuple[str, int], ...]

    @property
    def difference_minor(self) -> int:
        """More than nothing: too much came; less: something is missing."""
        return self.account.received_minor - self.account.expected_minor


@dataclass(frozen=True, kw_only=True)
class CurrencyTotal:
    """The sums of all rows of a filter in one currency."""

    currency: str
    bookings: int
    expected_minor: int
    received_minor: int
    otherwise_minor: int

    @property
    def difference_minor(self) -> int:
        """Received less expected."""
        return self.received_minor - self.expected_minor


@dataclass(frozen=True, kw_only=True)
class MoneyStory:
    """Everything about one booking's money."""

    row: FinanceRow
    payables: Sequence[Payable]
    checkouts: Sequence[Checkout]
    payments: Sequence[Payment]
    refunds: Sequence[Refund]
    disputes: Sequence[Dispute]
    coverages: Sequence[Coverage]
    progress: Sequence[EnrollmentProgress]

    def progress_of(self, enrollment_id: UUID) -> EnrollmentProgress | None:
        """How far one of the booking's enrollments is elsewhere."""
        return next((p for p in self.progress if p.enrollment_id == enrollment_id), None)


def finance_rows(
    session: Session, wanted: FinanceFilter, *, limit: int | None = None, offset: int = 0
) -> Iterator[FinanceRow]:
    """The rows of a filter, newest booking first, read a few hundred at a time."""
    waiting = _waits_too_long(wanted.now)
    query = (
        select(BookingAccount, waiting.label("waiting"))
        .where(*_conditions(wanted))
        .order_by(BookingAccount.heard_at.desc(), BookingAccount.booking_id.desc())
        .offset(offset)
        .execution_options(yield_per=200)
    )
    result = session.execute(query.limit(limit) if limit is not None else query)
    for rows in result.partitions():
        others = _otherwise_received(session, [account.booking_id for account, _ in rows])
        for account, waits in rows:
            codes = account.attention_codes + ((NOT_SUBMITTED,) if waits else ())
            yield FinanceRow(
                account=account, attention=codes, otherwise_received=others.get(account.booking_id, ())
            )


def count_rows(session: Session, wanted: FinanceFilter) -> int:
    """How many bookings a filter names."""
    return session.scalar(select(func.count()).select_from(BookingAccount).where(*_conditions(wanted))) or 0


def totals(session: Session, wanted: FinanceFilter) -> Sequence[CurrencyTotal]:
    """The sums of a filter per currency; money in a currency nobody asked for is a column of its own."""
    sums = session.execute(
        select(
            BookingAccount.currency,
            func.count(),
            func.sum(BookingAccount.expected_minor),
            func.sum(BookingAccount.received_minor),
        )
        .where(*_conditions(wanted))
        .group_by(BookingAccount.currency)
    )
    found: dict[str, list[int]] = {
        str(currency): [count, int(expected), int(received), 0]
        for currency, count, expected, received in sums
    }
    others = session.execute(
        _other_money(Payment.currency).where(*_conditions(wanted)).group_by(Payment.currency)
    )
    for currency, amount in others:
        found.setdefault(currency, [0, 0, 0, 0])[3] = int(amount)
    return [
        CurrencyTotal(
            currency=currency,
            bookings=values[0],
            expected_minor=values[1],
            received_minor=values[2],
            otherwise_minor=values[3],
        )
        for currency, values in sorted(found.items())
    ]


def money_story(session: Session, booking_id: UUID, *, now: datetime) -> MoneyStory | None:
    """One booking's money; None when we have not heard of the booking."""
    found = session.execute(
        select(BookingAccount, _waits_too_long(now).label("waiting")).where(
            BookingAccount.booking_id == booking_id, BookingAccount.heard_at.is_not(None)
        )
    ).first()
    if found is None:
        return None
    account, waits = found
    others = _otherwise_received(session, [booking_id])
    row = FinanceRow(
        account=account,
        attention=account.attention_codes + ((NOT_SUBMITTED,) if waits else ()),
        otherwise_received=others.get(booking_id, ()),
    )

    def all_of(entity: Any) -> Sequence[Any]:
        return session.scalars(select(entity).where(entity.booking_id == booking_id)).all()

    return MoneyStory(
        row=row,
        payables=all_of(Payable),
        checkouts=all_of(Checkout),
        payments=all_of(Payment),
        refunds=all_of(Refund),
        disputes=all_of(Dispute),
        coverages=all_of(Coverage),
        progress=all_of(EnrollmentProgress),
    )


def _conditions(wanted: FinanceFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [BookingAccount.heard_at.is_not(None)]
    if wanted.state is not None:
        conditions.append(BookingAccount.state == wanted.state)
    if wanted.attention == "any":
        conditions.append(or_(BookingAccount.attention != "", _waits_too_long(wanted.now)))
    elif wanted.attention == NOT_SUBMITTED:
        conditions.append(_waits_too_long(wanted.now))
    elif wanted.attention is not None:
        conditions.append(BookingAccount.attention.contains(wanted.attention, autoescape=True))
    if wanted.query:
        conditions.append(_matches(wanted.query))
    return conditions


def _matches(text: str) -> ColumnElement[bool]:
    words = text.strip()
    return or_(
        BookingAccount.reference.ilike(words),
        BookingAccount.payer_name.icontains(words, autoescape=True),
        BookingAccount.payer_email.icontains(words, autoescape=True),
        BookingAccount.booking_id.in_(_bookings_of_id(words)),
    )


def _bookings_of_id(identifier: str) -> Select[tuple[UUID]]:
    """Bookings that one of Stripe's ids, or one of ours, belongs to."""
    try:
        own: UUID | None = UUID(identifier)
    except ValueError:
        own = None
    by_stripe = select(Payment.booking_id).where(
        or_(
            Payment.stripe_payment_intent_id == identifier,
            Payment.stripe_charge_id == identifier,
            Payment.stripe_session_id == identifier,
            Payment.payment_id == own if own else false(),
        )
    )
    return by_stripe.union_all(
        select(Checkout.booking_id).where(Checkout.stripe_session_id == identifier),
        select(Refund.booking_id).where(Refund.stripe_refund_id == identifier),
        select(Dispute.booking_id).where(Dispute.stripe_dispute_id == identifier),
        select(Payable.booking_id).where(
            or_(Payable.payable_id == own, Payable.booking_id == own) if own else false()
        ),
    )  # type: ignore[return-value]  # a compound select is as good in IN


def _waits_too_long(now: datetime) -> ColumnElement[bool]:
    """Somebody of the booking passed and is paid for, and the name has not been submitted for hours."""
    since = now - WAIT
    return (
        select(EnrollmentProgress.enrollment_id)
        .join(Coverage, Coverage.enrollment_id == EnrollmentProgress.enrollment_id)
        .where(
            and_(
                EnrollmentProgress.booking_id == BookingAccount.booking_id,
                EnrollmentProgress.eligible.is_(True),
                EnrollmentProgress.submitted_at.is_(None),
                EnrollmentProgress.assessed_at <= since,
                Coverage.state == CoverageState.COVERED,
                Coverage.changed_at <= since,
            )
        )
        .correlate(BookingAccount)
        .exists()
    )


def _other_money(*columns: Any) -> Select[Any]:
    kept = Payment.amount_minor - Payment.refunded_minor - Payment.lost_minor
    return (
        select(*columns, func.sum(kept))
        .join(BookingAccount, BookingAccount.booking_id == Payment.booking_id)
        .where(Payment.currency != BookingAccount.currency)
    )


def _otherwise_received(
    session: Session, booking_ids: Sequence[UUID]
) -> dict[UUID, tuple[tuple[str, int], ...]]:
    rows = session.execute(
        _other_money(Payment.booking_id, Payment.currency)
        .where(Payment.booking_id.in_(booking_ids))
        .group_by(Payment.booking_id, Payment.currency)
        .order_by(Payment.currency)
    )
    found: dict[UUID, tuple[tuple[str, int], ...]] = {}
    for booking_id, currency, amount in rows:
        found[booking_id] = (*found.get(booking_id, ()), (currency, int(amount)))
    return found
