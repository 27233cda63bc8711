"""One booking's money as a story, oldest first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from services.payment.domain import Checkout, Dispute, DisputeState, Payment, Refund
from services.payment.queries import MoneyStory
from services.payment.web.words import (
    CHECKOUT_STATES,
    DISPUTE_STATES,
    PAYMENT_STATES,
    REFUND_STATES,
    show_money,
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened."""

    at: datetime
    title: str
    tag: tuple[str, str] | None = None
    text: str = ""
    ids: tuple[str, ...] = field(default_factory=tuple)


def timeline_of(story: MoneyStory) -> list[Entry]:
    """Everything that happened to the money of a booking."""
    entries = [
        *_booked(story),
        *(entry for checkout in story.checkouts for entry in _checkout(checkout)),
        *(_payment(payment) for payment in story.payments),
        *(_refund(refund) for refund in story.refunds),
        *(entry for dispute in story.disputes for entry in _dispute(dispute)),
        *_fate(story),
    ]
    # Stripe counts whole seconds: within one, things stand in the order in which they can follow each other.
    return sorted(entries, key=lambda entry: entry.at.replace(microsecond=0))


def _booked(story: MoneyStory) -> Iterator[Entry]:
    for payable in story.payables:
        asked = show_money(payable.amount_minor, payable.currency)
        yield Entry(
            at=payable.opened_at,
            title="Booked",
            text=f"{asked} for {_seats(len(payable.seats))}",
            ids=(str(payable.payable_id),),
        )


def _fate(story: MoneyStory) -> Iterator[Entry]:
    account = story.row.account
    if account.expired_at is not None:
        yield Entry(at=account.expired_at, title="Hold ended", text="The seats were free again.")
    if account.confirmed_at is not None:
        yield Entry(at=account.confirmed_at, title="Seats confirmed")


def _checkout(checkout: Checkout) -> Iterator[Entry]:
    yield Entry(
        at=checkout.opened_at or checkout.requested_at,
        title=f"Payment page, attempt {checkout.attempt}",
        tag=CHECKOUT_STATES[checkout.state],
        ids=_known(checkout.stripe_session_id),
    )
    if checkout.refused_at is not None:
        yield Entry(
            at=checkout.refused_at,
            title="Payment refused by the bank",
            text=f"Reason: {(checkout.refusal or '').replace('_', ' ')}",
        )


def _payment(payment: Payment) -> Entry:
    return Entry(
        at=payment.paid_at,
        title=f"Payment of {show_money(payment.amount_minor, payment.currency)}",
        tag=PAYMENT_STATES[payment.state],
        text="" if payment.stripe_payment_intent_id else "Nothing was to be paid.",
        ids=_known(payment.stripe_payment_intent_id, payment.stripe_charge_id),
    )


def _refund(refund: Refund) -> Entry:
    return Entry(
        at=refund.occurred_at,
        title=f"Refund of {show_money(refund.amount_minor, refund.currency)}",
        tag=REFUND_STATES[refund.state],
        ids=_known(refund.stripe_refund_id),
    )


def _dispute(dispute: Dispute) -> Iterator[Entry]:
    amount = show_money(dispute.amount_minor, dispute.currency)
    yield Entry(
        at=dispute.opened_at,
        title=f"Dispute of {amount}",
        tag=DISPUTE_STATES[dispute.state],
        ids=_known(dispute.stripe_dispute_id),
    )
    if dispute.closed_at is not None:
        won = dispute.state is DisputeState.WON
        yield Entry(at=dispute.closed_at, title=f"Dispute {'won' if won else 'lost'}")


def _known(*ids: str | None) -> tuple[str, ...]:
    return tuple(value for value in ids if value)


def _seats(count: int) -> str:
    return "1 seat" if count == 1 else f"{count} seats"
