"""From a placed booking to covered seats."""

import json
from dataclasses import replace

import pytest

from services.payment.domain import AccountState, CheckoutState, PaymentState
from shared.contracts.enrollment import PlacedSeat
from shared.contracts.payment import CheckoutOpened, PaymentConfirmed, PaymentFailed
from shared.ids import new_id
from tests.component.payment.site import PUBLIC_URL, Site


def test_a_click_opens_the_session_and_a_payment_covers_the_seats(site: Site) -> None:
    placed = site.place()

    response = site.click(placed)

    assert response.status_code == 303
    session = site.stripe.sessions()[0]
    assert response.headers["Location"] == session["url"]
    assert site.said(CheckoutOpened)[0].expires_at == site.checkout(placed).expires_at

    site.stripe.pull("pay", session=session["id"])
    site.deliver(site.stripe.events())

    assert site.covered(placed) == {"covered"}
    confirmed = site.said(PaymentConfirmed)
    assert len(confirmed) == 1
    assert {(fact.enrollment_id, fact.revision, fact.state) for fact in confirmed[0].coverage} == {
        (seat.enrollment_id, 1, "covered") for seat in placed.seats
    }
    assert confirmed[0].amount_minor == placed.amount_minor
    assert site.account(placed).state is AccountState.SETTLED
    assert site.checkout(placed).state is CheckoutState.COMPLETE
    (payment,) = site.payments(placed)
    assert payment.state is PaymentState.COVERING
    assert payment.stripe_charge_id == site.stripe.state()["charge"][0]["id"]
    assert site.inbox_states().keys() == {"handled"}


def test_stripe_is_asked_for_exactly_what_is_owed(site: Site) -> None:
    placed = site.place()
    site.click(placed)

    session = site.stripe.sessions()[0]

    assert session["amount_total"] == 119_000
    assert session["currency"] == "eur"
    assert session["customer_email"] == "ada@example.com"
    assert session["submit_type"] == "book"
    assert session["metadata"]["booking_id"] == str(placed.booking_id)
    assert session["client_reference_id"] == session["metadata"]["payable_id"]
    assert session["success_url"] == f"{PUBLIC_URL}/pay/return/{{CHECKOUT_SESSION_ID}}"
    assert session["expires_at"] == int(site.clock.now().timestamp()) + 31 * 60
    assert site.token(placed) not in str(session)
    assert "ada@" not in site.checkout(placed).parameters, "forgotten once Stripe has answered"


def test_nothing_to_pay_is_settled_at_once(site: Site) -> None:
    placed = site.place(share=0)

    (confirmed,) = site.said(PaymentConfirmed)
    assert (confirmed.amount_minor, confirmed.currency) == (0, "EUR")
    assert site.covered(placed) == {"covered"}
    response = site.click(placed)
    assert response.status_code == 200
    assert "nothing more to pay" in response.text
    assert site.stripe.sessions() == []


def test_different_shares_are_lines_of_their_own(site: Site) -> None:
    shares = (50_000, 45_000, 45_000)
    seats = tuple(PlacedSeat(enrollment_id=new_id(), amount_minor=s, link_version=1) for s in shares)
    placed = site.place(seats=seats)

    site.click(placed)

    lines = json.loads(site.checkout(placed).parameters)["line_items"]
    assert [(line["quantity"], line["price_data"]["unit_amount"]) for line in lines] == [
        (2, 45_000),
        (1, 50_000),
    ]
    assert site.stripe.sessions()[0]["amount_total"] == 140_000


def test_a_placed_booking_told_again_changes_only_its_link(site: Site) -> None:
    placed = site.place()
    site.click(placed)

    site.hear(replace(placed, link_version=2))

    assert len(site.checkouts(placed)) == 1
    assert site.client().get(f"/pay/{site.token(placed, version=1)}").status_code == 410
    assert site.client().get(f"/pay/{site.token(placed, version=2)}").status_code == 303


@pytest.mark.parametrize("first", ["charge.succeeded", "checkout.session.completed"])
def test_other_money_closes_the_page_at_which_it_was_paid(site: Site, first: str) -> None:
    placed = site.place()
    site.pay(placed, amount_override=118_999)
    site.deliver(sorted(site.stripe.events(), key=lambda event: event["type"] != first))

    (failed,) = site.said(PaymentFailed)
    assert failed.page_expires_at == site.checkout(placed).expires_at


@pytest.mark.parametrize(("amount", "currency"), [(118_999, None), (119_001, None), (None, "usd")])
def test_other_money_than_asked_covers_nothing(site: Site, amount: int | None, currency: str | None) -> None:
    placed = site.place()
    wrong = {"amount_override": amount} if amount else {"currency_override": currency}
    site.pay(placed, **wrong)

    site.deliver(site.stripe.events())

    assert site.covered(placed) == {"uncovered"}
    assert site.said(PaymentConfirmed) == []
    (payment,) = site.payments(placed)
    expected = PaymentState.WRONG_AMOUNT if amount else PaymentState.WRONG_CURRENCY
    assert payment.state is expected
    assert site.account(placed).attention_codes == (expected.value,)
    again = site.click(placed)
    assert again.status_code == 200
    assert "do not pay again" in again.text


def test_a_declined_card_is_told_and_the_page_stays_open(site: Site) -> None:
    placed = site.place()
    site.pay(placed, card="4000000000000002")

    site.deliver(site.stripe.events())

    (failed,) = site.said(PaymentFailed)
    assert (failed.reason, failed.page_expires_at) == ("generic_decline", None)
    assert site.click(placed).status_code == 303
    assert site.checkout(placed).refusal == "generic_decline"
    site.stripe.pull("pay", session=site.checkout(placed).stripe_session_id)
    site.deliver(site.stripe.events())
    assert site.covered(placed) == {"covered"}
    assert len(site.said(PaymentFailed)) == 1


def test_money_for_others_in_the_same_stripe_account_is_none_of_ours(site: Site) -> None:
    placed = site.place()
    site.pay(placed)
    events = site.stripe.events()
    for event in events:
        event["data"]["object"].get("metadata", {}).clear()

    site.deliver(events)

    assert site.covered(placed) == {"uncovered"}
    assert site.inbox_states().keys() == {"handled"}
