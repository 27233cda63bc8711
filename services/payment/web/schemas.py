"""What the API takes and gives."""

from marshmallow import Schema, fields, validate

from services.payment.domain import DisputeState, PaymentState, RefundState
from shared.web.documented import Answer, shown

_PAYMENT_ID = "0199f3a4-1b2c-7d3e-8f40-5a6b7c8d9e0f"
_BOOKING_ID = "0199f3a2-7c1e-7a40-9d55-40b0d4e2a1c6"
_PAID_AT = "2026-08-24T09:08:19+00:00"


class PaymentQuery(Schema):
    """Which payments are wanted."""

    state = fields.Enum(
        PaymentState, by_value=True, metadata=shown("covering", "Only payments judged like this")
    )
    booking_id = fields.UUID(metadata=shown(_BOOKING_ID, "Only payments of this booking"))
    q = fields.String(
        validate=validate.Length(1, 200),
        metadata=shown("R-7K3Q-9F2M", "A booking's reference, or an id of Stripe's"),
    )
    page = fields.Integer(load_default=1, validate=validate.Range(1, 100_000), metadata=shown(1))
    page_size = fields.Integer(load_default=50, validate=validate.Range(1, 200), metadata=shown(50))


class PaymentSummary(Answer):
    """One payment and what was asked for."""

    payment_id = fields.UUID(metadata=shown(_PAYMENT_ID))
    payable_id = fields.UUID(metadata=shown(_BOOKING_ID))
    booking_id = fields.UUID(metadata=shown(_BOOKING_ID))
    reference = fields.String(metadata=shown("R-7K3Q-9F2M"))
    state = fields.Enum(PaymentState, by_value=True, metadata=shown("covering"))
    currency = fields.String(metadata=shown("EUR", "ISO 4217"))
    amount_minor = fields.Integer(metadata=shown(100_000, "What came, in the currency's minor unit"))
    refunded_minor = fields.Integer(metadata=shown(0, "What went back"))
    lost_minor = fields.Integer(metadata=shown(0, "Lost in disputes"))
    expected_currency = fields.String(metadata=shown("EUR"))
    expected_minor = fields.Integer(metadata=shown(100_000, "What the payable asks for"))
    paid_at = fields.AwareDateTime(format="iso", metadata=shown(_PAID_AT))
    stripe_payment_intent_id = fields.String(allow_none=True, metadata=shown("pi_3PqTestExample0001"))
    stripe_charge_id = fields.String(allow_none=True, metadata=shown("ch_3PqTestExample0001"))
    stripe_session_id = fields.String(allow_none=True, metadata=shown("cs_test_a1ExampleSession"))


class RefundView(Answer):
    """One refund."""

    refund_id = fields.UUID(metadata=shown("0199f3b0-2222-7d3e-8f40-5a6b7c8d9e0f"))
    stripe_refund_id = fields.String(metadata=shown("re_3PqTestExample0001"))
    state = fields.Enum(RefundState, by_value=True, metadata=shown("succeeded"))
    amount_minor = fields.Integer(metadata=shown(100_000))
    currency = fields.String(metadata=shown("EUR"))
    occurred_at = fields.AwareDateTime(format="iso", metadata=shown("2026-08-26T10:00:00+00:00"))


class DisputeView(Answer):
    """One dispute."""

    dispute_id = fields.UUID(metadata=shown("0199f3b0-3333-7d3e-8f40-5a6b7c8d9e0f"))
    stripe_dispute_id = fields.String(metadata=shown("dp_1PqTestExample0001"))
    state = fields.Enum(DisputeState, by_value=True, metadata=shown("open"))
    amount_minor = fields.Integer(metadata=shown(100_000))
    currency = fields.String(metadata=shown("EUR"))
    opened_at = fields.AwareDateTime(format="iso", metadata=shown("2026-08-27T08:00:00+00:00"))
    closed_at = fields.AwareDateTime(format="iso", allow_none=True, metadata=shown(None))


class PaymentDetail(PaymentSummary):
    """One payment with what went out again."""

    refunds = fields.List(fields.Nested(RefundView))
    disputes = fields.List(fields.Nested(DisputeView))


class PaymentPage(Answer):
    """One page of payments, newest first."""

    items = fields.List(fields.Nested(PaymentSummary))
    page = fields.Integer(metadata=shown(1))
    page_size = fields.Integer(metadata=shown(50))
    total = fields.Integer(metadata=shown(1, "On all pages"))
