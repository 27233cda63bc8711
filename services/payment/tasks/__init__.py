"""Steps that talk to Stripe, never inside a transaction, and the timers; each may be repeated."""

from services.payment.tasks.catching_up import catch_up_with_events
from services.payment.tasks.checkouts import begin_checkout, close_payment_page_with, read_session
from services.payment.tasks.money import follow_charge_refunds_with, follow_dispute_with, follow_refund_with
from services.payment.tasks.reconciling import reconcile_sessions
from services.payment.tasks.telling import tell_uncounted_money

__all__ = [
    "begin_checkout",
    "catch_up_with_events",
    "close_payment_page_with",
    "follow_charge_refunds_with",
    "follow_dispute_with",
    "follow_refund_with",
    "read_session",
    "reconcile_sessions",
    "tell_uncounted_money",
]
