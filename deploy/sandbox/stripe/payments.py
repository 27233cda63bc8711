"""What happens to money: a session is paid, a charge is disputed."""

from dataclasses import dataclass

from deploy.sandbox.stripe import charges, objects
from deploy.sandbox.stripe.cards import SUCCEEDS, Card
from deploy.sandbox.stripe.checkout import find_session
from deploy.sandbox.stripe.errors import ApiError, missing_resource
from deploy.sandbox.stripe.events import emit
from deploy.sandbox.stripe.store import (
    BALANCE_TRANSACTION,
    CHARGE,
    DISPUTE,
    LINE_ITEMS,
    PAYMENT_INTENT,
    SESSION,
    JsonObject,
    Transaction,
)


@dataclass(frozen=True, kw_only=True)
class Payer:
    """What the buyer typed."""

    email: str
    name: str = "Sandbox Buyer"
    card: Card = SUCCEEDS
    expiry: tuple[int, int] = (12, 2034)


def pay_session(
    tx: Transaction, session_id: str, payer: Payer, *, amount: int | None = None, currency: str | None = None
) -> JsonObject:
    """Confirm a session with a card, and return the charge, succeeded or failed.

    `amount` and `currency` make a payment that differs from what was asked for. Stripe does not do that; our
    own side must notice when it happens all the same.
    """
    if find_session(tx, session_id)["status"] != "open":
        raise ApiError(400, "This Checkout Session is no longer open.")
    session = tx.edit(SESSION, session_id)
    intent = _intent_of(tx, session, amount, currency)
    charge = charges.charge(
        intent, payer.card, email=payer.email, name=payer.name, expiry=payer.expiry, now=tx.now
    )
    tx.put(CHARGE, charge)
    intent["latest_charge"] = charge["id"]
    if payer.card.code is not None:
        _fail(tx, intent, charge, payer.card)
        return charge
    _succeed(tx, session, intent, charge, payer)
    if payer.card.disputed:
        open_dispute(tx, charge["id"], reason="fraudulent")
    return charge


def _intent_of(tx: Transaction, session: JsonObject, amount: int | None, currency: str | None) -> JsonObject:
    if amount is not None:
        session["amount_total"] = session["amount_subtotal"] = amount
    if currency is not None:
        session["currency"] = currency
    if session["payment_intent"] is not None:
        intent = tx.edit(PAYMENT_INTENT, session["payment_intent"])
        intent["amount"], intent["currency"] = session["amount_total"], session["currency"]
        return intent
    hidden = tx.get(LINE_ITEMS, session["id"])
    assert hidden is not None, f"session {session['id']} has no line items"
    intent = objects.payment_intent(
        hidden["payment_intent_data"],
        now=tx.now,
        amount=session["amount_total"],
        currency=session["currency"],
    )
    session["payment_intent"] = intent["id"]
    tx.put(PAYMENT_INTENT, intent)
    emit(tx, "payment_intent.created", intent)
    return intent


def _fail(tx: Transaction, intent: JsonObject, charge: JsonObject, card: Card) -> None:
    intent["status"] = "requires_payment_method"
    intent["last_payment_error"] = {
        "charge": charge["id"],
        "code": card.code,
        "doc_url": f"https://stripe.com/docs/error-codes/{(card.code or '').replace('_', '-')}",
        "message": card.message,
        "type": "card_error",
    }
    if card.decline_code is not None:
        intent["last_payment_error"]["decline_code"] = card.decline_code
    emit(tx, "charge.failed", charge)
    emit(tx, "payment_intent.payment_failed", intent)


