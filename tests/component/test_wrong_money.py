"""Money that is not what was asked covers nothing; money that came goes back only with a hold on the certificate."""

from typing import Any

import pytest
import requests

from shared.contracts.certification import CertificateHeld, MembershipActivationRequested
from shared.contracts.enrollment import BookingConfirmed
from shared.contracts.payment import PaymentConfirmed, PaymentRefunded
from tests.support.in_process import WholeSite
from tests.support.whole_story import (
    Order,
    accepted,
    activate,
    book,
    complete,
    end_workshop,
    finance_line,
    go_to_stripe,
    page,
    pay,
    pay_unnoticed,
    payment_states,
    plan,
    seats_left,
)

WRONG: dict[str, tuple[dict[str, Any], str, tuple[str, str, str]]] = {
    "too little": ({"amount_override": 99_999}, "Wrong amount", ("999.99", "-0.01", "")),
    "too much": ({"amount_override": 100_001}, "Wrong amount", ("1000.01", "0.01", "")),
    "another currency": (
        {"currency_override": "usd"},
        "Wrong currency",
        ("0.00", "-1000.00", "1000.00 USD"),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_money_that_was_not_asked_covers_nothing(rostrum: WholeSite, case: str) -> None:
    how, attention, (received, difference, others) = WRONG[case]
    workshop = plan(rostrum)
    order = book(rostrum, workshop)
    paid = pay_unnoticed(rostrum, order, **how)
    rostrum.deliver()
    rostrum.tick()

    assert rostrum.said(PaymentConfirmed) == rostrum.said(BookingConfirmed) == []
    line = finance_line(rostrum, order)
    assert (line.attention, line.expected) == (attention, "1000.00")
    assert (line.received, line.difference, line.others) == (received, difference, others)
    # Asking for the whole amount again would take it twice.
    assert "Please do not pay again" in page(order.pay_url)
    assert "Please do not pay again" in page(f"{rostrum.url}/pay/return/{paid['session']['id']}")
    _says_that_the_payment_is_looked_at(order)

    rostrum.pass_time(minutes=40)
    rostrum.tick()
    assert seats_left(rostrum, workshop) == 10
    _says_that_the_payment_is_looked_at(order)
    for url in (order.pay_url, f"{rostrum.url}/pay/return/{paid['session']['id']}"):
        assert "Please do not pay again" in page(url)

    rostrum.stripe.pull("refund", charge=paid["charge"]["id"])
    rostrum.deliver()
    line = finance_line(rostrum, order)
    assert (line.attention, line.difference) == ("", "0.00")
    assert line.others in ("", "0.00 USD")
    assert rostrum.said(PaymentConfirmed) == []
    assert rostrum.unfinished() == []


def _says_that_the_payment_is_looked_at(order: Order) -> None:
    shown = page(order.booking_url)
    assert "We are checking your payment" in shown
    assert "Nothing was charged" not in shown
    assert "Pay now" not in shown


def test_a_second_payment_is_listed_and_returned(rostrum: WholeSite) -> None:
    workshop = plan(rostrum)
    order = book(rostrum, workshop)
    first = go_to_stripe(rostrum, order).url.rsplit("/", 1)[1]
    # Only a fault outside makes a second session: somebody else's tool that repeats our request with its own key.
    second = _same_session_again(rostrum, order)
    charge = [rostrum.stripe.pull("pay", session=session)["charge"]["id"] for session in (first, second)][1]
    rostrum.deliver()

    assert payment_states(rostrum, order) == ["covering", "duplicate"]
    line = finance_line(rostrum, order)
    assert (line.state, line.attention, line.difference) == ("Paid", "Second payment", "1000.00")
    assert "Your booking is confirmed" in page(order.booking_url)
    assert "There is nothing more to pay" in page(order.pay_url)

    rostrum.stripe.pull("refund", charge=charge)
    rostrum.deliver()

    line = finance_line(rostrum, order)
    assert (line.state, line.attention, line.difference) == ("Paid", "", "0.00")
    # The refund of a second payment takes no seat's cover away.
    assert [event["coverage"] for event in rostrum.said(PaymentRefunded)] == [[]]
    end_workshop(rostrum)
    complete(rostrum, workshop)
    assert accepted(rostrum) == 1
    assert len(rostrum.said(PaymentConfirmed)) == 1


def _same_session_again(rostrum: WholeSite, order: Order) -> str:
    (known,) = rostrum.stripe.state()["checkout.session"]
    flat = {
        "mode": "payment",
        "client_reference_id": known["client_reference_id"],
        "success_url": known["success_url"],
        "line_items[0][quantity]": 1,
        "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": order.amount_minor,
        "line_items[0][price_data][product_data][name]": "again",
    }
    for key, value in known["metadata"].items():
        flat[f"metadata[{key}]"] = flat[f"payment_intent_data[metadata][{key}]"] = value
    answer = requests.post(
        f"{rostrum.stripe.url}/v1/checkout/sessions", data=flat, auth=("sk_test_sandbox", ""), timeout=10
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def test_a_refund_before_completion_keeps_the_name_back(rostrum: WholeSite) -> None:
    workshop = plan(rostrum)
    order, other = book(rostrum, workshop), book(rostrum, workshop)
    charge = pay(rostrum, order)
    pay(rostrum, other)
    rostrum.stripe.pull("refund", charge=charge)
    rostrum.deliver()
    end_workshop(rostrum)
    complete(rostrum, workshop)

    assert accepted(rostrum) == 1
    assert "The payment for this seat was returned" in page(order.certificate_urls[0])
    assert "The payment for this seat was returned" not in page(other.certificate_urls[0])
    assert finance_line(rostrum, order).state == "Returned"
    assert rostrum.said(CertificateHeld) == []


def test_a_refund_after_the_submission_flags_the_certificate(rostrum: WholeSite) -> None:
    order, charge = _certified(rostrum)
    rostrum.stripe.pull("refund", charge=charge)
    rostrum.deliver()

    (held,) = rostrum.said(CertificateHeld)
    assert held["enrollment_id"] == str(order.enrollment_ids[0])
    assert held["reason"] == "uncovered"
    _is_on_hold(rostrum, order)
    assert accepted(rostrum) == 1


@pytest.mark.parametrize("outcome", ["win", "lose"])
def test_a_dispute_holds_the_certificate_until_it_is_decided(rostrum: WholeSite, outcome: str) -> None:
    order, charge = _certified(rostrum)
    rostrum.stripe.pull("dispute/open", charge=charge)
    rostrum.deliver()

    assert [event["reason"] for event in rostrum.said(CertificateHeld)] == ["coverage_frozen"]
    assert "Your bank disputes this payment" in page(order.pay_url)
    assert finance_line(rostrum, order).attention == "Dispute open"
    _is_on_hold(rostrum, order)

    rostrum.stripe.pull(f"dispute/{outcome}", charge=charge)
    rostrum.deliver()

    line = finance_line(rostrum, order)
    if outcome == "win":
        assert (line.state, line.attention, line.difference) == ("Paid", "", "0.00")
        assert "Valid" in page(_number_address(order))
    else:
        assert (line.state, line.attention, line.difference) == ("Returned", "", "-1000.00")
        _is_on_hold(rostrum, order)
    # Nothing is submitted a second time, whatever the bank decides.
    assert accepted(rostrum) == len(rostrum.said(MembershipActivationRequested)) == 1
    assert rostrum.unfinished() == []


def test_a_dispute_during_the_workshop_waits_for_the_bank(rostrum: WholeSite) -> None:
    workshop = plan(rostrum)
    order = book(rostrum, workshop)
    charge = pay(rostrum, order)
    rostrum.stripe.pull("dispute/open", charge=charge)
    rostrum.deliver()
    end_workshop(rostrum)
    complete(rostrum, workshop)
    assert accepted(rostrum) == 0
    assert "The payer’s bank has questioned the payment" in page(order.certificate_urls[0])

    rostrum.stripe.pull("dispute/win", charge=charge)
    rostrum.deliver()
    assert accepted(rostrum) == 1


def _certified(rostrum: WholeSite) -> tuple[Order, str]:
    workshop = plan(rostrum)
    order = book(rostrum, workshop)
    charge = pay(rostrum, order)
    end_workshop(rostrum)
    complete(rostrum, workshop)
    activate(rostrum)
    assert "Valid" in page(_number_address(order))
    return order, charge


def _is_on_hold(rostrum: WholeSite, order: Order) -> None:
    assert "On hold" in page(order.certificate_urls[0])
    assert "On hold" in page(_number_address(order))
    ops = rostrum.staff("ops")
    ops.open("/certificates/activations?state=flagged")
    assert order.reference in ops.text


def _number_address(order: Order) -> str:
    words = page(order.certificate_urls[0]).split()
    return next(word for word in words if "/verify/" in word)
