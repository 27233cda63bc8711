"""Stripe's objects, from webhooks and from answers alike, as our plain data. Nothing personal is read."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.payment.domain.dispute import FROM_STRIPE as DISPUTE_STATES
from services.payment.domain.dispute import DisputeState
from services.payment.domain.refund import FROM_STRIPE as REFUND_STATES
from services.payment.domain.refund import RefundState
from services.payment.gateways.base import (
    ChargeFacts,
    DisputeFacts,
    Ours,
    RefundFacts,
    RefusalFacts,
    SessionFacts,
    StripeEvent,
)
from shared.errors import Permanent

Object = Mapping[str, Any]

_WORD = re.compile(r"[!-~]{1,255}")
_DEAD_INTENTS = ("requires_payment_method", "canceled")


def read_event(payload: str) -> StripeEvent:
    """The event in a webhook's body; raises `Permanent` when it is none."""
    try:
        body = json.loads(payload)
        return StripeEvent(
            event_id=_word(body["id"]),
            type=_word(body["type"]),
            created=moment(body["created"]),
            object=_mapping(body["data"]["object"]),
        )
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError) as error:
        # A moment beyond the calendar is an OverflowError or an OSError, what is nested without end a RecursionError.
        raise Permanent(f"this is not an event of Stripe's: {type(error).__name__}") from None


def named(payload: str) -> tuple[str | None, str | None]:
    """The id and the type of what cannot be read as an event, as far as it says them."""
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return None, None
    given = body if isinstance(body, Mapping) else {}
    return _word_or_none(given.get("id")), _word_or_none(given.get("type"))


def session_facts(session: Object, *, at: datetime, failed: bool = False) -> SessionFacts:
    """A checkout session as of `at`; its payment intent may be an id or the whole object."""
    intent = session.get("payment_intent")
    if isinstance(intent, Mapping):
        failed = failed or (session["status"] == "complete" and intent.get("status") in _DEAD_INTENTS)
        charge = intent.get("latest_charge")
        if isinstance(charge, Mapping) and session["status"] == "complete":
            # When the money was taken, rather than when somebody asked.
            at = moment(charge["created"])
    return SessionFacts(
        stripe_session_id=session["id"],
        ours=ours(session),
        status=session["status"],
        paid=session["status"] == "complete" and session["payment_status"] == "paid",
        failed=failed and session["payment_status"] != "paid",
        url=session.get("url"),
        stripe_payment_intent_id=id_of(intent),
        amount_minor=session["amount_total"] or 0,
        currency=str(session["currency"]).upper(),
        at=at,
    )


def charge_facts(charge: Object) -> ChargeFacts:
    """A charge."""
    intent = id_of(charge.get("payment_intent"))
    if intent is None:
        raise Permanent("a charge without a payment intent is none of ours")
    return ChargeFacts(
        stripe_payment_intent_id=intent,
        stripe_charge_id=charge["id"],
        ours=ours(charge),
        amount_minor=charge.get("amount_captured") or charge["amount"],
        currency=str(charge["currency"]).upper(),
        paid=bool(charge.get("paid")) and bool(charge.get("captured")),
        at=moment(charge["created"]),
    )


def intent_facts(intent: Object) -> ChargeFacts:
    """The money taken for a payment intent, whose latest charge may be an id or the whole object."""
    charge = intent.get("latest_charge")
    return ChargeFacts(
        stripe_payment_intent_id=intent["id"],
        stripe_charge_id=id_of(charge),
        ours=ours(intent),
        amount_minor=intent["amount_received"],
        currency=str(intent["currency"]).upper(),
        paid=intent["status"] == "succeeded",
        at=moment(charge["created"] if isinstance(charge, Mapping) else intent["created"]),
    )


