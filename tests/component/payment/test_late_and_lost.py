"""Late payments, webhooks that never come, lost answers: the books end right all the same."""

import random
from pathlib import Path

import pytest

from services.payment.domain import AccountState, CheckoutState, PaymentState
from shared.contracts.enrollment import (
    Attendee,
    BookingConfirmed,
    BookingExpired,
    BookingPlaced,
    BookingUnseated,
    ConfirmedSeat,
    LostSeat,
)
from shared.contracts.payment import CheckoutOpened, PaymentConfirmed, PaymentExpired
from tests.component.payment.site import Site, booking

MARY = Attendee(
    given_name="Mary", family_name="Jackson", email="m@example.com", registry_email="m@example.com"
)


def expired(placed: BookingPlaced) -> BookingExpired:
    """The hold ended."""
    seats = tuple(LostSeat(enrollment_id=s.enrollment_id, revision=1) for s in placed.seats)
    return BookingExpired(booking_id=placed.booking_id, reason="hold_ended", seats=seats)


def confirmed(placed: BookingPlaced) -> BookingConfirmed:
    """The seats are kept."""
    seats = tuple(ConfirmedSeat(enrollment_id=s.enrollment_id, revision=2, person=MARY) for s in placed.seats)
    return BookingConfirmed(
        booking_id=placed.booking_id, workshop_id=placed.workshop_id, course_code="CSPO", seats=seats
    )


def unseated(placed: BookingPlaced, site: Site) -> BookingUnseated:
    """The seats were gone when the payment came."""
    (payment,) = site.said(PaymentConfirmed)
    seats = tuple(LostSeat(enrollment_id=s.enrollment_id, revision=2) for s in placed.seats)
    return BookingUnseated(booking_id=placed.booking_id, payment_id=payment.payment_id, seats=seats)


def test_an_expired_booking_closes_the_page_at_stripe(site: Site) -> None:
    placed = site.place()
    site.click(placed)

    site.hear(expired(placed))

    assert site.stripe.sessions()[0]["status"] == "expired"
    assert site.checkout(placed).state is CheckoutState.EXPIRED
    assert site.account(placed).state is AccountState.CLOSED
    assert site.account(placed).expected_minor == 0
    assert len(site.said(PaymentExpired)) == 1
    assert site.click(placed).status_code == 410
    site.deliver(site.stripe.events())
    assert len(site.said(PaymentExpired)) == 1


def test_a_booking_that_expires_before_it_is_heard_of_is_closed(site: Site) -> None:
    placed = booking(site.clock.now())
    site.hear(expired(placed))
    site.hear(placed)

    assert site.account(placed).state is AccountState.CLOSED
    assert site.click(placed).status_code == 410


def test_the_payer_was_faster_than_the_end_of_the_hold(site: Site) -> None:
    placed = site.place()
    site.pay(placed)

    # No webhook has come: Stripe says so when it is asked to close the session.
    site.hear(expired(placed))

    assert site.covered(placed) == {"covered"}
    assert len(site.said(PaymentConfirmed)) == 1
    assert site.account(placed).expected_minor == 0
    site.hear(confirmed(placed))
    account = site.account(placed)
    assert (account.state, account.expected_minor) == (AccountState.SETTLED, placed.amount_minor)
    assert account.attention == ""


def test_a_late_payment_without_seats_is_due_for_return(site: Site) -> None:
    placed = site.place()
    paid = site.pay(placed)
    site.hear(expired(placed))
    site.hear(unseated(placed, site))

    account = site.account(placed)
    assert account.state is AccountState.REFUND_DUE
    assert account.attention_codes == ("refund_due",)
    assert account.received_minor - account.expected_minor == placed.amount_minor

    site.stripe.pull("refund", charge=paid["charge"]["id"])
    site.deliver(site.stripe.events())

    account = site.account(placed)
    assert (account.state, account.attention) == (AccountState.RETURNED, "")
    assert account.received_minor == account.expected_minor == 0
    assert site.covered(placed) == {"uncovered"}


def test_with_every_webhook_dropped_the_timers_heal(site: Site) -> None:
    placed, unpaid = site.place(), site.place()
    site.click(unpaid)
    paid = site.pay(placed)

    site.reconcile()
    assert site.covered(placed) == {"covered"}
    assert site.checkout(unpaid).state is CheckoutState.OPEN

    site.stripe.pull("dispute/open", charge=paid["charge"]["id"])
    site.pass_time(minutes=1)
    site.reconcile()
    assert site.covered(placed) == {"frozen"}

    site.stripe.pull("dispute/win", charge=paid["charge"]["id"])
    site.stripe.pull("refund", charge=paid["charge"]["id"])
    site.pass_time(minutes=40)
    site.reconcile()
    assert site.covered(placed) == {"uncovered"}
    assert site.checkout(unpaid).state is CheckoutState.EXPIRED
    assert len(site.said(PaymentExpired)) == 1
    said = len(site.said())
    site.deliver(site.stripe.events())
    site.reconcile()
    assert len(site.said()) == said


