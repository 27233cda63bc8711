"""The payer's page in every state, and the links that lead to it."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from services.enrollment import handlers
from services.enrollment.commands import RecordPaymentProblem
from services.enrollment.handlers import PlacedBooking
from shared.contracts.payment import CoverageFact, PaymentDisputed, PaymentRefunded
from shared.messaging.event import Event
from tests.component.enrollment.news import START, opened, paid
from tests.component.enrollment.shop import Shop
from tests.component.enrollment.visitor import Visitor, booking_path


def shown(shop: Shop, placed: PlacedBooking) -> Visitor:
    """The booking's page."""
    visitor = Visitor(shop).open(booking_path(shop, placed.booking_id))
    assert visitor.status == 200
    return visitor


def links(visitor: Visitor) -> list[str]:
    return [text.strip() for _, text in visitor.page.links]


def test_while_held_it_says_until_when_and_how_to_pay(shop: Shop) -> None:
    placed = shop.book(shop.plan(), 2)
    visitor = shown(shop, placed)
    assert visitor.page.titles["h1"] == "Your seats are held"
    assert "Pay €2,000.02 by Mon 1 Mar 2027, 10:30 CET" in visitor.text
    assert "10:35" not in visitor.text, "one deadline, not a second one with the grace behind it"
    assert "Given1 Family1" in visitor.text
    assert "meet.example.com" not in visitor.text
    assert "Refresh" not in visitor.headers, "whoever reads is not interrupted"
    (pay,) = (href for href, text in visitor.page.links if text == "Pay now")
    assert pay.startswith("/pay/")
    shop.tell(opened(placed, START + timedelta(minutes=45)))
    assert "Mon 1 Mar 2027, 10:45 CET" in shown(shop, placed).text


def test_a_payment_that_failed_can_be_tried_again(shop: Shop) -> None:
    placed = shop.book(shop.plan())
    with shop.service.transactions.begin() as tx:
        handlers.record_payment_problem(
            RecordPaymentProblem(booking_id=placed.booking_id, reason="card_declined", occurred_at=START), tx
        )
    visitor = shown(shop, placed)
    assert "The last payment did not go through Nothing was charged." in visitor.text
    assert "Pay now" in links(visitor)


def test_after_the_last_moment_it_waits_and_looks_again_by_itself(shop: Shop) -> None:
    placed = shop.book(shop.plan())
    shop.clock.advance(timedelta(minutes=31))
    visitor = shown(shop, placed)
    assert "We are waiting for the payment" in visitor.text
    assert visitor.headers["Refresh"] == "15"
    assert {"Pay now", "Back to the payment page"} & set(links(visitor)) == {"Back to the payment page"}


def test_confirmed_it_has_the_link_to_join_and_each_ones_certificate(shop: Shop) -> None:
    placed = shop.confirmed(shop.plan(), 2)
    visitor = shown(shop, placed)
    assert visitor.page.titles["h1"] == "Your booking is confirmed"
    assert placed.reference in visitor.text
    assert "https://meet.example.com/room" in links(visitor)
    certificates = {
        href for href, text in visitor.page.links if text.startswith("Where is this certificate?")
    }
    assert len(certificates) == 2
    assert visitor.text.count("The trainer confirms this after the workshop.") == 2
    assert "Refresh" not in visitor.headers


def test_expired_it_leads_back_to_the_workshop(shop: Shop) -> None:
    workshop_id = shop.plan()
    placed = shop.book(workshop_id)
    shop.clock.advance(timedelta(minutes=36))
    shop.end_holds()
    visitor = shown(shop, placed)
    assert visitor.page.titles["h1"] == "This booking has ended"
    assert (f"/workshops/{workshop_id}", "Book again") in visitor.page.links
    assert "Pay now" not in links(visitor)


def test_without_a_seat_the_money_comes_back(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=1)
    late = shop.book(workshop_id)
    shop.clock.advance(timedelta(minutes=36))
    shop.end_holds()
    shop.book(workshop_id)
    shop.tell(paid(late))
    visitor = shown(shop, late)
    assert visitor.page.titles["h1"] == "The workshop is full"
    assert "Your money comes back" in visitor.text


def disputed(placed: PlacedBooking) -> PaymentDisputed:
    """The bank asks for the money back."""
    return PaymentDisputed(
        payment_id=uuid4(),
        payable_id=placed.booking_id,
        booking_id=placed.booking_id,
        dispute_id=uuid4(),
        amount_minor=placed.amount_minor,
        currency=placed.currency,
        occurred_at=START,
        coverage=(CoverageFact(enrollment_id=placed.enrollment_ids[0], revision=2, state="frozen"),),
    )


def refunded(placed: PlacedBooking) -> PaymentRefunded:
    """The money went back."""
    return PaymentRefunded(
        payment_id=uuid4(),
        payable_id=placed.booking_id,
        booking_id=placed.booking_id,
        refund_id=uuid4(),
        amount_minor=placed.amount_minor,
        currency=placed.currency,
        occurred_at=START,
        coverage=(CoverageFact(enrollment_id=placed.enrollment_ids[0], revision=2, state="uncovered"),),
    )


@pytest.mark.parametrize(
    ("news", "said"), [(disputed, "The payment is disputed"), (refunded, "The money went back")]
)
def test_money_that_is_in_doubt_is_not_called_confirmed(
    shop: Shop, news: Callable[[PlacedBooking], Event], said: str
) -> None:
    placed = shop.confirmed(shop.plan())
    shop.tell(news(placed))
    visitor = shown(shop, placed)
    assert visitor.page.titles["h1"] == "Your booking"
    assert said in visitor.text
    assert "is confirmed" not in visitor.text.partition("Progress")[0]


def test_links_that_do_not_work_say_what_to_do(shop: Shop) -> None:
    placed = shop.book(shop.plan())
    path = booking_path(shop, placed.booking_id)
    visitor = Visitor(shop).open(path[:-2])
    assert (visitor.status, visitor.page.titles["h1"]) == (404, "This link does not work")
    assert "Open it again from the e-mail" in visitor.text
    visitor.open(path.replace("/bookings/", "/bookings/continue/"))
    assert visitor.status == 404, "a link for one purpose opens nothing else"
    visitor.open(booking_path(shop, placed.booking_id, version=0))
    assert (visitor.status, visitor.page.titles["h1"]) == (410, "This link was replaced")
    for ahead in (booking_path(shop, uuid4()), booking_path(shop, placed.booking_id, version=2)):
        visitor.open(ahead)
        assert (visitor.status, visitor.page.titles["h1"]) == (202, "One moment")
        assert visitor.headers["Refresh"]


def test_the_payment_page_leads_back_to_the_booking(shop: Shop) -> None:
    placed = shop.book(shop.plan())
    token = shop.service.links.issue("pay", placed.booking_id, 1)
    visitor = Visitor(shop).open(f"/bookings/continue/{token}")
    assert (visitor.status, visitor.path) == (200, booking_path(shop, placed.booking_id))
    old = shop.service.links.issue("pay", placed.booking_id, 0)
    assert visitor.open(f"/bookings/continue/{old}").status == 410
    unheard = shop.service.links.issue("pay", uuid4(), 1)
    assert visitor.open(f"/bookings/continue/{unheard}").status == 202
