"""What payment needs of a payment provider: a port, and plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from services.payment.domain import DisputeState, RefundState
from shared.errors import Permanent


class RequestRefused(Permanent):
    """Stripe understood the request and will never grant it."""


class BadSignature(Exception):
    """The webhook was not signed by Stripe, or too long ago, or in the future."""


@dataclass(frozen=True, kw_only=True)
class Ours:
    """What our metadata on Stripe's objects says: which booking and payable, which attempt."""

    booking_id: UUID
    payable_id: UUID
    attempt: int | None


@dataclass(frozen=True, kw_only=True)
class SessionFacts:
    """A checkout session. `failed` tells a late payment that did not arrive from one still on its way."""

    stripe_session_id: str
    ours: Ours | None
    status: Literal["open", "complete", "expired"]
    paid: bool
    failed: bool
    url: str | None
    stripe_payment_intent_id: str | None
    amount_minor: int
    currency: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ChargeFacts:
    """Money that Stripe took for a payment intent."""

    stripe_payment_intent_id: str
    stripe_charge_id: str | None
    ours: Ours | None
    amount_minor: int
    currency: str
    paid: bool
    at: datetime


@dataclass(frozen=True, kw_only=True)
class RefusalFacts:
    """A bank refused to pay; `reason` is Stripe's code."""

    ours: Ours | None
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class RefundFacts:
    """One refund."""

    stripe_refund_id: str
    stripe_payment_intent_id: str | None
    amount_minor: int
    currency: str
    state: RefundState
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True)
class DisputeFacts:
    """One dispute, as of `at`."""

    stripe_dispute_id: str
    stripe_payment_intent_id: str | None
    amount_minor: int
    currency: str
    state: DisputeState
    opened_at: datetime
    at: datetime


@dataclass(frozen=True, kw_only=True)
class StripeEvent:
    """One event as stored: `object` is the thing it tells of, as Stripe described it at `created`."""

    event_id: str
    type: str
    created: datetime
    object: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class EventPage:
    """Events as the JSON of their webhooks, oldest first, and whether these are all of the period."""

    bodies: tuple[str, ...]
    complete: bool


class PaymentGateway(Protocol):
    """Stripe. Every call raises `Unavailable` when it is away and `RequestRefused` when it says no."""

    def create_session(self, parameters: Mapping[str, Any], *, idempotency_key: str) -> SessionFacts:
        """Make a checkout session; the same key gives the same session again."""
        ...

    def read_session(self, stripe_session_id: str) -> SessionFacts:
        """How a session stands now."""
        ...

    def find_session(self, payable_id: UUID, attempt: int, *, since: datetime) -> SessionFacts | None:
        """The session of an attempt whose answer was lost, by our metadata; `since` is when we asked."""
        ...

    def expire_session(self, stripe_session_id: str) -> SessionFacts:
        """Close a session if it is open; returns how it stands then, paid perhaps."""
        ...

    def read_charge(self, stripe_payment_intent_id: str) -> ChargeFacts:
        """The money taken for a payment intent."""
        ...

    def refunds_of(self, stripe_payment_intent_id: str) -> tuple[RefundFacts, ...]:
        """All refunds of a payment."""
        ...

    def events_between(
        self, since: datetime, until: datetime, types: Sequence[str], *, limit: int | None
    ) -> EventPage:
        """Events of a period, oldest first; `complete` is False when there were more than `limit`, if any."""
        ...

    def verify_webhook(self, payload: bytes, signature: str | None) -> None:
        """Raise `BadSignature` unless Stripe signed these very bytes just now."""
        ...
