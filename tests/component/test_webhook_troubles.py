"""Webhooks that never come, or come twice, late and in any order: the bookings end the same."""

import pytest

from shared.contracts.payment import DisputeClosed, PaymentConfirmed, PaymentDisputed, PaymentRefunded
from tests.support.in_process import WholeSite
from tests.support.whole_story import (
    Order,
    accepted,
    book,
    charges,
    complete,
    end_workshop,
    finance_line,
    go_to_stripe,
    page,
    pay_by_card,
    pay_unnoticed,
    plan,
)


def test_with_every_webhook_dropped_the_return_page_heals(rostrum: WholeSite) -> None:
    rostrum.stripe.pull("webhooks", mode="drop")
    order = book(rostrum, plan(rostrum))

    back = pay_by_card(go_to_stripe(rostrum, order))
    assert "Payment received" in back.text
    back.open(back.url)
    assert "Paid: your seats are confirmed" in back.text
    assert order.reference in back.text

    assert "Your booking is confirmed" in page(order.booking_url)
    assert finance_line(rostrum, order).difference == "0.00"
    assert rostrum.stripe.counters()["delivery_attempts"] == 0
    assert rostrum.unfinished() == []


def test_with_every_webhook_dropped_the_timers_heal(rostrum: WholeSite) -> None:
    rostrum.stripe.pull("webhooks", mode="drop")
    workshop = plan(rostrum)
    kept, refunded, won, lost, unpaid = (book(rostrum, workshop) for _ in range(5))
    charge = {o.reference: _charge(rostrum, o) for o in (kept, refunded, won, lost)}
    go_to_stripe(rostrum, unpaid)

    rostrum.tick()
    for order in (kept, refunded, won, lost):
        assert "Your booking is confirmed" in page(order.booking_url)

    rostrum.stripe.pull("refund", charge=charge[refunded.reference])
    rostrum.stripe.pull("dispute/open", charge=charge[won.reference])
    rostrum.stripe.pull("dispute/open", charge=charge[lost.reference])
    rostrum.pass_time(minutes=1)
    rostrum.tick()
    assert finance_line(rostrum, won).state == "In dispute"
    rostrum.stripe.pull("dispute/win", charge=charge[won.reference])
    rostrum.stripe.pull("dispute/lose", charge=charge[lost.reference])
    rostrum.pass_time(minutes=40)
    rostrum.tick()

    assert rostrum.stripe.counters()["delivery_attempts"] == 0
    assert _books(rostrum, kept) == ("Paid", "1000.00", "1000.00", "0.00")
    assert _books(rostrum, won) == ("Paid", "1000.00", "1000.00", "0.00")
    assert _books(rostrum, refunded) == ("Returned", "1000.00", "0.00", "-1000.00")
    assert _books(rostrum, lost) == ("Returned", "1000.00", "0.00", "-1000.00")
    assert _books(rostrum, unpaid) == ("Closed unpaid", "0.00", "0.00", "0.00")
    assert "This booking has ended" in page(unpaid.booking_url)
    end_workshop(rostrum)
    complete(rostrum, workshop)
    # Only who is paid for in the end: the one that was kept and the one whose dispute was won.
    assert accepted(rostrum) == 2
    assert charges(rostrum) == [1, 1, 1, 1]
    assert rostrum.unfinished() == []


@pytest.mark.parametrize("seed", range(3))
def test_every_webhook_doubled_delayed_and_shuffled(rostrum: WholeSite, seed: int) -> None:
    rostrum.stripe.pull("webhooks", modes=["duplicate", "reorder", "delay"], seconds=600, seed=seed)
    workshop = plan(rostrum)
    kept, refunded, won, lost = orders = [book(rostrum, workshop) for _ in range(4)]
    charge = {order.reference: _charge(rostrum, order) for order in orders}
    rostrum.stripe.pull("refund", charge=charge[refunded.reference])
    for order, outcome in ((won, "win"), (lost, "lose")):
        rostrum.stripe.pull("dispute/open", charge=charge[order.reference])
        rostrum.stripe.pull(f"dispute/{outcome}", charge=charge[order.reference])

    rostrum.pass_time(minutes=11)
    rostrum.deliver()
    rostrum.pass_time(minutes=11)
    rostrum.deliver()

    counters = rostrum.stripe.counters()
    assert counters["deliveries"] == {"delivered": 2 * sum(counters["events"].values())}
    assert _books(rostrum, kept) == ("Paid", "1000.00", "1000.00", "0.00")
    assert _books(rostrum, won) == ("Paid", "1000.00", "1000.00", "0.00")
    assert _books(rostrum, refunded) == ("Returned", "1000.00", "0.00", "-1000.00")
    assert _books(rostrum, lost) == ("Returned", "1000.00", "0.00", "-1000.00")
    for kind, most in ((PaymentConfirmed, 4), (PaymentRefunded, 1), (PaymentDisputed, 2), (DisputeClosed, 2)):
        assert len(rostrum.said(kind)) <= most
    end_workshop(rostrum)
    complete(rostrum, workshop)
    assert accepted(rostrum) == 2
    assert charges(rostrum) == [1, 1, 1, 1]
    assert rostrum.unfinished() == []


def _charge(rostrum: WholeSite, order: Order) -> str:
    return str(pay_unnoticed(rostrum, order)["charge"]["id"])


def _books(rostrum: WholeSite, order: Order) -> tuple[str, str, str, str]:
    line = finance_line(rostrum, order)
    return line.state, line.expected, line.received, line.difference