def refusal_facts(intent: Object, *, at: datetime) -> RefusalFacts:
    """Why a payment intent's last try was refused."""
    error = intent.get("last_payment_error")
    known = error if isinstance(error, Mapping) else {}
    return RefusalFacts(
        ours=ours(intent),
        reason=str(known.get("decline_code") or known.get("code") or "payment_refused"),
        at=at,
    )


def refund_facts(refund: Object) -> RefundFacts:
    """A refund. A status Stripe may invent later counts as on its way, and so uncovers nobody."""
    return RefundFacts(
        stripe_refund_id=refund["id"],
        stripe_payment_intent_id=id_of(refund.get("payment_intent")),
        amount_minor=refund["amount"],
        currency=str(refund["currency"]).upper(),
        state=REFUND_STATES.get(str(refund.get("status")), RefundState.PENDING),
        occurred_at=moment(refund["created"]),
    )


def dispute_facts(dispute: Object, *, at: datetime) -> DisputeFacts:
    """A dispute. A status Stripe may invent later counts as open, and so keeps the seats frozen."""
    return DisputeFacts(
        stripe_dispute_id=dispute["id"],
        stripe_payment_intent_id=id_of(dispute.get("payment_intent")),
        amount_minor=dispute["amount"],
        currency=str(dispute["currency"]).upper(),
        state=DISPUTE_STATES.get(str(dispute.get("status")), DisputeState.OPEN),
        opened_at=moment(dispute["created"]),
        at=at,
    )


def ours(thing: Object) -> Ours | None:
    """What our metadata says; None for objects that other systems made in the same Stripe account."""
    metadata = thing.get("metadata")
    if not isinstance(metadata, Mapping) or "payable_id" not in metadata:
        return None
    try:
        attempt = metadata.get("attempt")
        return Ours(
            booking_id=UUID(metadata["booking_id"]),
            payable_id=UUID(metadata["payable_id"]),
            attempt=int(attempt) if attempt is not None else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def id_of(value: Any) -> str | None:
    """The id of something that is given as an id or as the whole object."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, str) else None


def moment(seconds: int) -> datetime:
    """Stripe's seconds as a moment."""
    return datetime.fromtimestamp(seconds, UTC)


_KEPT = frozenset(
    {
        "id", "object", "type", "created", "livemode", "api_version", "data", "amount", "amount_total",
        "amount_subtotal", "amount_captured", "amount_received", "amount_refunded", "currency", "status",
        "payment_status", "payment_intent", "charge", "latest_charge", "payable_id", "booking_id", "attempt",
        "metadata", "paid", "captured", "refunded", "disputed", "reason", "expires_at", "client_reference_id",
        "balance_transaction", "mode",
    }
)  # fmt: skip


def redacted(payload: str) -> str:
    """The event with ids, amounts, moments and states only: what is kept once it is handled."""
    try:
        body = json.loads(payload)
    except ValueError:
        return "{}"
    return json.dumps(_without_people(body))


def _without_people(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_people(item) for key, item in value.items() if key in _KEPT}
    # Lists hold nothing we need; what hides in them need not be known.
    return None if isinstance(value, list) else value


def references_of(event: StripeEvent) -> tuple[str, ...]:
    """The ids by which people search for this event."""
    thing = event.object
    metadata = thing.get("metadata")
    known = metadata if isinstance(metadata, Mapping) else {}
    found = (
        thing.get("id"),
        id_of(thing.get("payment_intent")),
        id_of(thing.get("charge")),
        id_of(thing.get("latest_charge")),
        known.get("payable_id"),
        known.get("booking_id"),
    )
    return tuple(sorted({word for value in found if (word := _word_or_none(value))}))


def _word(value: Any) -> str:
    word = _word_or_none(value)
    if word is None:
        raise TypeError("not an id")
    return word


def _word_or_none(value: Any) -> str | None:
    # Stripe's ids and types are such; what no database stores, such as NUL, would stop whoever receives it.
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def _mapping(value: Any) -> Object:
    if not isinstance(value, Mapping):
        raise TypeError("not an object")
    return value
