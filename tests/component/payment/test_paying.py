"""From a placed booking to covered seats."""

from services.payment.domain import AccountState, CheckoutState, PaymentState
from shared.contracts.payment import CheckoutOpened, PaymentConfirmed
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
