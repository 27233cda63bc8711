"""Stripe away, slow, or its answer lost; payers in a hurry: one session, one charge, and a page that helps."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from shared.contracts.enrollment import BookingExpired
from shared.contracts.payment import CheckoutOpened
from tests.support.in_process import Visitor, WholeSite
from tests.support.whole_story import (
    book,
    charges,
    finance_line,
    go_to_stripe,
    page,
    pay_by_card,
    plan,
    seats_left,
)

AWAY: dict[str, dict[str, Any]] = {
    "500": {"kind": "server_error", "should_retry": False},
    "429": {"kind": "rate_limited"},
    "answer lost": {"kind": "response_lost", "times": 3},
}


@pytest.mark.parametrize("trouble", AWAY)
def test_without_stripe_the_payer_is_told_what_to_do_and_pays_later(rostrum: WholeSite, trouble: str) -> None:
    order = book(rostrum, plan(rostrum))
    rostrum.stripe.pull("faults", path="/v1/checkout/sessions", **AWAY[trouble])
    payer = Visitor()
    payer.open(order.pay_url)

    assert payer.status == 503
    assert payer.answer.headers["Retry-After"] == "10"
    assert "The payment page cannot be reached" in payer.text
    assert "nothing was charged" in payer.text
    assert "Your seats are held until" in payer.text
    assert "Your seat is held" in page(order.booking_url)

    payer.submit({})
    assert payer.url.startswith(rostrum.stripe.url)
    pay_by_card(payer)
    rostrum.deliver()

    assert "Your booking is confirmed" in page(order.booking_url)
    assert finance_line(rostrum, order).difference == "0.00"
    assert rostrum.stripe.counters()["sessions"] == {"complete": 1}
    assert charges(rostrum) == [1]
    assert rostrum.unfinished() == []


def test_a_slow_stripe_is_waited_for(rostrum: WholeSite) -> None:
    order = book(rostrum, plan(rostrum))
    rostrum.stripe.pull("faults", kind="slow", milliseconds=300)
    go_to_stripe(rostrum, order)
    assert rostrum.stripe.counters()["sessions"] == {"open": 1}


def test_a_session_whose_answer_was_lost_still_extends_the_hold_and_is_closed(rostrum: WholeSite) -> None:
    workshop = plan(rostrum, capacity=1)
    order = book(rostrum, workshop)
    rostrum.pass_time(minutes=25)
    rostrum.stripe.pull("faults", path="/v1/checkout/sessions", **AWAY["answer lost"])
    payer = Visitor()
    payer.open(order.pay_url)
    assert payer.status == 503
    assert rostrum.stripe.counters()["sessions"] == {"open": 1}
    assert rostrum.said(CheckoutOpened) == []

    rostrum.pass_time(minutes=1)
    rostrum.tick()

    # The timer found the session: whoever stands on Stripe's page all the while keeps the seat.
    assert len(rostrum.said(CheckoutOpened)) == 1
    rostrum.pass_time(minutes=20)
    rostrum.tick()
    assert rostrum.said(BookingExpired) == []
    assert "The payment page is open until then" in page(order.booking_url)
    assert finance_line(rostrum, order).state == "Waiting for payment"

    rostrum.pass_time(minutes=20)
    rostrum.tick()
    assert len(rostrum.said(BookingExpired)) == 1
    assert rostrum.stripe.counters()["sessions"] == {"expired": 1}
    assert seats_left(rostrum, workshop) == 1
    assert "The time to pay is over" in _gone(order.pay_url)
    assert finance_line(rostrum, order).state == "Closed unpaid"
    assert rostrum.unfinished() == []


def test_paying_after_a_lost_answer_is_found_without_webhooks(rostrum: WholeSite) -> None:
    rostrum.stripe.pull("webhooks", mode="drop")
    order = book(rostrum, plan(rostrum))
    rostrum.stripe.pull("faults", path="/v1/checkout/sessions", **AWAY["answer lost"])
    payer = Visitor()
    payer.open(order.pay_url)
    (session,) = rostrum.stripe.state()["checkout.session"]

    # A payer who had the page open already: we have never heard of the session that takes the money.
    rostrum.stripe.pull("pay", session=session["id"])
    rostrum.tick()

    assert "Your booking is confirmed" in page(order.booking_url)
    assert "This booking is paid" in page(order.pay_url)
    assert finance_line(rostrum, order).difference == "0.00"
    assert charges(rostrum) == [1]


def test_ten_clicks_at_once_open_one_session(rostrum: WholeSite) -> None:
    order = book(rostrum, plan(rostrum))
    rostrum.carry()
    rostrum.prompt = False
    rostrum.stripe.pull("faults", kind="slow", milliseconds=100, times=10)

    def click(_: int) -> requests.Response:
        return requests.get(order.pay_url, allow_redirects=False, timeout=30)

    with ThreadPoolExecutor(10) as clicks:
        answers = list(clicks.map(click, range(10)))

    redirected = {answer.headers["Location"] for answer in answers if answer.status_code == 303}
    assert len(redirected) == 1
    # Stripe refuses a key that is in use; who met that is asked to try again, and gets the same page.
    assert {answer.status_code for answer in answers} <= {303, 503}
    assert rostrum.stripe.counters()["sessions"] == {"open": 1}
    assert go_to_stripe(rostrum, order).url in redirected
    rostrum.carry()
    assert len(rostrum.said(CheckoutOpened)) == 1


def _gone(url: str) -> str:
    visitor = Visitor()
    visitor.open(url)
    assert visitor.status == 410
    return visitor.text
