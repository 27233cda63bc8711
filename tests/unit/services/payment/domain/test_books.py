"""What money covers: exact amounts, second payments, refunds and disputes."""

import pytest

from services.payment.domain import (
    AccountState,
    CoverageState,
    DisputeState,
    Payable,
    PayableSeat,
    PaymentState,
    RefundState,
)
from tests.factories.payment_books import NOW, PRICE, SEATS, books, dispute, pay, refund, states


def test_the_exact_amount_covers_every_seat_once() -> None:
    found = books()
    pay(found)

    assert {(c.state, c.revision) for c in found.settle(NOW)} == {(CoverageState.COVERED, 1)}
    assert found.settle(NOW) == [], "only changes are told"
    assert found.account.state is AccountState.SETTLED
    assert (found.account.expected_minor, found.account.received_minor) == (PRICE, PRICE)


@pytest.mark.parametrize("amount", [1, PRICE - 1, PRICE + 1, 2 * PRICE])
def test_another_amount_covers_nothing(amount: int) -> None:
    found = books()
    payment = pay(found, amount=amount)

    assert states(found) == {CoverageState.UNCOVERED}
    assert payment.state is PaymentState.WRONG_AMOUNT
    assert found.account.attention_codes == ("wrong_amount",)


def test_another_currency_covers_nothing_and_is_not_added_up() -> None:
    found = books()
    payment = pay(found, currency="USD")

    assert states(found) == {CoverageState.UNCOVERED}
    assert payment.state is PaymentState.WRONG_CURRENCY
    assert found.account.received_minor == 0


def test_wrong_money_stands_until_all_of_it_has_gone_back() -> None:
    found = books()
    (payable,) = found.payables
    assert found.wrong_money(payable) is None
    pay(found, amount=PRICE - 1)
    assert found.wrong_money(payable) is PaymentState.WRONG_AMOUNT
    refund(found, "part", RefundState.SUCCEEDED, amount=1)
    assert found.wrong_money(payable) is PaymentState.WRONG_AMOUNT
    dispute(found, "argued", DisputeState.OPEN, 1)
    assert found.wrong_money(payable) is PaymentState.WRONG_AMOUNT
    dispute(found, "argued", DisputeState.LOST, 2)
    assert found.wrong_money(payable) is None


def test_an_amount_of_zero_stays_settled() -> None:
    found = books(amount=0)
    pay(found, amount=0)

    assert states(found) == {CoverageState.COVERED}


def test_the_later_of_two_payments_is_the_second_whoever_told_first() -> None:
    for order in (("a", "b"), ("b", "a")):
        found = books()
        for name in order:
            pay(found, name, after={"a": 0, "b": 5}[name])
            found.settle(NOW)
        assert pay(found, "a").state is PaymentState.COVERING
        assert pay(found, "b").state is PaymentState.DUPLICATE
        assert {c.revision for c in found.coverages} == {1}


def test_a_dispute_of_the_second_payment_freezes_too() -> None:
    found = books()
    pay(found, "first")
    pay(found, "second", after=5)
    dispute(found, "d", DisputeState.OPEN, 1, payment="second")
    assert states(found) == {CoverageState.FROZEN}


def test_a_won_dispute_respects_a_refund_in_between() -> None:
    found = books()
    pay(found)
    dispute(found, "d", DisputeState.OPEN, 1)
    refund(found, "r", RefundState.SUCCEEDED)
    assert states(found) == {CoverageState.UNCOVERED}
    dispute(found, "d", DisputeState.WON, 2)
    assert states(found) == {CoverageState.UNCOVERED}


def test_a_refund_that_the_bank_returns_covers_again() -> None:
    found = books()
    pay(found)
    refund(found, "r", RefundState.SUCCEEDED)
    assert states(found) == {CoverageState.UNCOVERED}
    refund(found, "r", RefundState.FAILED)
    assert states(found) == {CoverageState.COVERED}
    refund(found, "r", RefundState.SUCCEEDED)
    assert states(found) == {CoverageState.COVERED}, "a stale notice"


def test_two_parts_make_a_whole_refund() -> None:
    found = books()
    pay(found)
    refund(found, "r1", RefundState.SUCCEEDED, amount=PRICE - 1)
    assert states(found) == {CoverageState.COVERED}
    assert found.account.attention_codes == ("partly_refunded",)
    refund(found, "r2", RefundState.SUCCEEDED, amount=1)
    assert states(found) == {CoverageState.UNCOVERED}
    assert found.account.attention == ""


def test_a_seat_named_by_two_payables_is_covered_when_both_are_settled() -> None:
    found = books()
    top_up = Payable(
        booking_id=found.account.booking_id, currency="EUR", amount_minor=5_000, pay_by=NOW, opened_at=NOW
    )
    top_up.seats = [PayableSeat(payable_id=top_up.payable_id, enrollment_id=SEATS[0], amount_minor=5_000)]
    found.payables.append(top_up)
    pay(found)
    found.settle(NOW)
    assert [found.coverage_of(seat) for seat in SEATS] == [CoverageState.UNCOVERED, CoverageState.COVERED]

    pay(found, "top-up", amount=5_000).payable_id = top_up.payable_id
    assert states(found) == {CoverageState.COVERED}


def test_a_late_payment_without_seats_is_due_whatever_comes_after_it() -> None:
    found = books()
    found.account.expired_at = NOW
    pay(found).unseated_at = NOW
    second = pay(found, "second", after=5)
    found.settle(NOW)

    assert found.account.state is AccountState.REFUND_DUE
    assert second.state is PaymentState.REFUND_DUE
    assert found.account.expected_minor == 0
