"""The pay link: one session however often it is opened, or a page that says what to do."""

import threading
from datetime import timedelta

import pytest

from services.payment.domain import Checkout, CheckoutState
from shared.contracts.enrollment import BookingExpired, BookingUnseated, LostSeat
from shared.contracts.payment import CheckoutOpened, PaymentConfirmed
from tests.component.payment.site import Site, booking


def test_opening_it_again_leads_to_the_same_session(site: Site) -> None:
    placed = site.place()

    addresses = {site.click(placed).headers["Location"] for _ in range(3)}

    assert len(addresses) == 1
    assert len(site.stripe.sessions()) == 1
    assert len(site.said(CheckoutOpened)) == 1


def test_many_clicks_at_once_open_one_session(site: Site) -> None:
    placed = site.place()
    answers: list[tuple[int, str | None]] = []
    start = threading.Barrier(8)

    def click() -> None:
        start.wait()
        response = site.click(placed)
        answers.append((response.status_code, response.headers.get("Location")))

    threads = [threading.Thread(target=click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {status for status, _ in answers} == {303}
    assert len({address for _, address in answers}) == 1
    assert len(site.stripe.sessions()) == 1
    assert len(site.checkouts(placed)) == 1
    assert len(site.said(CheckoutOpened)) == 1


def test_a_link_that_was_changed_or_never_issued_says_what_to_do(site: Site) -> None:
    placed = site.place()
    token = site.token(placed)

    for bad in (
        f"{token}x",
        token[:-4],
        "nonsense",
        site.service.links.issue("booking", placed.booking_id, 1),
    ):
        response = site.client().get(f"/pay/{bad}")
        assert response.status_code == 404
        assert "Open it again from the e-mail" in response.text
    assert site.stripe.sessions() == []


def test_a_link_that_outran_its_booking_waits_a_moment(site: Site) -> None:
    placed = booking(site.clock.now())

    response = site.click(placed)

    assert response.status_code == 202
    assert "Refresh" in response.headers
    site.hear(placed)
    assert site.click(placed).status_code == 303


def test_after_the_last_moment_no_session_is_opened(site: Site) -> None:
    placed = site.place()
    site.pass_time(minutes=30, seconds=1)

    response = site.click(placed)

    assert response.status_code == 410
    assert "The time to pay is over" in response.text
    # Enrollment may still give more time; payment must not send the payer away from held seats.
    assert "Your booking page says whether you can have more time" in response.text
    assert "make a new booking" not in response.text
    assert site.stripe.sessions() == []

    seats = tuple(LostSeat(enrollment_id=seat.enrollment_id, revision=1) for seat in placed.seats)
    site.hear(BookingExpired(booking_id=placed.booking_id, reason="hold_ended", seats=seats))
    response = site.click(placed)
    assert response.status_code == 410
    assert "make a new booking" in response.text
    assert f"/workshops/{placed.workshop_id}" in response.text


def test_a_session_once_open_can_be_reached_until_it_ends(site: Site) -> None:
    placed = site.place()
    site.pass_time(minutes=29)
    first = site.click(placed)
    site.pass_time(minutes=30)

    again = site.click(placed)

    assert again.status_code == 303
    assert again.headers["Location"] == first.headers["Location"]
    site.pass_time(minutes=2)
    assert site.click(placed).status_code == 410


def test_a_longer_hold_outlives_its_first_session(site: Site) -> None:
    placed = site.place(pay_by=site.clock.now() + timedelta(hours=2))
    first = site.click(placed)
    site.pass_time(minutes=32)

    # No webhook has told yet that the first one is over: Stripe is asked.
    second = site.click(placed)

    assert second.status_code == 303
    assert second.headers["Location"] != first.headers["Location"]
    assert [c.state for c in site.checkouts(placed)] == [CheckoutState.EXPIRED, CheckoutState.OPEN]
    assert [s["status"] for s in site.stripe.sessions()] == ["expired", "open"]


def test_a_settled_booking_cannot_be_paid_again(site: Site) -> None:
    placed = site.place()
    site.pay(placed)
    site.deliver(site.stripe.events())

    response = site.click(placed)

    assert response.status_code == 200
    assert "nothing more to pay" in response.text
    assert len(site.stripe.sessions()) == 1


def test_a_late_payment_without_seats_is_told_on_the_page(site: Site) -> None:
    placed = site.place()
    site.pay(placed)
    lost = tuple(LostSeat(enrollment_id=s.enrollment_id, revision=1) for s in placed.seats)
    site.hear(BookingExpired(booking_id=placed.booking_id, reason="hold_ended", seats=lost))
    (confirmed,) = site.said(PaymentConfirmed)
    site.hear(BookingUnseated(booking_id=placed.booking_id, payment_id=confirmed.payment_id, seats=lost))

    response = site.click(placed)

    assert "Your money will be returned" in response.text


def test_stripe_away_keeps_the_seats_and_offers_to_try_again(site: Site) -> None:
    placed = site.place()
    site.stripe.pull("faults", kind="server_error", should_retry=False)

    response = site.click(placed)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "10"
    assert "The payment page cannot be reached" in response.text
    assert f'action="/pay/{site.token(placed)}"' in response.text
    assert "10:30" in response.text, "until when the seats are held, in the workshop's zone"
    assert site.said(CheckoutOpened) == []
    assert site.click(placed).status_code == 303
    assert len(site.checkouts(placed)) == 1


@pytest.mark.parametrize("later", [timedelta(), timedelta(minutes=3)])
def test_an_answer_lost_after_the_session_was_made_is_found_again(site: Site, later: timedelta) -> None:
    placed = site.place()
    # The library repeats the request twice by itself.
    site.stripe.pull("faults", kind="response_lost", times=3)
    assert site.click(placed).status_code == 503
    assert len(site.stripe.sessions()) == 1
    site.clock.advance(later)

    response = site.click(placed)

    assert response.status_code == 303
    assert len(site.stripe.sessions()) == 1
    assert response.headers["Location"] == site.stripe.sessions()[0]["url"]


def test_a_lost_answer_is_found_by_our_metadata_when_stripe_forgot_the_key(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = site.place()
    site.stripe.pull("faults", kind="response_lost", times=3)
    site.click(placed)
    # Stripe refuses a session that would end within half an hour, and here it no longer knows the key.
    site.pass_time(minutes=5)
    _forget_keys(monkeypatch)

    response = site.click(placed)

    assert response.status_code == 303
    assert len(site.stripe.sessions()) == 1
    assert site.checkout(placed).state is CheckoutState.OPEN


def test_a_request_that_never_reached_stripe_gives_way_to_the_next_attempt(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = site.place()
    site.stripe.pull("faults", kind="server_error", should_retry=False)
    site.click(placed)
    site.pass_time(minutes=5)
    _forget_keys(monkeypatch)

    refused = site.click(placed)
    again = site.click(placed)

    assert refused.status_code == 200
    assert "could not be opened" in refused.text
    assert again.status_code == 303
    assert [c.state for c in site.checkouts(placed)] == [CheckoutState.ABANDONED, CheckoutState.OPEN]
    assert len(site.stripe.sessions()) == 1


def _forget_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    # To Stripe a key it has forgotten is the same as one it never saw.
    monkeypatch.setattr(Checkout, "idempotency_key", property(lambda checkout: f"new:{checkout.attempt}"))
