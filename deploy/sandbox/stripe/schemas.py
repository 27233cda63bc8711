"""The parameters of every endpoint, with those of Stripe's that the sandbox refuses."""

from collections.abc import Mapping

from deploy.sandbox.stripe.parameters import (
    MAX_AMOUNT,
    Boolean,
    Currency,
    Email,
    Field,
    Integer,
    Many,
    Metadata,
    Nested,
    Period,
    Text,
    Url,
    unsupported,
)

Fields = Mapping[str, Field]

EXPAND: Fields = {"expand": Many(Text(), maximum=20)}
PAGE: Fields = {
    **EXPAND,
    "limit": Integer(minimum=1, maximum=100),
    "starting_after": Text(),
    "ending_before": Text(),
}

PRODUCT_DATA: Fields = {
    "name": Text(required=True, max_length=250),
    "description": Text(),
    "images": Many(Url(), maximum=8),
    "metadata": Metadata(),
    **unsupported("tax_code", "tax_details", "unit_label"),
}

PRICE_DATA: Fields = {
    "currency": Currency(required=True),
    "unit_amount": Integer(required=True, maximum=MAX_AMOUNT),
    "product_data": Nested(PRODUCT_DATA, required=True),
    "tax_behavior": Text(choices=("exclusive", "inclusive", "unspecified")),
    **unsupported("product", "recurring", "unit_amount_decimal"),
}

LINE_ITEM: Fields = {
    "price_data": Nested(PRICE_DATA, required=True),
    "quantity": Integer(required=True, minimum=1, maximum=999_999),
    "metadata": Metadata(),
    **unsupported("adjustable_quantity", "price", "tax_rates"),
}

PAYMENT_INTENT_DATA: Fields = {
    "metadata": Metadata(),
    "description": Text(max_length=1000),
    "receipt_email": Email(),
    "statement_descriptor": Text(max_length=22),
    "statement_descriptor_suffix": Text(max_length=22),
    "capture_method": Text(
        choices=("automatic", "automatic_async", "manual"), implemented=("automatic", "automatic_async")
    ),
    **unsupported(
        "application_fee_amount",
        "on_behalf_of",
        "setup_future_usage",
        "shipping",
        "transfer_data",
        "transfer_group",
    ),
}

# fmt: off
_LOCALES = (
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA",
    "hi-IN", "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR",
    "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
)

_SESSION_UNSUPPORTED = (
    "after_expiration", "allowed_payment_method_types", "branding_settings", "consent_collection",
    "custom_fields", "customer", "customer_account", "customer_update", "discounts",
    "excluded_payment_method_types", "managed_payments", "name_collection", "optional_items",
    "origin_context", "payment_method_collection", "payment_method_configuration", "payment_method_data",
    "payment_method_options", "permissions", "redirect_on_completion", "return_url",
    "saved_payment_method_options", "setup_intent_data", "shipping_address_collection",
    "shipping_options", "subscription_data", "tax_id_collection", "wallet_options",
)
# fmt: on

SESSION_CREATE: Fields = {
    **EXPAND,
    "mode": Text(required=True, choices=("payment", "setup", "subscription"), implemented=("payment",)),
    "line_items": Many(Nested(LINE_ITEM), required=True),
    "success_url": Url(required=True),
    "cancel_url": Url(),
    "client_reference_id": Text(max_length=200),
    "customer_email": Email(),
    "expires_at": Integer(),
    "metadata": Metadata(),
    "payment_intent_data": Nested(PAYMENT_INTENT_DATA),
    "currency": Currency(),
    "locale": Text(choices=_LOCALES),
    "submit_type": Text(
        choices=("auto", "book", "donate", "pay", "subscribe"), implemented=("auto", "book", "pay")
    ),
    "ui_mode": Text(
        choices=("elements", "embedded_page", "form", "hosted_page"), implemented=("hosted_page",)
    ),
    "custom_text": Nested({"submit": Nested({"message": Text(required=True, max_length=1200)})}),
    "adaptive_pricing": Nested({"enabled": Boolean(implemented=(False,))}),
    "allow_promotion_codes": Boolean(implemented=(False,)),
    "automatic_tax": Nested(
        {"enabled": Boolean(required=True, implemented=(False,)), **unsupported("liability")}
    ),
    "billing_address_collection": Text(choices=("auto", "required"), implemented=("auto",)),
    "customer_creation": Text(choices=("always", "if_required"), implemented=("if_required",)),
    "integration_identifier": Text(max_length=200),
    "invoice_creation": Nested(
        {"enabled": Boolean(required=True, implemented=(False,)), **unsupported("invoice_data")}
    ),
    "phone_number_collection": Nested({"enabled": Boolean(required=True, implemented=(False,))}),
    **unsupported(*_SESSION_UNSUPPORTED),
}

SESSION_UPDATE: Fields = {
    **EXPAND,
    "metadata": Metadata(),
    **unsupported("collected_information", "line_items", "payment_intent_data", "shipping_options"),
}

SESSION_LIST: Fields = {
    **PAGE,
    "created": Period(),
    "status": Text(choices=("complete", "expired", "open")),
    "payment_intent": Text(),
    "customer_details": Nested({"email": Email(required=True)}),
    **unsupported("customer", "customer_account", "payment_link", "subscription"),
}

PAYMENT_INTENT_LIST: Fields = {**PAGE, "created": Period(), **unsupported("customer", "customer_account")}

CHARGE_LIST: Fields = {
    **PAGE,
    "created": Period(),
    "payment_intent": Text(),
    **unsupported("customer", "transfer_group"),
}

REFUND_CREATE: Fields = {
    **EXPAND,
    "charge": Text(),
    "payment_intent": Text(),
    "amount": Integer(minimum=1),
    "metadata": Metadata(),
    "reason": Text(choices=("duplicate", "fraudulent", "requested_by_customer")),
    **unsupported(
        "currency", "customer", "instructions_email", "origin", "refund_application_fee", "reverse_transfer"
    ),
}

BY_CHARGE_LIST: Fields = {**PAGE, "created": Period(), "charge": Text(), "payment_intent": Text()}

BALANCE_TRANSACTION_LIST: Fields = {
    **PAGE,
    "created": Period(),
    "currency": Currency(),
    "source": Text(),
    "type": Text(),
    **unsupported("payout"),
}

EVENT_LIST: Fields = {
    **PAGE,
    "created": Period(),
    "type": Text(),
    "types": Many(Text(), maximum=20),
    "delivery_success": Boolean(),
}
