"""Money that went away and came back: every page says so, whichever of two clocks was ahead."""

import re

from tests.support.in_process import WholeSite
from tests.support.whole_story import (
    Order,
    accepted,
    activate,
    book,
    complete,
    end_workshop,
    finance_line,
    page,
    pay,
    plan,
)

FELL_AWAY = re.compile("then (the payment fell away|the payer’s bank disputed the payment)[.] Our office")


def submitted(rostrum: WholeSite) -> tuple[Order, str]:
    """A name at the Scrum Alliance, and the charge that paid for it."""
    workshop = plan(rostrum)
    order = book(rostrum, workshop)
    charge = pay(rostrum, order)
    end_workshop(rostrum)
    complete(rostrum, workshop)
    assert accepted(rostrum) == 1
    return order, charge


def fell_away(rostrum: WholeSite, order: Order) -> bool:
    """Whether our pages say that the money is gone: they never contradict each other."""
    ours = FELL_AWAY.search(page(order.booking_url)) is not None
    theirs = "On hold" in page(order.certificate_urls[0])
    ops = rostrum.staff("ops")
    ops.open("/certificates/activations?state=flagged")
    flagged = order.reference in ops.text
    assert ours == theirs == flagged, (ours, theirs, flagged)
    return ours


def test_a_refund_that_the_bank_returns_ends_what_it_began(rostrum: WholeSite) -> None:
    order, charge = submitted(rostrum)
    rostrum.pass_time(days=1)
    rostrum.stripe.pull("refund", charge=charge)
    rostrum.deliver()
    assert fell_away(rostrum, order)
    assert "The money went back" in page(order.booking_url)

    rostrum.pass_time(days=5)
    rostrum.stripe.pull("refund/fail", charge=charge)
    rostrum.deliver()
    assert not fell_away(rostrum, order)
    assert "Your booking is confirmed" in page(order.booking_url)
    line = finance_line(rostrum, order)
    assert (line.state, line.attention, line.difference) == ("Paid", "", "0.00")

    # Once more, and this time for good; the certificate's hold is told of once only.
    rostrum.stripe.pull("refund", charge=charge)
    rostrum.deliver()
    assert fell_away(rostrum, order)
    assert accepted(rostrum) == 1
    assert rostrum.unfinished() == []


def test_a_refund_and_its_return_heard_together(rostrum: WholeSite) -> None:
    order, charge = submitted(rostrum)
    rostrum.stripe.pull("refund", charge=charge)
    rostrum.stripe.pull("refund/fail", charge=charge)
    _carry_without_certification(rostrum)
    rostrum.pass_time(hours=1)
    rostrum.carry()
    assert not fell_away(rostrum, order)


def test_a_dispute_that_was_won_before_certification_heard_of_it(rostrum: WholeSite) -> None:
    order, charge = submitted(rostrum)
    activate(rostrum)
    rostrum.stripe.pull("dispute/open", charge=charge)
    rostrum.pass_time(days=1)
    rostrum.stripe.pull("dispute/win", charge=charge)
    _carry_without_certification(rostrum)
    rostrum.pass_time(hours=1)
    rostrum.carry()
    assert not fell_away(rostrum, order)
    assert "Your booking is confirmed" in page(order.booking_url)
    assert rostrum.unfinished() == []


def test_a_dispute_in_certification_before_enrollment_hears_of_it(rostrum: WholeSite) -> None:
    order, charge = submitted(rostrum)
    rostrum.prompt = False
    rostrum.stripe.pull("dispute/open", charge=charge)
    while rostrum.stripe.deliver():
        rostrum.carry("payment", "certification")
    rostrum.carry()
    rostrum.prompt = True
    assert fell_away(rostrum, order)


def _carry_without_certification(rostrum: WholeSite) -> None:
    rostrum.prompt = False
    while rostrum.stripe.deliver():
        rostrum.carry("payment", "enrollment")
    rostrum.prompt = True
