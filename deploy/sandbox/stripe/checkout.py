"""Checkout Sessions: made, changed, expired."""

from deploy.sandbox.stripe import objects
from deploy.sandbox.stripe.currencies import show
from deploy.sandbox.stripe.errors import ApiError, missing_resource, not_implemented
from deploy.sandbox.stripe.events import emit
from deploy.sandbox.stripe.parameters import MAX_AMOUNT
from deploy.sandbox.stripe.store import LINE_ITEMS, SESSION, JsonObject, Transaction

SHORTEST_SECONDS = 30 * 60
LONGEST_SECONDS = 24 * 60 * 60
SMALLEST_AMOUNT = 50


def create_session(tx: Transaction, params: JsonObject, public_url: str) -> JsonObject:
    """Open a session for the line items. Nothing is charged before its buyer confirms."""
    items = params["line_items"]
    currency = items[0]["price_data"]["currency"]
    if any(item["price_data"]["currency"] != currency for item in items):
        raise ApiError(400, "All line items must have the same currency.", param="line_items")
    if params.get("currency", currency) != currency:
        message = "The currency of the Checkout Session must be that of its line items."
        raise ApiError(400, message, param="currency")
    amount = sum(item["price_data"]["unit_amount"] * item["quantity"] for item in items)
    _check_amount(amount, currency)
    _check_expiry(params.get("expires_at"), tx.now)
    session = objects.checkout_session(
        params, now=tx.now, amount=amount, currency=currency, public_url=public_url
    )
    lines = [objects.line_item(item, now=tx.now) for item in items]
    # The intent's data is kept beside the lines: Stripe never shows it on the session.
    hidden = params.get("payment_intent_data", {})
    tx.put(LINE_ITEMS, {"data": lines, "payment_intent_data": hidden}, session["id"])
    return tx.put(SESSION, session)


def _check_amount(amount: int, currency: str) -> None:
    if amount == 0:
        raise not_implemented("sessions without anything to pay", param="line_items")
    if amount < SMALLEST_AMOUNT:
        message = (
            f"The Checkout Session's total amount must convert to at least {show(SMALLEST_AMOUNT, currency)}."
        )
        raise ApiError(400, message, code="amount_too_small", param="line_items")
    if amount > MAX_AMOUNT:
        message = f"The Checkout Session's total amount must be no more than {show(MAX_AMOUNT, currency)}."
        raise ApiError(400, message, code="amount_too_large", param="line_items")


def _check_expiry(expires_at: int | None, now: int) -> None:
    if expires_at is None:
        return
    if expires_at < now + SHORTEST_SECONDS:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise ApiError(400, message, param="expires_at")
    if expires_at > now + LONGEST_SECONDS:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise ApiError(400, message, param="expires_at")


def update_session(tx: Transaction, session_id: str, params: JsonObject) -> JsonObject:
    """Change a session's metadata."""
    find_session(tx, session_id)
    session = tx.edit(SESSION, session_id)
    if "metadata" in params:
        session["metadata"] = merge_metadata(session["metadata"], params["metadata"])
    return session


def merge_metadata(old: JsonObject, change: JsonObject) -> JsonObject:
    """Stripe's rule: keys are added or replaced, an empty value removes its key, no keys remove all."""
    if not change:
        return {}
    return {key: value for key, value in {**old, **change}.items() if value != ""}


def expire_session(tx: Transaction, session_id: str) -> JsonObject:
    """End an open session before its time."""
    session = find_session(tx, session_id)
    if session["status"] != "open":
        message = (
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of {session['status']}."
        )
        raise ApiError(400, message)
    return mark_expired(tx, session_id)


def mark_expired(tx: Transaction, session_id: str) -> JsonObject:
    """Close an unpaid session and tell so."""
    session = tx.edit(SESSION, session_id)
    session["status"] = "expired"
    session["url"] = None
    emit(tx, "checkout.session.expired", session)
    return session


def find_session(tx: Transaction, session_id: str) -> JsonObject:
    """The session, or Stripe's answer for one that does not exist."""
    session = tx.get(SESSION, session_id)
    if session is None:
        raise missing_resource("checkout.session", session_id, param="session")
    return session
