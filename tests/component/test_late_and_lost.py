"""Payments that come after the hold: kept while there is room, returned when there is none."""

from shared.contracts.enrollment import BookingConfirmed, BookingExpired, BookingUnseated
from shared.contracts.payment import PaymentConfirmed
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
    pay,
    pay_unnoticed,
    payment_states,
    plan,
    seats_left,
)


def let_the_hold_end(rostrum: WholeSite) -> None:
    """The seats go back; what payment does about it waits until news is carried."""
    rostrum.pass_time(minutes=37)
    rostrum.prompt = False
    rostrum.run_timers("enrollment")


def test_late_with_room_the_booking_is_confirmed_after_all(rostrum: WholeSite) -> None:
    workshop = plan(rostrum, capacity=2)
    order = book(rostrum, workshop, seats=2)
    pay_unnoticed(rostrum, order)
    let_the_hold_end(rostrum)
    assert seats_left(rostrum, workshop) == 2
    assert "This booking has ended" in page(order.booking_url)

    rostrum.deliver()

    assert len(rostrum.said(BookingExpired)) == 1
    assert len(rostrum.said(BookingConfirmed)) == 1
    assert "Your booking is confirmed" in page(order.booking_url)
    assert seats_left(rostrum, workshop) == 0
    line = finance_line(rostrum, order)
    assert (line.state, line.attention, line.difference) == ("Paid", "", "0.00")
    assert (line.expected, line.received) == ("2000.00", "2000.00")
    assert charges(rostrum) == [1]
    end_workshop(rostrum)
    complete(rostrum, workshop)
    assert accepted(rostrum) == 2
    assert rostrum.unfinished() == []


def test_late_without_room_the_money_is_due_for_return(rostrum: WholeSite) -> None:
    workshop = plan(rostrum, capacity=1)
    late = book(rostrum, workshop)
    charge = pay_unnoticed(rostrum, late)["charge"]["id"]
    let_the_hold_end(rostrum)
    quick = book(rostrum, workshop)
    rostrum.prompt = True
    rostrum.carry()

    _owes_the_money_back(rostrum, late)
    pay(rostrum, quick)
    assert "Your booking is confirmed" in page(quick.booking_url)
    assert seats_left(rostrum, workshop) == 0
    regret, held = [letter for letter in rostrum.post.messages() if late.reference in letter["subject"]]
    assert "your money comes back" in regret["subject"]
    assert "not paid yet" in held["subject"]

    rostrum.stripe.pull("refund", charge=charge)
    rostrum.deliver()

    line = finance_line(rostrum, late)
    assert (line.state, line.attention) == ("Returned", "")
    assert (line.expected, line.received, line.difference) == ("0.00", "0.00", "0.00")
    assert "The workshop is full" in page(late.booking_url)
    assert charges(rostrum) == [1, 1]
    end_workshop(rostrum)
    complete(rostrum, workshop)
    assert accepted(rostrum) == 1
    assert rostrum.unfinished() == []


def test_late_with_room_for_some_nobody_is_seated(rostrum: WholeSite) -> None:
    workshop = plan(rostrum, capacity=4)
    late = book(rostrum, workshop, seats=3)
    pay_unnoticed(rostrum, late)
    let_the_hold_end(rostrum)
    quick = book(rostrum, workshop, seats=2)
    rostrum.prompt = True
    rostrum.carry()

    _owes_the_money_back(rostrum, late)
    assert len(rostrum.said(BookingUnseated)[0]["seats"]) == 3
    # None of the three seats was taken for a part of the booking.
    assert seats_left(rostrum, workshop) == 2
    pay(rostrum, quick)
    assert "Your booking is confirmed" in page(quick.booking_url)
    rostrum.deliver()
    assert payment_states(rostrum, late) == ["refund_due"]
    assert rostrum.unfinished() == []


def _owes_the_money_back(rostrum: WholeSite, late: Order) -> None:
    assert len(rostrum.said(PaymentConfirmed)) == 1
    assert len(rostrum.said(BookingUnseated)) == 1
    shown = page(late.booking_url)
    assert "Your money comes back" in shown
    assert "Pay now" not in shown
    assert "Your money will be returned" in page(late.pay_url)
    for url in late.certificate_urls:
        assert "Money that arrived too late is returned" in page(url)
    line = finance_line(rostrum, late)
    assert (line.state, line.attention) == ("To be returned", "Late without a seat")
    assert line.expected == "0.00"
    assert line.received == line.difference != "0.00"


def test_paid_after_the_workshop_began_the_money_is_due_for_return(rostrum: WholeSite) -> None:
    workshop = plan(rostrum)
    rostrum.pass_time(days=6, hours=23, minutes=50)
    early, late = book(rostrum, workshop), book(rostrum, workshop)
    pay_unnoticed(rostrum, early)
    browser = go_to_stripe(rostrum, late)
    rostrum.pass_time(minutes=20)
    rostrum.stripe.pull("pay", session=browser.url.rsplit("/", 1)[1])
    let_the_hold_end(rostrum)
    assert len(rostrum.said(BookingExpired)) == 2
    rostrum.prompt = True

    rostrum.deliver()

    # The first was paid before the workshop began: only the news of it was late.
    assert "Your booking is confirmed" in page(early.booking_url)
    assert len(rostrum.said(BookingConfirmed)) == len(rostrum.said(BookingUnseated)) == 1
    shown = page(late.booking_url)
    assert "The workshop has already begun" in shown
    assert "Your money comes back" in shown
    assert "sold" not in shown
    assert "gone to others" not in page(late.pay_url)
    line = finance_line(rostrum, late)
    assert (line.state, line.attention) == ("To be returned", "Late without a seat")
    assert seats_left(rostrum, workshop) == 9
    assert rostrum.unfinished() == []
