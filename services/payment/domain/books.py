"""What the stored facts mean. Pure: payments, refunds and disputes in, judgements out, in any order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.payment.domain.account import AccountState, BookingAccount
from services.payment.domain.dispute import Dispute, DisputeState
from services.payment.domain.payable import Coverage, CoverageState, Payable
from services.payment.domain.payment import Payment, PaymentState
from services.payment.domain.refund import Refund, RefundState

_WORST_FIRST = (CoverageState.UNCOVERED, CoverageState.FROZEN, CoverageState.COVERED)
_URGENT_FIRST = tuple(AccountState)

WRONG = (PaymentState.WRONG_AMOUNT, PaymentState.WRONG_CURRENCY)
"""States of money that covers nothing, because it is not what was asked."""


@dataclass(kw_only=True)
class Books:
    """Everything payment knows about the money of one booking, read under the lock of its account.

    Judgements are recomputed from the facts, never stepped from the previous judgement: whatever the
    order and the repetitions in which facts arrived, the same facts mean the same.
    """

    account: BookingAccount
    payables: list[Payable] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    coverages: list[Coverage] = field(default_factory=list)

    def payable(self, payable_id: UUID) -> Payable | None:
        """The payable with this id, if it belongs to this booking."""
        return next((p for p in self.payables if p.payable_id == payable_id), None)

    def payment(self, payment_id: UUID) -> Payment | None:
        """The payment with this id, if it is known."""
        return next((p for p in self.payments if p.payment_id == payment_id), None)

    def settle(self, now: datetime) -> list[Coverage]:
        """Judge everything anew; returns the coverages that changed, each with its next revision."""
        for payment in self.payments:
            payment.refunded_minor = self._refunded(payment)
            payment.lost_minor = self._lost(payment)
        for payable in self.payables:
            self._judge_payments(payable)
        self._summarize()
        return self._cover(now)

    def state_of(self, payable: Payable) -> AccountState:
        """How this payable stands."""
        exact = [p for p in self._payments_of(payable) if self._fits(p, payable)]
        standing = [p for p in exact if self._stands(p)]
        if not standing:
            if exact:
                return AccountState.RETURNED
            return AccountState.CLOSED if self.account.closed else AccountState.OPEN
        if any(self._disputed(p) for p in exact):
            return AccountState.DISPUTED
        if self._seatless(payable):
            return AccountState.REFUND_DUE
        return AccountState.SETTLED

    def coverage_of(self, enrollment_id: UUID) -> CoverageState:
        """Covered when every payable that names the enrollment is settled; the worst of them counts."""
        states = [
            self._coverage_by(payable)
            for payable in self.payables
            if any(seat.enrollment_id == enrollment_id for seat in payable.seats)
        ]
        return min(states, key=_WORST_FIRST.index, default=CoverageState.UNCOVERED)

    def wrong_money(self, payable: Payable) -> PaymentState | None:
        """What is wrong with money that stands for this payable and covers nothing; disputed, it still stands."""
        standing = (p for p in sorted(self._payments_of(payable), key=_first_paid) if self._stands(p))
        return next((wrong for p in standing if (wrong := self._wrong(p, payable))), None)

    def _coverage_by(self, payable: Payable) -> CoverageState:
        exact = [p for p in self._payments_of(payable) if self._fits(p, payable)]
        if not any(self._stands(p) for p in exact):
            return CoverageState.UNCOVERED
        # A second payment in dispute freezes as well: the bank may take back either of the two.
        return CoverageState.FROZEN if any(map(self._disputed, exact)) else CoverageState.COVERED

    def _judge_payments(self, payable: Payable) -> None:
        covering = None
        for payment in sorted(self._payments_of(payable), key=_first_paid):
            payment.state = self._judge(payment, payable, covering)
            if covering is None and self._fits(payment, payable) and self._stands(payment):
                covering = payment

    def _judge(self, payment: Payment, payable: Payable, covering: Payment | None) -> PaymentState:
        if payment.lost_minor:
            return PaymentState.LOST
        if self._wholly_refunded(payment):
            return PaymentState.REFUNDED
        if self._disputed(payment):
            return PaymentState.DISPUTED
        if (wrong := self._wrong(payment, payable)) is not None:
            return wrong
        if payment.unseated_at is not None or self._seatless(payable):
            return PaymentState.REFUND_DUE
        return PaymentState.COVERING if covering is None else PaymentState.DUPLICATE

    def _cover(self, now: datetime) -> list[Coverage]:
        changed = []
        for coverage in sorted(self.coverages, key=lambda c: c.enrollment_id):
            state = self.coverage_of(coverage.enrollment_id)
            if state is not coverage.state:
                coverage.state = state
                coverage.revision += 1
                coverage.changed_at = now
                changed.append(coverage)
        return changed

    def _summarize(self) -> None:
        account = self.account
        if not self.payables:
            return
        account.state = min(map(self.state_of, self.payables), key=_URGENT_FIRST.index)
        account.expected_minor = 0 if account.closed else sum(p.amount_minor for p in self.payables)
        account.received_minor = sum(
            p.amount_minor - p.refunded_minor - p.lost_minor
            for p in self.payments
            if p.currency == account.currency
        )
        account.attention = " ".join(self._attention())

    def _attention(self) -> Iterable[str]:
        states = {payment.state for payment in self.payments}
        for state in (PaymentState.WRONG_AMOUNT, PaymentState.WRONG_CURRENCY, PaymentState.DUPLICATE):
            if state in states:
                yield state.value
        if self.account.state is AccountState.REFUND_DUE or PaymentState.REFUND_DUE in states:
            yield "refund_due"
        if PaymentState.DISPUTED in states:
            yield "dispute_open"
        # Nothing says which seat a part of the money belonged to, so a person has to.
        if any(0 < p.refunded_minor < p.amount_minor for p in self.payments):
            yield "partly_refunded"

    def _seatless(self, payable: Payable) -> bool:
        # Once a late payment got no seats, no other payment for them can do better.
        return self.account.closed and any(p.unseated_at for p in self._payments_of(payable))

    def _payments_of(self, payable: Payable) -> Sequence[Payment]:
        return [p for p in self.payments if p.payable_id == payable.payable_id]

    @staticmethod
    def _wrong(payment: Payment, payable: Payable) -> PaymentState | None:
        if payment.currency != payable.currency:
            return PaymentState.WRONG_CURRENCY
        return None if payment.amount_minor == payable.amount_minor else PaymentState.WRONG_AMOUNT

    def _fits(self, payment: Payment, payable: Payable) -> bool:
        return self._wrong(payment, payable) is None

    def _stands(self, payment: Payment) -> bool:
        return not self._wholly_refunded(payment) and not self._lost(payment)

    def _wholly_refunded(self, payment: Payment) -> bool:
        return 0 < payment.amount_minor <= self._refunded(payment)

    def _refunded(self, payment: Payment) -> int:
        return sum(
            r.amount_minor
            for r in self.refunds
            if r.payment_id == payment.payment_id and r.state is RefundState.SUCCEEDED
        )

    def _disputed(self, payment: Payment) -> bool:
        return any(d.state is DisputeState.OPEN for d in self._disputes_of(payment))

    def _lost(self, payment: Payment) -> int:
        return sum(d.amount_minor for d in self._disputes_of(payment) if d.state is DisputeState.LOST)

    def _disputes_of(self, payment: Payment) -> Sequence[Dispute]:
        return [d for d in self.disputes if d.payment_id == payment.payment_id]


def _first_paid(payment: Payment) -> tuple[datetime, str]:
    # Stripe's time, not ours: which of two payments was the second must not depend on who told us first.
    return payment.paid_at, str(payment.payment_id)
