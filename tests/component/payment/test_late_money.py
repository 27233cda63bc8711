"""Payment methods whose money arrives days later. The sandbox has none, so its notices are changed by hand."""

import copy
from typing import Any

import pytest

from services.payment.domain import CheckoutState
from shared.contracts.enrollment import BookingPlaced
from shared.contracts.payment import PaymentConfirmed, PaymentFailed
from tests.component.payment.site import Site


def notices(site: Site, placed: BookingPlaced) -> dict[str, dict[str, Any]]:
    """What Stripe says of such a session: complete but unpaid, then paid or not."""
    site.pay(placed)
    (completed,) = site.stripe.events("checkout.session.completed")
    found = {}
    for name, status in (("completed", "unpaid"), ("succeeded", "paid"), ("failed", "unpaid")):
        event = copy.deepcopy(completed)
        event["id"] = f"evt_{name}"
        event["type"] = (
            "checkout.session.completed" if name == "completed" else f"checkout.session.async_payment_{name}"
        )
        event["data"]["object"]["payment_status"] = status
        found[name] = event
    return found


@pytest.mark.parametrize("order", [("completed", "succeeded"), ("succeeded", "completed")])
def test_money_that_arrives_later_covers_then(site: Site, order: tuple[str, str]) -> None:
    placed = site.place()
    told = notices(site, placed)

    site.deliver([told[name] for name in order])

    assert site.covered(placed) == {"covered"}
    assert len(site.said(PaymentConfirmed)) == 1
    assert site.checkout(placed).state is CheckoutState.COMPLETE


def test_while_it_is_on_its_way_nobody_pays_again(site: Site) -> None:
    placed = site.place()
    site.deliver([notices(site, placed)["completed"]])

    assert site.covered(placed) == {"uncovered"}
    page = site.click(placed)
    assert page.status_code == 200
    assert "do not pay again" in page.text


@pytest.mark.parametrize("order", [("completed", "failed"), ("failed", "completed")])
def test_money_that_never_arrives_allows_another_attempt(site: Site, order: tuple[str, str]) -> None:
    placed = site.place()
    told = notices(site, placed)

    site.deliver([told[name] for name in order])

    (failed,) = site.said(PaymentFailed)
    assert failed.reason == "late_payment_failed"
    assert site.click(placed).status_code == 303
    assert [c.state for c in site.checkouts(placed)] == [CheckoutState.FAILED, CheckoutState.OPEN]
