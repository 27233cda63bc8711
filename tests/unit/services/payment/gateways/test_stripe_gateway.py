"""Signatures, checked by Stripe's own library and by us."""

import time

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


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=1",
        "v1=abc",
        "t=x,v1=abc",
        "t=1,v1=",
        signed("whsec_other"),
        signed("whsec_new", seconds_ago=400),
        signed("whsec_new", seconds_ago=-400),
        signed("whsec_new").replace("v1=", "v1=0"),
    ],
)
def test_anything_else_is_refused(gateway: StripeGateway, header: str | None) -> None:
    with pytest.raises(BadSignature):
        gateway.verify_webhook(BODY, header)


def test_other_bytes_are_refused(gateway: StripeGateway) -> None:
    with pytest.raises(BadSignature):
        gateway.verify_webhook(BODY + b" ", signed("whsec_new"))
    with pytest.raises(BadSignature):
        gateway.verify_webhook(b"\xff", signed("whsec_new"))


def test_the_version_is_the_one_of_the_library() -> None:
    assert stripe.api_version == API_VERSION
