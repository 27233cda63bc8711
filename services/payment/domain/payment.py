"""A payment: money that Stripe confirmed for one payable, and how it is judged."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from services.payment.domain.base import Base, reference
from shared.db.base import StateType

NAMESPACE = UUID("0199a4e2-6f7c-7c31-9d0e-3a52c1f4b7a8")
"""Our ids of things Stripe named first are made from Stripe's ids: a repetition finds the same row."""


class PaymentState(StrEnum):
    """What a payment is good for. Derived from facts, never set by hand."""

    COVERING = "covering"
    DUPLICATE = "duplicate"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_CURRENCY = "wrong_currency"
    REFUND_DUE = "refund_due"
    DISPUTED = "disputed"
    REFUNDED = "refunded"
    LOST = "lost"


STATE_REASONS: dict[PaymentState, str] = {
    PaymentState.COVERING: "it has the payable's exact amount and currency and covers its seats",
    PaymentState.DUPLICATE: "an earlier payment covers the seats already: this one is to be returned",
    PaymentState.WRONG_AMOUNT: "the amount differs from what was asked: it covers nothing",
    PaymentState.WRONG_CURRENCY: "the currency differs from what was asked: it covers nothing",
    PaymentState.REFUND_DUE: "it came after the hold and got no seats: it is to be returned",
    PaymentState.DISPUTED: "the payer's bank disputes it: its seats are frozen",
    PaymentState.REFUNDED: "it was returned whole",
    PaymentState.LOST: "the dispute was lost: the money is gone",
}


def payment_id_of(stripe_payment_intent_id: str) -> UUID:
    """Our id of the payment that Stripe calls by this payment intent."""
    return uuid5(NAMESPACE, stripe_payment_intent_id)


class Payment(MappedAsDataclass, Base, kw_only=True):
    """One confirmed payment. Without a payment intent it is the settlement of an amount of zero."""

    __tablename__ = "payment"

    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    payable_id: Mapped[UUID] = mapped_column(reference("payable.payable_id"), index=True)
    booking_id: Mapped[UUID] = mapped_column(reference("booking_account.booking_id"), index=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    paid_at: Mapped[datetime] = mapped_column(index=True)
    recorded_at: Mapped[datetime]
    stripe_payment_intent_id: Mapped[str | None] = mapped_column(default=None, unique=True)
    stripe_charge_id: Mapped[str | None] = mapped_column(default=None, index=True)
    stripe_session_id: Mapped[str | None] = mapped_column(default=None)
    unseated_at: Mapped[datetime | None] = mapped_column(default=None)
    state: Mapped[PaymentState] = mapped_column(StateType(PaymentState), default=PaymentState.COVERING)
    refunded_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    lost_minor: Mapped[int] = mapped_column(BigInteger, default=0)
