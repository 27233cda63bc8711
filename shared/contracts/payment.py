"""Events published by payment: checkout, money in and out, and what it covers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.contracts.registry import REGISTRY
from shared.messaging.event import Event


@dataclass(frozen=True, kw_only=True)
class CoverageFact:
    """Whether one enrollment is paid for. `revision` counts this enrollment's coverage facts."""

    enrollment_id: UUID
    revision: int
    state: Literal["covered", "uncovered", "frozen"]


@REGISTRY.event("checkout.opened.v1", publisher="payment", aggregate="payable", key="payable_id")
@dataclass(frozen=True, kw_only=True)
class CheckoutOpened(Event):
    """The payer reached the payment page; Stripe's session can be paid until `expires_at`."""

    payable_id: UUID
    booking_id: UUID
    expires_at: datetime


@REGISTRY.event("payment.confirmed.v1", publisher="payment", aggregate="payable", key="payable_id")
@dataclass(frozen=True, kw_only=True)
class PaymentConfirmed(Event):
    """Money with the payable's exact amount and currency is confirmed: its enrollments are covered."""

    payment_id: UUID
    payable_id: UUID
    booking_id: UUID
    amount_minor: int
    currency: str
    occurred_at: datetime
    coverage: tuple[CoverageFact, ...]


@REGISTRY.event("payment.refunded.v1", publisher="payment", aggregate="payable", key="payable_id")
@dataclass(frozen=True, kw_only=True)
class PaymentRefunded(Event):
    """A refund succeeded. `coverage` names the enrollments it uncovers: none for a double payment."""

    payment_id: UUID
    payable_id: UUID
    booking_id: UUID
    refund_id: UUID
    amount_minor: int
    currency: str
    occurred_at: datetime
    coverage: tuple[CoverageFact, ...]


@REGISTRY.event("payment.disputed.v1", publisher="payment", aggregate="payable", key="payable_id")
@dataclass(frozen=True, kw_only=True)
class PaymentDisputed(Event):
    """The payer's bank disputes the charge: every enrollment of it is frozen until the dispute closes."""

    payment_id: UUID
    payable_id: UUID
    booking_id: UUID
    dispute_id: UUID
    amount_minor: int
    currency: str
    occurred_at: datetime
    coverage: tuple[CoverageFact, ...]


@REGISTRY.event("dispute.closed.v1", publisher="payment", aggregate="payable", key="payable_id")
@dataclass(frozen=True, kw_only=True)
class DisputeClosed(Event):
    """The dispute ended: won gives back what was, lost uncovers."""

    payment_id: UUID
    payable_id: UUID
    booking_id: UUID
    dispute_id: UUID
    outcome: Literal["won", "lost"]
    amount_minor: int
    currency: str
    occurred_at: datetime
    coverage: tuple[CoverageFact, ...]


@REGISTRY.event("payment.failed.v1", publisher="payment", aggregate="payable", key="payable_id")
@dataclass(frozen=True, kw_only=True)
class PaymentFailed(Event):
    """An attempt to pay was refused; the payer may try again while the hold stands. `reason` is a code.

    With `wrong_amount` or `wrong_currency` money did come, but not what was asked: it covers nothing; with
    `returned` all such money has gone back. Only these carry a `revision`, which counts what was told of them
    for this booking. `page_expires_at` names the payment page that closed with it, before its time, by what
    `checkout.opened` told of its end; it is null where the page stays open.
    """

    payable_id: UUID
    booking_id: UUID
    reason: str
    occurred_at: datetime
    revision: int | None = None
    page_expires_at: datetime | None = None


@REGISTRY.event("payment.expired.v1", publisher="payment", aggregate="payable", key="payable_id")
@dataclass(frozen=True, kw_only=True)
class PaymentExpired(Event):
    """The payment page closed unpaid."""

    payable_id: UUID
    booking_id: UUID
    reason: str
    occurred_at: datetime
