"""The selects that answer readers."""

from services.payment.queries.checkouts import (
    PageStanding,
    UnsettledCheckout,
    checkouts_to_read,
    knows_payment,
    read_cursor,
    standing_of_booking,
    standing_of_session,
    uncounted_wrong_money,
)
from services.payment.queries.finance import (
    CurrencyTotal,
    FinanceFilter,
    FinanceRow,
    MoneyStory,
    count_rows,
    finance_rows,
    money_story,
    totals,
)
from services.payment.queries.payments import PaymentFilter, count_payments, get_payment, list_payments
from services.payment.queries.waiting import longest_unsubmitted_seconds, unsubmitted

__all__ = [
    "CurrencyTotal",
    "FinanceFilter",
    "FinanceRow",
    "MoneyStory",
    "PageStanding",
    "PaymentFilter",
    "UnsettledCheckout",
    "checkouts_to_read",
    "count_payments",
    "count_rows",
    "finance_rows",
    "get_payment",
    "knows_payment",
    "list_payments",
    "longest_unsubmitted_seconds",
    "money_story",
    "read_cursor",
    "standing_of_booking",
    "standing_of_session",
    "totals",
    "uncounted_wrong_money",
    "unsubmitted",
]
