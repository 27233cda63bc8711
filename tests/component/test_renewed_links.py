"""A link got into wrong hands: all links of the booking are replaced, in all three services."""

import re

from services.enrollment import handlers
from services.enrollment.commands import RenewLinks
from tests.support.in_process import Visitor, WholeSite
from tests.support.whole_story import Order, book, charges, page, pay, plan


def renew(rostrum: WholeSite, order: Order) -> None:
    """What `bookings renew-links` does."""
    with rostrum.services["enrollment"].transactions.begin() as tx:
        handlers.renew_links(RenewLinks(reference=order.reference.lower()), tx)
    rostrum.carry()


def shown(url: str) -> tuple[int, str]:
    visitor = Visitor()
    visitor.open(url)
    return visitor.status, visitor.text


def letters_about(rostrum: WholeSite, words: str) -> list[dict[str, str]]:
    return [letter for letter in rostrum.post.messages() if words in letter["subject"]]


def test_old_links_stop_working_everywhere_and_new_ones_are_sent(rostrum: WholeSite) -> None:
    order = book(rostrum, plan(rostrum), seats=2)
    pay(rostrum, order)

    renew(rostrum, order)

    for url in (order.booking_url, order.pay_url, *order.certificate_urls):
        status, text = shown(url)
        assert status == 410, url
        assert "This link was replaced" in text
    (letter,) = letters_about(rostrum, "a new link")
    attendees = letters_about(rostrum, "A new link:")
    assert len(attendees) == 2
    for sent, words in (
        (letter, "Your booking is confirmed"),
        *((each, "certificate") for each in attendees),
    ):
        (link,) = re.findall(r"http://\S+/(?:bookings|certificates)/\S+", sent["text"])
        assert words in page(link)
    assert charges(rostrum) == [1]
    assert rostrum.unfinished() == []


def test_each_renewal_has_letters_of_its_own_and_a_held_booking_can_still_be_paid(rostrum: WholeSite) -> None:
    order = book(rostrum, plan(rostrum))

    renew(rostrum, order)
    renew(rostrum, order)

    assert len(letters_about(rostrum, "a new link")) == 2
    assert letters_about(rostrum, "A new link:") == [], "attendees have had no link yet"
    assert shown(f"{rostrum.url}/bookings/{rostrum.token('booking', order.booking_id, 2)}")[0] == 410
    assert shown(f"{rostrum.url}/pay/{rostrum.token('pay', order.booking_id, 2)}")[0] == 410
    booking = f"{rostrum.url}/bookings/{rostrum.token('booking', order.booking_id, 3)}"
    assert "Pay" in page(booking)
