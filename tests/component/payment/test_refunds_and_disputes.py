"""Money that goes back, and what it uncovers."""

from typing import Any

import pytest

from services.payment.domain import AccountState, PaymentState
from services.payment.gateways.base import PaymentGateway
from shared.contracts.payment import DisputeClosed, PaymentConfirmed, PaymentDisputed, PaymentRefunded
from tests.component.payment.site import Site


def test_a_whole_refund_uncovers_every_seat_once(site: Site) -> None:
    placed = site.place()
    paid = site.pay(placed)
    site.stripe.pull("refund", charge=paid["charge"]["id"])

    site.deliver(site.stripe.events())

    assert site.covered(placed) == {"uncovered"}
    (refunded,) = site.said(PaymentRefunded)
    assert {(f.revision, f.state) for f in refunded.coverage} == {(2, "uncovered")}
    assert site.account(placed).state is AccountState.RETURNED
    assert site.account(placed).received_minor == 0


def test_a_refund_heard_of_before_its_payment_ends_the_same(site: Site) -> None:
    placed = site.place()
    paid = site.pay(placed)
    site.stripe.pull("refund", charge=paid["charge"]["id"])

    site.deliver(reversed(site.stripe.events()))

    assert site.covered(placed) == {"uncovered"}
    assert len(site.said(PaymentConfirmed)) == len(site.said(PaymentRefunded)) == 1
    assert site.inbox_states().keys() == {"handled"}


@pytest.mark.parametrize("only", ["charge.refunded", "refund.created", "refund.updated"])
def test_any_single_notice_of_a_refund_is_enough(site: Site, only: str) -> None:
    placed = site.place()
    paid = site.pay(placed)
    site.stripe.pull("refund", charge=paid["charge"]["id"])

    site.deliver(site.stripe.events(only)[:1])

    assert site.covered(placed) == {"uncovered"}
    assert len(site.said(PaymentRefunded)) == 1


def test_a_refund_of_a_part_uncovers_nobody_and_is_listed(site: Site) -> None:
    placed = site.place()
    paid = site.pay(placed)
    site.stripe.pull("refund", charge=paid["charge"]["id"], amount=1_000)
    site.deliver(site.stripe.events())

    (refunded,) = site.said(PaymentRefunded)
    assert refunded.coverage == ()
    assert site.covered(placed) == {"covered"}
    assert site.account(placed).attention_codes == ("partly_refunded",)

    site.stripe.pull("refund", charge=paid["charge"]["id"])
    site.deliver(site.stripe.events())
    assert site.covered(placed) == {"uncovered"}
    assert site.account(placed).attention_codes == ()


def test_a_second_payment_covers_nothing_and_its_refund_uncovers_nobody(site: Site) -> None:
    placed = site.place()
    first = site.pay(placed)
    second = _pay_a_second_time(site, first)
    site.deliver(site.stripe.events())

    assert {p.state for p in site.payments(placed)} == {PaymentState.COVERING, PaymentState.DUPLICATE}
    assert site.account(placed).attention_codes == ("duplicate",)
    assert site.account(placed).received_minor == 2 * placed.amount_minor
    assert len(site.said(PaymentConfirmed)) == 1

    site.stripe.pull("refund", charge=second["charge"]["id"])
    site.deliver(site.stripe.events())

    assert site.said(PaymentRefunded)[0].coverage == ()
    assert site.covered(placed) == {"covered"}
    assert site.account(placed).attention_codes == ()


def test_refunding_the_first_of_two_payments_leaves_the_second_to_cover(site: Site) -> None:
    placed = site.place()
    first = site.pay(placed)
    _pay_a_second_time(site, first)
    site.deliver(site.stripe.events())

    site.stripe.pull("refund", charge=first["charge"]["id"])
    site.deliver(site.stripe.events())

    assert site.said(PaymentRefunded)[0].coverage == ()
    assert site.covered(placed) == {"covered"}
    assert {p.state for p in site.payments(placed)} == {PaymentState.REFUNDED, PaymentState.COVERING}


@pytest.mark.parametrize(("lever", "state"), [("win", "covered"), ("lose", "uncovered")])
def test_a_dispute_freezes_until_it_is_decided(site: Site, lever: str, state: str) -> None:
    placed = site.place()
    paid = site.pay(placed)
    site.stripe.pull("dispute/open", charge=paid["charge"]["id"])
    site.deliver(site.stripe.events())

    assert site.covered(placed) == {"frozen"}
    assert {(f.revision, f.state) for f in site.said(PaymentDisputed)[0].coverage} == {(2, "frozen")}
    assert site.account(placed).attention_codes == ("dispute_open",)

    site.stripe.pull(f"dispute/{lever}", charge=paid["charge"]["id"])
    site.deliver(site.stripe.events())

    assert site.covered(placed) == {state}
    (closed,) = site.said(DisputeClosed)
    assert closed.outcome == {"win": "won", "lose": "lost"}[lever]
    assert {(f.revision, f.state) for f in closed.coverage} == {(3, state)}
    assert len(site.said(PaymentDisputed)) == 1


def test_a_lost_dispute_is_money_gone(site: Site) -> None:
    placed = site.place()
    paid = site.pay(placed)
    for lever in ("dispute/open", "dispute/lose"):
        site.stripe.pull(lever, charge=paid["charge"]["id"])
    site.deliver(reversed(site.stripe.events()))

    account = site.account(placed)
    assert account.state is AccountState.RETURNED
    assert account.received_minor == 0
    assert site.payments(placed)[0].state is PaymentState.LOST


def test_stripe_away_makes_a_refund_wait_not_die(site: Site) -> None:
    placed = site.place()
    paid = site.pay(placed)
    site.stripe.pull("refund", charge=paid["charge"]["id"])
    site.stripe.pull("faults", kind="server_error", method="GET", path="/v1/*", should_retry=False, times=5)

    assert site.webhook(site.stripe.events("charge.refunded")[0]).status_code == 200
    site.work(steps=3)
    assert site.inbox_states()["failed"] == 1
    site.work()

    assert site.covered(placed) == {"uncovered"}
    assert site.inbox_states().keys() == {"handled"}


def _pay_a_second_time(site: Site, first: dict[str, Any]) -> dict[str, Any]:
    """A second session for the same payable, as an operator at Stripe might make one."""
    session = first["session"]
    gateway = site.service.gateways[PaymentGateway]
    site.pass_time(seconds=5)
    again = gateway.create_session(
        {
            "mode": "payment",
            "success_url": session["success_url"],
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": session["currency"],
                        "unit_amount": session["amount_total"],
                        "product_data": {"name": "Again"},
                    },
                }
            ],
            "metadata": {**session["metadata"], "attempt": "99"},
            "payment_intent_data": {"metadata": {**session["metadata"], "attempt": "99"}},
        },
        idempotency_key="again",
    )
    paid: dict[str, Any] = site.stripe.pull("pay", session=again.stripe_session_id)
    return paid
