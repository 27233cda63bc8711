"""Signatures, checked by Stripe's own library and by us."""

import time
from collections.abc import Callable

import pytest
import stripe

from services.payment.gateways.base import BadSignature
from services.payment.gateways.stripe_gateway import API_VERSION, StripeGateway
from shared.clock import SystemClock

BODY = b'{"id": "evt_1"}'


@pytest.fixture
def gateway() -> StripeGateway:
    """A gateway while its secret is being replaced."""
    return StripeGateway(
        api_key="sk_test_1",
        api_base="http://127.0.0.1:1",
        webhook_secrets=("whsec_new", "whsec_old"),
        clock=SystemClock(),
    )


def signed(secret: str, *, seconds_ago: int = 0) -> str:
    """A signature header."""
    at = int(time.time()) - seconds_ago
    return str(stripe.WebhookSignature.generate_signature_header(BODY.decode(), secret, at))


def test_either_secret_is_good(gateway: StripeGateway) -> None:
    for secret in ("whsec_new", "whsec_old"):
        gateway.verify_webhook(BODY, signed(secret, seconds_ago=290))


# Made when they are used: a signature is of its moment.
FORGED: dict[str, Callable[[], str | None]] = {
    "none": lambda: None,
    "empty": lambda: "",
    "no signature": lambda: "t=1",
    "no time": lambda: "v1=abc",
    "a time that is none": lambda: "t=x,v1=abc",
    "an empty signature": lambda: "t=1,v1=",
    "another secret": lambda: signed("whsec_other"),
    "too old": lambda: signed("whsec_new", seconds_ago=400),
    "from the future": lambda: signed("whsec_new", seconds_ago=-400),
    "a changed signature": lambda: signed("whsec_new").replace("v1=", "v1=0"),
}


@pytest.mark.parametrize("case", FORGED)
def test_anything_else_is_refused(gateway: StripeGateway, case: str) -> None:
    with pytest.raises(BadSignature):
        gateway.verify_webhook(BODY, FORGED[case]())


def test_other_bytes_are_refused(gateway: StripeGateway) -> None:
    with pytest.raises(BadSignature):
        gateway.verify_webhook(BODY + b" ", signed("whsec_new"))
    with pytest.raises(BadSignature):
        gateway.verify_webhook(b"\xff", signed("whsec_new"))


def test_the_version_is_the_one_of_the_library() -> None:
    assert stripe.api_version == API_VERSION
