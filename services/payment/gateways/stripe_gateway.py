"""Stripe itself. The only module that imports its library."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import stripe

from services.payment.gateways import stripe_reading as reading
from services.payment.gateways.base import (
    BadSignature,
    ChargeFacts,
    EventPage,
    RefundFacts,
    RequestRefused,
    SessionFacts,
)
from shared import outbound
from shared.clock import Clock
from shared.errors import Unavailable

API_VERSION = "2026-10-28.endive"
WHOLE_CALL = 45.0
"""Seconds for a call with all its repetitions: three times what connecting and one answer may take, and the waits."""

_TOLERANCE_SECONDS = 300
_FIND_PAGES = 10
"""A lost session is looked for among this many pages of a hundred, newest first."""


class StripeGateway:
    """Our port to Stripe: one client, a pinned API version, short timeouts, its retries switched on."""

    def __init__(
        self,
        *,
        api_key: str,
        api_base: str,
        webhook_secrets: Sequence[str],
        clock: Clock,
        whole_call: float = WHOLE_CALL,
    ) -> None:
        self._secrets = tuple(webhook_secrets)
        self._clock = clock
        self._client = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base.rstrip("/")},
            max_network_retries=2,
            http_client=stripe.RequestsClient(timeout=cast(Any, (3, 10)), session=outbound.session()),
        )
        self._whole_call = whole_call

    def create_session(self, parameters: Mapping[str, Any], *, idempotency_key: str) -> SessionFacts:
        """Make a checkout session; the same key gives the same session again."""
        with _translated(self._whole_call):
            session = self._client.v1.checkout.sessions.create(
                cast(Any, dict(parameters)), {"idempotency_key": idempotency_key}
            )
        return self._facts(session)

    def read_session(self, stripe_session_id: str) -> SessionFacts:
        """How a session stands now."""
        with _translated(self._whole_call):
            session = self._client.v1.checkout.sessions.retrieve(
                stripe_session_id, {"expand": ["payment_intent.latest_charge"]}
            )
        return self._facts(session)

    def find_session(self, payable_id: UUID, attempt: int, *, since: datetime) -> SessionFacts | None:
        """The session of an attempt whose answer was lost, by our metadata; `since` is when we asked."""
        # Stripe cannot search sessions by metadata. A minute's leeway covers the difference of two clocks.
        period = {"gte": int((since - timedelta(minutes=1)).timestamp())}
        with _translated(self._whole_call):
            page = self._client.v1.checkout.sessions.list(
                {"created": cast(Any, period), "limit": 100, "expand": ["data.payment_intent.latest_charge"]}
            )
            for _ in range(_FIND_PAGES):
                for session in page.data:
                    facts = self._facts(session)
                    if facts.ours and (facts.ours.payable_id, facts.ours.attempt) == (payable_id, attempt):
                        return facts
                if not page.has_more:
                    break
                page = page.next_page()
        return None

    def expire_session(self, stripe_session_id: str) -> SessionFacts:
        """Close a session if it is open; returns how it stands then, paid perhaps."""
        try:
            with _translated(self._whole_call):
                session = self._client.v1.checkout.sessions.expire(stripe_session_id)
            return self._facts(session)
        except RequestRefused:
            # Only open sessions can be closed: somebody was faster, the payer perhaps.
            return self.read_session(stripe_session_id)

    def read_charge(self, stripe_payment_intent_id: str) -> ChargeFacts:
        """The money taken for a payment intent."""
        with _translated(self._whole_call):
            intent = self._client.v1.payment_intents.retrieve(
                stripe_payment_intent_id, {"expand": ["latest_charge"]}
            )
        return reading.intent_facts(intent.to_dict())

    def refunds_of(self, stripe_payment_intent_id: str) -> tuple[RefundFacts, ...]:
        """All refunds of a payment."""
        with _translated(self._whole_call):
            refunds = self._client.v1.refunds.list({"payment_intent": stripe_payment_intent_id, "limit": 100})
            return tuple(reading.refund_facts(refund.to_dict()) for refund in refunds.auto_paging_iter())

    def events_between(
        self, since: datetime, until: datetime, types: Sequence[str], *, limit: int | None
    ) -> EventPage:
        """Events of a period, oldest first, each as the JSON of its webhook; incomplete beyond `limit`, if any."""
        bodies: list[str] = []
        more, after = True, None
        while more and (limit is None or len(bodies) < limit):
            page = self._event_page(since, until, types, after)
            bodies += [json.dumps(event) for event in page["data"]]
            more = bool(page["has_more"])
            after = page["data"][-1]["id"] if page["data"] else None
        return EventPage(bodies=tuple(reversed(bodies)), complete=not more)

    def _event_page(
        self, since: datetime, until: datetime, types: Sequence[str], after: str | None
    ) -> dict[str, Any]:
        # Read raw: what is stored is what the webhook would have said, not the library's view of it.
        parameters: dict[str, Any] = {
            "limit": 100,
            "created[gte]": int(since.timestamp()),
            "created[lte]": int(until.timestamp()),
            **{f"types[{index}]": type_ for index, type_ in enumerate(types)},
        }
        if after is not None:
            parameters["starting_after"] = after
        with _translated(self._whole_call):
            answer = self._client.raw_request("get", "/v1/events", **parameters)
        page: dict[str, Any] = json.loads(answer.body)
        return page

    def verify_webhook(self, payload: bytes, signature: str | None) -> None:
        """Raise `BadSignature` unless Stripe signed these very bytes just now."""
        # The library compares signatures as text, which fails on any that is not ASCII.
        if signature is None or not signature.isascii():
            raise BadSignature
        if not any(self._signed_with(secret, payload, signature) for secret in self._secrets):
            raise BadSignature
        # The library refuses what is too old, but not what claims to come from the future.
        if _timestamp_of(signature) > time.time() + _TOLERANCE_SECONDS:
            raise BadSignature

    def _facts(self, session: Any) -> SessionFacts:
        return reading.session_facts(session.to_dict(), at=self._clock.now())

    @staticmethod
    def _signed_with(secret: str, payload: bytes, signature: str) -> bool:
        try:
            stripe.WebhookSignature.verify_header(payload, signature, secret, _TOLERANCE_SECONDS)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            return False
        return True


def _timestamp_of(signature: str) -> int:
    # As the library reads it: the first `t`, up to a second equals sign.
    pairs = (part.split("=", 2) for part in signature.split(","))
    return next(int(pair[1]) for pair in pairs if pair[0] == "t")


@contextmanager
def _translated(seconds: float) -> Iterator[None]:
    """Stripe's errors in our vocabulary: away, which passes, or refused, which does not. Ends after `seconds`."""
    try:
        with outbound.within(seconds) as deadline:
            yield
        if deadline.passed:
            # What was cut off may look whole, if the other side did not say how long it is.
            raise Unavailable(f"Stripe gave no whole answer within {seconds:.0f} s")
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise Unavailable(f"Stripe cannot be reached: {type(error).__name__}") from None
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        # A wrong key is ours to mend; what waits for it must not be given up.
        raise Unavailable(f"Stripe does not accept our key: {type(error).__name__}") from None
    except stripe.StripeError as error:
        status = error.http_status or 0
        if status == 409 or (status >= 500 and status != 501):
            raise Unavailable(f"Stripe answered {status}") from None
        if status < 400:
            # Cut short, or by something in between: it says nothing about our request.
            raise Unavailable(f"Stripe's answer {status} cannot be read") from None
        raise RequestRefused(f"Stripe refused: {status} {error.code or type(error).__name__}") from None
