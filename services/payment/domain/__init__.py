"""The aggregates of payment. No I/O."""

from services.payment.domain.account import AccountState, BookingAccount
from services.payment.domain.base import Base
from services.payment.domain.books import Books
from services.payment.domain.checkout import Checkout, CheckoutState
from services.payment.domain.cursor import EventCursor
from services.payment.domain.dispute import Dispute, DisputeState, dispute_id_of
from services.payment.domain.payable import Coverage, CoverageState, Payable, PayableSeat
from services.payment.domain.payment import Payment, PaymentState, payment_id_of
from services.payment.domain.progress import EnrollmentProgress
from services.payment.domain.refund import Refund, RefundState, refund_id_of
from services.payment.domain.stripe_request import session_parameters

__all__ = [
    "AccountState",
    "Base",
    "BookingAccount",
    "Books",
    "Checkout",
    "CheckoutState",
    "Coverage",
    "CoverageState",
    "Dispute",
    "DisputeState",
    "EnrollmentProgress",
    "EventCursor",
    "Payable",
    "PayableSeat",
    "Payment",
    "PaymentState",
    "Refund",
    "RefundState",
    "dispute_id_of",
    "payment_id_of",
    "refund_id_of",
    "session_parameters",
]