def _succeed(
    tx: Transaction, session: JsonObject, intent: JsonObject, charge: JsonObject, payer: Payer
) -> None:
    intent["status"] = "succeeded"
    intent["amount_received"] = intent["amount"]
    intent["last_payment_error"] = None
    intent["payment_method"] = charge["payment_method"]
    session["status"] = "complete"
    session["payment_status"] = "paid"
    session["url"] = None
    session["customer_details"] = objects.customer_details(payer.email, payer.name)
    emit(tx, "charge.succeeded", charge)
    emit(tx, "payment_intent.succeeded", intent)
    emit(tx, "checkout.session.completed", session)
    # Captured asynchronously: the fee is known only after the events above have been made.
    movement = objects.balance_transaction(
        "charge",
        "charge",
        charge["id"],
        amount=charge["amount"],
        fee=objects.charge_fee(charge["amount"]),
        currency=charge["currency"],
        now=tx.now,
        description=charge["description"],
    )
    tx.put(BALANCE_TRANSACTION, movement)
    charge["balance_transaction"] = movement["id"]
    emit(tx, "charge.updated", charge, {"balance_transaction": None})


def dispute_forbids_refund(tx: Transaction, charge_id: str) -> bool:
    """Whether the bank has taken this charge, or may still."""
    return any(
        dispute["charge"] == charge_id and dispute["status"] != "won" for dispute in tx.newest_first(DISPUTE)
    )


def open_dispute(
    tx: Transaction, charge_id: str, *, amount: int | None = None, reason: str = "general"
) -> JsonObject:
    """The buyer's bank takes a charge back until it is decided who is right."""
    found = find_charge(tx, charge_id)
    if found["status"] != "succeeded" or found["refunded"]:
        raise ApiError(400, f"Charge {charge_id} has no money that could be disputed.", param="charge")
    if dispute_forbids_refund(tx, charge_id):
        raise ApiError(400, f"Charge {charge_id} is disputed already.", param="charge")
    charge = tx.edit(CHARGE, charge_id)
    amount = amount or charge["amount"] - charge["amount_refunded"]
    movement = objects.balance_transaction(
        "adjustment",
        "dispute",
        "",
        amount=-amount,
        fee=objects.DISPUTE_FEE,
        currency=charge["currency"],
        now=tx.now,
        description="Chargeback withdrawal",
    )
    dispute = charges.dispute(charge, amount=amount, reason=reason, movement=movement, now=tx.now)
    movement["source"] = dispute["id"]
    tx.put(BALANCE_TRANSACTION, movement)
    tx.put(DISPUTE, dispute)
    charge["disputed"] = True
    emit(tx, "charge.dispute.created", dispute)
    return dispute


def close_dispute(tx: Transaction, dispute_id: str, *, won: bool) -> JsonObject:
    """Decide a dispute. Won: the money comes back. Lost: it stays with the buyer."""
    found = tx.get(DISPUTE, dispute_id)
    if found is None:
        raise missing_resource("dispute", dispute_id, param="dispute")
    if found["status"] in ("won", "lost"):
        raise ApiError(400, f"Dispute {dispute_id} is closed already: {found['status']}.")
    dispute = tx.edit(DISPUTE, dispute_id)
    before = dispute["status"]
    dispute["status"] = "won" if won else "lost"
    if won:
        dispute["is_charge_refundable"] = True
        movement = objects.balance_transaction(
            "adjustment",
            "dispute_reversal",
            dispute["id"],
            amount=dispute["amount"],
            fee=0,
            currency=dispute["currency"],
            now=tx.now,
            description="Chargeback reversal",
        )
        tx.put(BALANCE_TRANSACTION, movement)
        dispute["balance_transactions"] = [*dispute["balance_transactions"], movement]
    emit(tx, "charge.dispute.closed", dispute, {"status": before})
    return dispute


def find_charge(tx: Transaction, charge_id: str) -> JsonObject:
    """The charge that a parameter names."""
    charge = tx.get(CHARGE, charge_id)
    if charge is None:
        raise missing_resource("charge", charge_id, param="charge", status=400)
    return charge


def charge_of_intent(tx: Transaction, intent_id: str) -> str:
    """The charge that an intent succeeded with."""
    intent = tx.get(PAYMENT_INTENT, intent_id)
    if intent is None:
        raise missing_resource("payment_intent", intent_id, param="payment_intent", status=400)
    if intent["status"] != "succeeded":
        message = f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
        raise ApiError(400, message, param="payment_intent")
    return str(intent["latest_charge"])
