"""How states are said to people: words, and the colour that repeats them."""

from services.payment.domain import (
    AccountState,
    CheckoutState,
    CoverageState,
    DisputeState,
    PaymentState,
    RefundState,
)
from services.payment.queries.finance import NOT_SUBMITTED
from shared.money import CURRENCIES, format_money

ACCOUNT_STATES: dict[AccountState, tuple[str, str]] = {
    AccountState.OPEN: ("Waiting for payment", "wait"),
    AccountState.SETTLED: ("Paid", "ok"),
    AccountState.REFUND_DUE: ("To be returned", "bad"),
    AccountState.DISPUTED: ("In dispute", "bad"),
    AccountState.RETURNED: ("Returned", "warn"),
    AccountState.CLOSED: ("Closed unpaid", "neutral"),
    AccountState.UNHEARD: ("Not known yet", "neutral"),
}

PAYMENT_STATES: dict[PaymentState, tuple[str, str]] = {
    PaymentState.COVERING: ("Covers the seats", "ok"),
    PaymentState.DUPLICATE: ("Second payment", "bad"),
    PaymentState.WRONG_AMOUNT: ("Wrong amount", "bad"),
    PaymentState.WRONG_CURRENCY: ("Wrong currency", "bad"),
    PaymentState.REFUND_DUE: ("To be returned", "bad"),
    PaymentState.DISPUTED: ("In dispute", "bad"),
    PaymentState.REFUNDED: ("Returned", "warn"),
    PaymentState.LOST: ("Lost in a dispute", "bad"),
}

CHECKOUT_STATES: dict[CheckoutState, tuple[str, str]] = {
    CheckoutState.REQUESTED: ("Asked for", "wait"),
    CheckoutState.OPEN: ("Open", "wait"),
    CheckoutState.PROCESSING: ("Money on its way", "wait"),
    CheckoutState.COMPLETE: ("Paid", "ok"),
    CheckoutState.EXPIRED: ("Closed unpaid", "neutral"),
    CheckoutState.FAILED: ("Money did not arrive", "warn"),
    CheckoutState.ABANDONED: ("Never made", "neutral"),
}

REFUND_STATES: dict[RefundState, tuple[str, str]] = {
    RefundState.PENDING: ("On its way", "wait"),
    RefundState.SUCCEEDED: ("Done", "ok"),
    RefundState.FAILED: ("Failed", "bad"),
}

DISPUTE_STATES: dict[DisputeState, tuple[str, str]] = {
    DisputeState.OPEN: ("Open", "bad"),
    DisputeState.WON: ("Won", "ok"),
    DisputeState.LOST: ("Lost", "bad"),
}

COVERAGE_STATES: dict[CoverageState, tuple[str, str]] = {
    CoverageState.COVERED: ("Paid for", "ok"),
    CoverageState.UNCOVERED: ("Not paid for", "neutral"),
    CoverageState.FROZEN: ("Frozen", "bad"),
}

ATTENTION: dict[str, tuple[str, str]] = {
    "wrong_amount": ("Wrong amount", "It differs from what was asked. Return it, or ask for the rest."),
    "wrong_currency": ("Wrong currency", "The currency differs from what was asked. Return the payment."),
    "duplicate": ("Second payment", "The seats are paid for twice. Return the second payment in Stripe."),
    "refund_due": ("Late without a seat", "The money came after the hold and got no seat. Return it in Stripe."),
    "dispute_open": ("Dispute open", "Answer the dispute in Stripe before its evidence is due."),
    "partly_refunded": ("Partly returned", "Part of the money went back; the seats still count as paid for."),
    NOT_SUBMITTED: ("Not submitted", "Paid and passed for over 4 hours, but the name was not submitted."),
}  # fmt: skip
"""Code → what it is called, and what to do."""


SAID_BY_STATE: dict[AccountState, str] = {
    AccountState.DISPUTED: "dispute_open",
    AccountState.REFUND_DUE: "refund_due",
}
"""Codes that a state says already, so that the list need not say them twice."""


def show_money(amount_minor: int, currency: str) -> str:
    """An amount; a currency that prices never have (somebody paid with it) is shown in minor units."""
    if currency in CURRENCIES:
        return format_money(amount_minor, currency)
    return f"{amount_minor} {currency} (minor units)"
