"""What the API takes and gives."""

from marshmallow import Schema, fields, validate

from services.payment.domain import DisputeState, PaymentState, RefundState


class PaymentQuery(Schema):
    """Which payments are wanted."""

    state = fields.Enum(
        PaymentState, by_value=True, metadata={"description": "Only payments judged like this"}
    )
    booking_id = fields.UUID(metadata={"description": "Only payments of this booking"})
    q = fields.String(
        validate=validate.Length(1, 200),
        metadata={"description": "A booking's reference, or an id of Stripe's"},
    )
    page = fields.Integer(load_default=1, validate=validate.Range(1, 100_000))
    page_size = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class PaymentSummary(Schema):
    """One payment and what was asked for."""

    payment_id = fields.UUID(required=True)
    payable_id = fields.UUID(required=True)
    booking_id = fields.UUID(required=True)
    reference = fields.String(required=True)
    state = fields.Enum(PaymentState, by_value=True, required=True)
    currency = fields.String(required=True, metadata={"example": "EUR"})
    amount_minor = fields.Integer(required=True, metadata={"description": "In minor units"})
    refunded_minor = fields.Integer(required=True)
    lost_minor = fields.Integer(required=True, metadata={"description": "Lost in disputes"})
    expected_currency = fields.String(required=True)
    expected_minor = fields.Integer(required=True, metadata={"description": "What the payable asks for"})
    paid_at = fields.AwareDateTime(required=True, format="iso")
    stripe_payment_intent_id = fields.String(required=True, allow_none=True)
    stripe_charge_id = fields.String(required=True, allow_none=True)
    stripe_session_id = fields.String(required=True, allow_none=True)


class RefundView(Schema):
    """One refund."""

    refund_id = fields.UUID(required=True)
    stripe_refund_id = fields.String(required=True)
    state = fields.Enum(RefundState, by_value=True, required=True)
    amount_minor = fields.Integer(required=True)
    currency = fields.String(required=True)
    occurred_at = fields.AwareDateTime(required=True, format="iso")


class DisputeView(Schema):
    """One dispute."""

    dispute_id = fields.UUID(required=True)
    stripe_dispute_id = fields.String(required=True)
    state = fields.Enum(DisputeState, by_value=True, required=True)
    amount_minor = fields.Integer(required=True)
    currency = fields.String(required=True)
    opened_at = fields.AwareDateTime(required=True, format="iso")
    closed_at = fields.AwareDateTime(required=True, format="iso", allow_none=True)


class PaymentDetail(PaymentSummary):
    """One payment with what went out again."""

    refunds = fields.List(fields.Nested(RefundView), required=True)
    disputes = fields.List(fields.Nested(DisputeView), required=True)


class PaymentPage(Schema):
    """One page of payments, newest first."""

    items = fields.List(fields.Nested(PaymentSummary), required=True)
    page = fields.Integer(required=True)
    page_size = fields.Integer(required=True)
    total = fields.Integer(required=True)