@pytest.mark.parametrize("seed", range(5))
def test_every_webhook_doubled_and_shuffled(site: Site, seed: int) -> None:
    placed = site.place()
    paid = site.pay(placed)
    site.stripe.pull("dispute/open", charge=paid["charge"]["id"])
    site.stripe.pull("dispute/win", charge=paid["charge"]["id"])
    events = site.stripe.events() * 2
    random.Random(seed).shuffle(events)

    site.deliver(events, together=seed % 2 == 0)

    assert site.covered(placed) == {"covered"}
    assert [len(site.payments(placed)), len(site.said(PaymentConfirmed))] == [1, 1]
    assert site.inbox_states().keys() == {"handled"}


def test_a_session_whose_answer_was_lost_is_recorded_by_the_timer(site: Site) -> None:
    placed = site.place()
    site.stripe.pull("faults", kind="response_lost", times=3)
    site.click(placed)
    assert site.said(CheckoutOpened) == []

    site.pass_time(minutes=2)
    site.reconcile()

    assert site.checkout(placed).state is CheckoutState.OPEN
    (opened,) = site.said(CheckoutOpened)
    assert opened.expires_at == site.checkout(placed).expires_at
    assert site.click(placed).headers["Location"] == site.stripe.sessions()[0]["url"]


def test_a_lost_session_of_an_expired_booking_is_closed_too(site: Site) -> None:
    placed = site.place()
    site.stripe.pull("faults", kind="response_lost", times=3)
    site.click(placed)

    site.hear(expired(placed))

    assert site.stripe.sessions()[0]["status"] == "expired"
    assert site.checkout(placed).state is CheckoutState.EXPIRED


def test_a_session_opened_while_its_booking_expired_is_closed_by_the_timer(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = site.place()
    gateway = next(iter(site.service.gateways.values()))
    create = gateway.create_session

    def create_late(*args: object, **kwargs: object) -> object:
        site.hear(expired(placed))
        return create(*args, **kwargs)

    monkeypatch.setattr(gateway, "create_session", create_late)
    assert site.click(placed).status_code == 410
    assert site.stripe.sessions()[0]["status"] == "open"

    site.reconcile()

    assert site.stripe.sessions()[0]["status"] == "expired"
    assert site.checkout(placed).state is CheckoutState.EXPIRED


def test_a_request_that_never_arrived_is_given_up_after_its_time(site: Site) -> None:
    placed = site.place()
    site.stripe.pull("faults", kind="server_error", should_retry=False)
    site.click(placed)
    site.pass_time(minutes=10)
    site.reconcile()
    assert site.checkout(placed).state is CheckoutState.REQUESTED

    site.pass_time(minutes=25)
    site.reconcile()

    assert site.checkout(placed).state is CheckoutState.ABANDONED


def test_one_session_that_cannot_be_read_does_not_hide_the_others(site: Site) -> None:
    bookings = [site.place() for _ in range(4)]
    for placed in bookings:
        site.pay(placed)
    lost = site.checkout(bookings[0]).stripe_session_id
    site.stripe.pull(
        "faults", kind="server_error", method="GET", path=f"*{lost}", should_retry=False, times=9
    )

    site.reconcile()

    # The event list tells of the first one, whose session could not be read.
    assert all(site.covered(placed) == {"covered"} for placed in bookings)
    assert site.checkout(bookings[1]).state is CheckoutState.COMPLETE


def test_stripe_away_leaves_everything_for_the_next_round(site: Site, tmp_path: Path) -> None:
    bookings = [site.place() for _ in range(5)]
    for placed in bookings:
        site.pay(placed)
    site.stripe.pull("faults", kind="server_error", method="GET", should_retry=False, times=50)
    with pytest.raises(Exception, match="Stripe answered 500"):
        site.reconcile()
    site.stripe.pull("faults", clear=True)

    site.pass_time(minutes=1)
    site.reconcile()

    assert all(site.covered(placed) == {"covered"} for placed in bookings)
    assert all(p.state is PaymentState.COVERING for b in bookings for p in site.payments(b))
