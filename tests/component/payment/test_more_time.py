"""The payer was given more time: payment opens its page for as long, in whatever order the news came."""

import itertools
from datetime import timedelta

from services.payment.queries import standing_of_booking
from shared.contracts.enrollment import BookingExtended
from tests.component.payment.site import Site, booking


def test_the_payment_page_can_be_opened_for_as_long_as_was_said(site: Site) -> None:
    placed = site.place()
    later = site.clock.now() + timedelta(minutes=55)
    site.hear(BookingExtended(booking_id=placed.booking_id, pay_by=later))
    site.pass_time(minutes=54)
    answer = site.click(placed)
    assert answer.status_code == 303
    # The session has its own length, and nothing of the hold's.
    assert site.checkout(placed).expires_at == site.clock.now() + timedelta(minutes=31)


def test_without_the_news_it_is_too_late(site: Site) -> None:
    placed = site.place()
    site.pass_time(minutes=54)
    assert site.click(placed).status_code == 410


def test_in_any_order_and_repeated_the_latest_moment_stays(site: Site) -> None:
    now = site.clock.now()
    for order in itertools.permutations(range(4)):
        placed = booking(now)
        first = BookingExtended(booking_id=placed.booking_id, pay_by=now + timedelta(minutes=50))
        second = BookingExtended(booking_id=placed.booking_id, pay_by=now + timedelta(minutes=80))
        messages = [placed, first, second, first]
        site.hear(*(messages[index] for index in order))
        account = site.account(placed)
        assert account.pay_by == now + timedelta(minutes=80), order
        assert account.state == "open", order
        assert site.inbox_states().keys() == {"handled"}
        with site.service.transactions.read() as session:
            standing = standing_of_booking(session, placed.booking_id)
        assert standing is not None
        assert standing.payable is not None
        assert standing.payable.pay_by == account.pay_by, order
