"""Stripe's webhooks: verify, remember, answer. What they mean is worked off later."""

import structlog
from flask import Blueprint, Response, request

from services.payment.gateways.base import BadSignature, PaymentGateway
from services.payment.gateways.stripe_reading import read_event
from services.payment.tasks.catching_up import store_event
from shared.auth.guards import public
from shared.errors import Malformed, Permanent, TooLarge
from shared.web.csrf import csrf_exempt
from shared.web.current import current_service, request_tx

blueprint = Blueprint("webhooks", __name__)
log = structlog.get_logger()

LARGEST_WEBHOOK = 256 * 1024


@blueprint.post("/webhooks/stripe")
@public("signed by Stripe")
@csrf_exempt("signed by Stripe")
def stripe_webhook() -> Response:
    """Put a genuine event into the inbox; anything else is refused and leaves no trace."""
    if (request.content_length or 0) > LARGEST_WEBHOOK:
        raise TooLarge("webhook_too_large", "Events are smaller than 256 KiB.")
    body = request.get_data()
    if len(body) > LARGEST_WEBHOOK:
        raise TooLarge("webhook_too_large", "Events are smaller than 256 KiB.")
    service = current_service()
    gateway: PaymentGateway = service.gateway(PaymentGateway)  # type: ignore[type-abstract]  # the port is the key
    try:
        gateway.verify_webhook(body, request.headers.get("Stripe-Signature"))
        text = body.decode()
        read_event(text)
    except BadSignature:
        log.warning("webhook_refused", size=len(body))
        raise Malformed("bad_signature", "The signature is missing, wrong, or not of this moment.") from None
    except (Permanent, UnicodeDecodeError):
        raise Malformed("not_an_event", "The body is not an event of Stripe's.") from None
    with request_tx() as tx:
        fresh = store_event(text, tx)
    service.checkpoint("after_webhook_stored_before_answer")
    if fresh:
        # Storing says nothing on the bus, so nobody else wakes the worker.
        service.transactions.wake()
    return Response(status=200)
