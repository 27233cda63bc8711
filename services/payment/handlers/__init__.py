"""One function per command, inside the caller's transaction; never the network."""

from services.payment.handlers.checkouts import (
    CheckoutOffer,
    abandon_checkout,
    follow_session,
    note_reading,
    open_checkout,
    record_refusal,
    request_checkout,
)
from services.payment.handlers.money import (
    confirm_payment,
    record_dispute,
    record_refund,
    tell_wrong_money,
)
from services.payment.handlers.payables import (
    close_payable,
    extend_payable,
    keep_booking,
    open_payable,
    owe_refund,
)
from services.payment.handlers.progress import note_assessment, note_submission

__all__ = [
    "CheckoutOffer",
    "abandon_checkout",
    "close_payable",
    "confirm_payment",
    "extend_payable",
    "follow_session",
    "keep_booking",
    "note_assessment",
    "note_reading",
    "note_submission",
    "open_checkout",
    "open_payable",
    "owe_refund",
    "record_dispute",
    "record_refund",
    "record_refusal",
    "request_checkout",
    "tell_wrong_money",
]
