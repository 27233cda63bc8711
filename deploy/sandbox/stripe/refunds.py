"""Money on its way back: a charge is refunded, or the bank returns the refund."""

from deploy.sandbox.stripe import objects
from deploy.sandbox.stripe.currencies import show
from deploy.sandbox.stripe.errors import ApiError, missing_resource
from deploy.sandbox.stripe.events import emit
from deploy.sandbox.stripe.payments import dispute_forbids_refund, find_charge
from deploy.sandbox.stripe.store import BALANCE_TRANSACTION, CHARGE, REFUND, JsonObject, Transaction


def create_refund(
    tx: Transaction,
    charge_id: str,
    *,
    amount: int | None = None,
    reason: str | None = None,
    metadata: JsonObject | None = None,
) -> JsonObject:
    """Give back a charge, whole or in part. Stripe keeps its fee."""
    found = find_charge(tx, charge_id)
    if found["status"] != "succeeded":
        message = f"This charge ({charge_id}) has not succeeded, so it cannot be refunded."
        raise ApiError(400, message, param="charge")
    if dispute_forbids_refund(tx, charge_id):
        message = f"Charge {charge_id} has been charged back; cannot issue a refund."
        raise ApiError(400, message, code="charge_disputed")
    left = found["amount"] - found["amount_refunded"]
    if left == 0:
        message = f"Charge {charge_id} has already been refunded."
        raise ApiError(400, message, code="charge_already_refunded")
    if amount is not None and amount > left:
        message = (
            f"Refund amount ({show(amount, found['currency'])}) is greater than unrefunded amount on charge "
            f"({show(left, found['currency'])})"
        )
        raise ApiError(400, message, param="amount")
    charge = tx.edit(CHARGE, charge_id)
    before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    refund = objects.refund(charge, amount=amount or left, reason=reason, metadata=metadata or {}, now=tx.now)
    movement = objects.balance_transaction(
        "refund",
        "refund",
        refund["id"],
        amount=-refund["amount"],
        fee=0,
        currency=refund["currency"],
        now=tx.now,
        description="REFUND FOR CHARGE",
    )
    tx.put(BALANCE_TRANSACTION, movement)
    refund["balance_transaction"] = movement["id"]
    tx.put(REFUND, refund)
    charge["amount_refunded"] += refund["amount"]
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    emit(tx, "refund.created", refund)
    emit(tx, "charge.refunded", charge, {key: old for key, old in before.items() if old != charge[key]})
    # The bank's reference comes a little later, as an update of the refund.
    card = refund["destination_details"]["card"]
    pending = dict(card)
    card |= {
        "reference": str(int(refund["created"]))[-10:].rjust(11, "7"),
        "reference_status": "available",
        "reference_type": "acquirer_reference_number",
    }
    emit(tx, "refund.updated", refund, {"destination_details": {"card": pending}})
    return refund


def fail_refund(tx: Transaction, refund_id: str) -> JsonObject:
    """The card's bank cannot pass the money on and returns it, days after the refund had succeeded."""
    found = tx.get(REFUND, refund_id)
    if found is None:
        raise missing_resource("refund", refund_id, param="refund")
    if found["status"] != "succeeded":
        raise ApiError(400, f"Refund {refund_id} has failed already.", param="refund")
    refund, charge = tx.edit(REFUND, refund_id), tx.edit(CHARGE, found["charge"])
    movement = objects.balance_transaction(
        "refund_failure",
        "refund_failure",
        refund_id,
        amount=refund["amount"],
        fee=0,
        currency=refund["currency"],
        now=tx.now,
        description="REFUND FAILURE",
    )
    tx.put(BALANCE_TRANSACTION, movement)
    refund |= {
        "status": "failed",
        "failure_reason": "expired_or_canceled_card",
        "failure_balance_transaction": movement["id"],
    }
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    emit(tx, "refund.updated", refund, {"status": "succeeded"})
    emit(tx, "refund.failed", refund)
    return refund
