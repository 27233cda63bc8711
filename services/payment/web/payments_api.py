"""`/payment/api/payments`: payments for other systems of finance."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import RAISE

from services.payment.domain import BookingAccount, Payable, Payment
from services.payment.queries import PaymentFilter, count_payments, get_payment, list_payments
from services.payment.web.schemas import PaymentDetail, PaymentPage, PaymentQuery
from shared.auth.guards import staff
from shared.errors import NotFound
from shared.web.current import current_service
from shared.web.documented import leads_to, refuses

# A misspelled filter (`unknown=RAISE`) must not look like one that found everything.
blueprint = Blueprint("payments", __name__, description="Payments, refunds and disputes")

_UNKNOWN = ("payment_unknown", "There is no payment with this id.")


@blueprint.route("/payments")
@staff("finance", "admin")
@blueprint.arguments(PaymentQuery(), location="query", unknown=RAISE)
@blueprint.response(200, PaymentPage())
@leads_to("show_payment", "One of them with its refunds and disputes", payment_id="/items/0/payment_id")
def find_payments(query: dict[str, Any]) -> dict[str, Any]:
    """List payments, newest first."""
    wanted = PaymentFilter(state=query.get("state"), booking_id=query.get("booking_id"), query=query.get("q"))
    page, size = query["page"], query["page_size"]
    with current_service().transactions.read() as session:
        total = count_payments(session, wanted)
        found = list_payments(session, wanted, limit=size, offset=(page - 1) * size)
    return {
        "items": [_summary(*row) for row in found],
        "page": page,
        "page_size": size,
        "total": total,
    }


@blueprint.route("/payments/<uuid:payment_id>")
@staff("finance", "admin")
@blueprint.response(200, PaymentDetail())
@refuses(NotFound(*_UNKNOWN))
def show_payment(payment_id: UUID) -> dict[str, Any]:
    """One payment with its refunds and disputes."""
    with current_service().transactions.read() as session:
        found = get_payment(session, payment_id)
    if found is None:
        raise NotFound(*_UNKNOWN)
    payment, account, payable, refunds, disputes = found
    return {**_summary(payment, account, payable), "refunds": refunds, "disputes": disputes}


def _summary(payment: Payment, account: BookingAccount, payable: Payable) -> dict[str, Any]:
    return {
        "payment_id": payment.payment_id,
        "payable_id": payment.payable_id,
        "booking_id": payment.booking_id,
        "reference": account.reference,
        "state": payment.state,
        "currency": payment.currency,
        "amount_minor": payment.amount_minor,
        "refunded_minor": payment.refunded_minor,
        "lost_minor": payment.lost_minor,
        "expected_currency": payable.currency,
        "expected_minor": payable.amount_minor,
        "paid_at": payment.paid_at,
        "stripe_payment_intent_id": payment.stripe_payment_intent_id,
        "stripe_charge_id": payment.stripe_charge_id,
        "stripe_session_id": payment.stripe_session_id,
    }
