"""Wrong money that finance has returned: nobody is told for ever that it is being looked at."""

import pytest

from shared.contracts.enrollment import BookingConfirmed
from tests.support.in_process import Visitor, WholeSite
from tests.support.whole_story import (
    Order,
    book,
    finance_line,
    go_to_stripe,
    page,
    pay,
    pay_unnoticed,
    plan,
)

CHECKING = "We are checking your payment"
RETURNED = "Your payment was returned"


def paid_wrong(rostrum: WholeSite) -> tuple[Order, str, str]:
    """A booking held with too little money, its charge, and the address of the return page."""
    order = book(rostrum, plan(rostrum))
    paid = pay_unnoticed(rostrum, order, amount_override=99_999)
    rostrum.deliver()
    assert CHECKING in page(order.booking_url)
    return order, paid["charge"]["id"], f"{rostrum.url}/pay/return/{paid['session']['id']}"


def checking(order: Order) -> bool:
    """Whether the booking page asks to wait; it never says that nothing was charged."""
    shown = page(order.booking_url)
    assert "Nothing was charged" not in shown
    assert (CHECKING in shown) != (RETURNED in shown)
    assert ("Please do not pay again" in shown) == (CHECKING in shown)
    return CHECKING in shown


def test_while_the_seat_is_held_it_can_be_paid_again(rostrum: WholeSite) -> None:
    order, charge, back = paid_wrong(rostrum)
    rostrum.stripe.pull("refund", charge=charge)
    rostrum.deliver()

    assert not checking(order)
    assert "Pay now" in page(order.booking_url)
    assert "This payment was returned" in page(back)
    rostrum.pass_time(minutes=5)
    pay(rostrum, order)
    assert len(rostrum.said(BookingConfirmed)) == 1
    assert "Your booking is confirmed" in page(order.booking_url)
    assert finance_line(rostrum, order).attention == ""
    assert rostrum.unfinished() == []


def returned_late(rostrum: WholeSite) -> Order:
    """Paid wrong at a page opened in the last minutes, and returned while that page would still be open."""
    order = book(rostrum, plan(rostrum))
    rostrum.pass_time(minutes=25)
    session = go_to_stripe(rostrum, order).url.rsplit("/", 1)[1]
    rostrum.pass_time(minutes=3)
    paid = rostrum.stripe.pull("pay", session=session, amount_override=99_999)
    rostrum.deliver()
    rostrum.pass_time(minutes=12)
    rostrum.stripe.pull("refund", charge=paid["charge"]["id"])
    rostrum.deliver()
    assert not checking(order)
    return order


def test_a_page_that_took_money_is_not_open_and_does_not_keep_the_payer_out(rostrum: WholeSite) -> None:
    order = returned_late(rostrum)
    browser = Visitor()
    browser.open(order.booking_url)
    assert "The time to pay ended at Mon 2 Nov 2026, 10:30 CET" in browser.text
    for untrue in ("You can pay again", "Pay now", "payment page is open", "waiting for the payment"):
        assert untrue not in browser.text
    # Payment says the same, and leads to where more time can be had.
    assert "Your booking page says whether you can have more time" in page(order.pay_url, status=410)

    assert "Keep my seat longer" in browser.text
    browser.submit({})
    assert "You have more time" in browser.text
    assert "You can pay again" in browser.text
    assert "by Mon 2 Nov 2026, 11:10 CET" in browser.text
    pay(rostrum, order)
    assert "Your booking is confirmed" in page(order.booking_url)
    assert rostrum.unfinished() == []


def test_a_card_that_is_declined_afterwards_is_told_beside_it(rostrum: WholeSite) -> None:
    order, charge, _ = paid_wrong(rostrum)
    rostrum.pass_time(minutes=2)
    rostrum.stripe.pull("refund", charge=charge)
    rostrum.deliver()
    rostrum.pass_time(minutes=2)
    session = go_to_stripe(rostrum, order).url.rsplit("/", 1)[1]
    rostrum.stripe.try_lever("pay", session=session, card="4000000000000002")
    rostrum.deliver()

    shown = page(order.booking_url)
    assert RETURNED in shown
    assert "The last payment did not go through" in shown
    assert "The payment page is open until then" in shown


def test_a_card_that_was_declined_before_is_over_with(rostrum: WholeSite) -> None:
    order = book(rostrum, plan(rostrum))
    session = go_to_stripe(rostrum, order).url.rsplit("/", 1)[1]
    rostrum.stripe.try_lever("pay", session=session, card="4000000000000002")
    rostrum.deliver()
    assert "The last payment did not go through" in page(order.booking_url)
    rostrum.pass_time(minutes=1)
    paid = rostrum.stripe.pull("pay", session=session, amount_override=99_999)
    rostrum.stripe.pull("refund", charge=paid["charge"]["id"])
    rostrum.deliver()

    assert not checking(order)
    assert "did not go through" not in page(order.booking_url)


def test_after_the_hold_it_says_what_became_of_it(rostrum: WholeSite) -> None:
    order, charge, back = paid_wrong(rostrum)
    rostrum.pass_time(minutes=40)
    rostrum.tick()
    assert checking(order)
    rostrum.stripe.pull("refund", charge=charge)
    rostrum.deliver()

    assert not checking(order)
    assert "Book again" in page(order.booking_url)
    for url in (order.pay_url, back):
        shown = page(url, status=410) if url == order.pay_url else page(url)
        assert "nothing was charged" not in shown.lower()
        assert "went back to you" in shown


def test_a_part_of_it_is_not_all_of_it(rostrum: WholeSite) -> None:
    order, charge, _ = paid_wrong(rostrum)
    rostrum.stripe.pull("refund", charge=charge, amount=9_999)
    rostrum.deliver()
    assert checking(order)
    rostrum.stripe.pull("refund", charge=charge)
    rostrum.deliver()
    assert not checking(order)


@pytest.mark.parametrize("together", [False, True])
def test_a_refund_that_the_bank_returns_is_looked_at_again(rostrum: WholeSite, together: bool) -> None:
    order, charge, _ = paid_wrong(rostrum)
    rostrum.stripe.pull("refund", charge=charge)
    if not together:
        rostrum.deliver()
        assert not checking(order)
        rostrum.pass_time(minutes=1)
    rostrum.stripe.pull("refund/fail", charge=charge)
    rostrum.deliver()
    assert checking(order)
    rostrum.stripe.pull("refund", charge=charge)
    rostrum.deliver()
    assert not checking(order)


def test_a_bank_that_takes_it_back_returns_it_too(rostrum: WholeSite) -> None:
    order, charge, _ = paid_wrong(rostrum)
    rostrum.stripe.pull("dispute/open", charge=charge)
    rostrum.deliver()
    assert checking(order)
    # Asking for the whole amount now would take it twice.
    assert CHECKING in page(order.pay_url)
    rostrum.stripe.pull("dispute/lose", charge=charge)
    rostrum.deliver()
    assert not checking(order)


def test_the_right_money_that_went_back_later_did_not_differ(rostrum: WholeSite) -> None:
    order, charge, _ = paid_wrong(rostrum)
    rostrum.stripe.pull("refund", charge=charge)
    rostrum.deliver()
    rostrum.pass_time(minutes=5)
    paid = pay_unnoticed(rostrum, order)
    rostrum.deliver()
    rostrum.stripe.pull("refund", charge=paid["charge"]["id"])
    rostrum.deliver()

    shown = page(f"{rostrum.url}/pay/return/{paid['session']['id']}")
    assert "The money for this booking went back to you" in shown
    assert "differed" not in shown
