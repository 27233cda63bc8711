"""Back from Stripe: the page reads the session itself and says what happened and what comes next."""

import pytest

from shared.contracts.payment import PaymentConfirmed
from tests.component.payment.site import Site
from tests.component.payment.test_late_and_lost import confirmed, expired, unseated


def test_a_payment_is_recorded_by_the_page_when_no_webhook_came(site: Site) -> None:
    placed = site.place()
    browser = site.client()
    site.click(placed, client=browser)
    session = site.checkout(placed).stripe_session_id
    site.stripe.pull("pay", session=session)

    page = browser.get(f"/pay/return/{session}")

    assert page.status_code == 200
    assert "Payment received" in page.text
    assert page.headers["Refresh"].startswith("2;")
    assert f"/bookings/continue/{site.token(placed)}" in page.text
    assert site.covered(placed) == {"covered"}
    assert len(site.said(PaymentConfirmed)) == 1

    site.deliver(site.stripe.events())
    site.hear(confirmed(placed))
    page = browser.get(f"/pay/return/{session}")
    assert "your seats are confirmed" in page.text
    assert placed.reference in page.text
    assert "Refresh" not in page.headers
    assert len(site.said(PaymentConfirmed)) == 1


def test_the_page_shows_nothing_personal_and_no_way_in_without_the_cookie(site: Site) -> None:
    placed = site.place()
    site.pay(placed)

    page = site.client().get(f"/pay/return/{site.checkout(placed).stripe_session_id}")

    assert "Ada" not in page.text
    assert "ada@example.com" not in page.text
    assert "/bookings/continue/" not in page.text
    assert "open the link in the e-mail" in page.text


def test_the_cookie_is_for_the_pay_pages_only(site: Site) -> None:
    placed = site.place()

    cookie = site.click(placed).headers["Set-Cookie"]

    assert "Path=/pay;" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_an_unpaid_session_leads_on(site: Site) -> None:
    placed = site.place()
    browser = site.client()
    site.click(placed, client=browser)

    page = browser.get(f"/pay/return/{site.checkout(placed).stripe_session_id}")

    assert "Not paid yet" in page.text
    assert f'href="/pay/{site.token(placed)}"' in page.text
    assert "10:31" in page.text


def test_a_late_payment_waits_and_then_says_how_it_ended(site: Site) -> None:
    placed = site.place()
    site.pay(placed)
    session = site.checkout(placed).stripe_session_id
    site.hear(expired(placed))
    assert "Payment received late" in site.client().get(f"/pay/return/{session}").text

    site.hear(unseated(placed, site))
    assert "Your money will be returned" in site.client().get(f"/pay/return/{session}").text


def test_another_amount_is_being_checked(site: Site) -> None:
    placed = site.place()
    site.pay(placed, amount_override=100)
    page = site.client().get(f"/pay/return/{site.checkout(placed).stripe_session_id}")
    assert "We are checking your payment" in page.text


def test_turning_round_while_another_amount_is_checked_denies_no_charge(site: Site) -> None:
    placed = site.place()
    browser = site.client()
    site.click(placed, client=browser)
    site.stripe.pull("pay", session=site.checkout(placed).stripe_session_id, amount_override=100)
    site.deliver(site.stripe.events())

    page = browser.get("/pay/cancelled")

    assert "We are checking your payment" in page.text
    assert "nothing was charged" not in page.text
    assert "Pay now" not in page.text
    assert "We are checking" not in site.client().get("/pay/cancelled").text


def test_stripe_away_is_no_error_of_the_page(site: Site) -> None:
    placed = site.place()
    site.pay(placed)
    site.stripe.pull("faults", kind="server_error", method="GET", should_retry=False)

    page = site.client().get(f"/pay/return/{site.checkout(placed).stripe_session_id}")

    assert page.status_code == 200
    assert "We are looking for your payment" in page.text


@pytest.mark.parametrize("session", ["cs_test_unknown", "nonsense", "cs_" + "x" * 300, "../finance"])
def test_a_session_nobody_knows_says_where_to_look(site: Site, session: str) -> None:
    page = site.client().get(f"/pay/return/{session}")
    assert page.status_code == 404


def test_turning_round_says_until_when_one_can_pay(site: Site) -> None:
    placed = site.place()
    browser = site.client()
    site.click(placed, client=browser)

    page = browser.get("/pay/cancelled")
    assert "nothing was charged" in page.text
    assert "10:31" in page.text
    assert f'href="/pay/{site.token(placed)}"' in page.text

    site.pass_time(hours=1)
    page = browser.get("/pay/cancelled")
    assert "cannot be paid any more" in page.text
    assert "Pay now" not in page.text

    stranger = site.client().get("/pay/cancelled")
    assert stranger.status_code == 200
    assert "open the link in the e-mail we sent when you booked" in stranger.text
