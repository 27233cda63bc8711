"""One sandbox: its memory, its clock, its troubles and what it counts."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app

from deploy.sandbox.stripe.checkout import mark_expired
from deploy.sandbox.stripe.config import StripeSandboxConfig
from deploy.sandbox.stripe.events import ENDPOINT, MODE, NORMAL_MODE
from deploy.sandbox.stripe.faults import Faults
from deploy.sandbox.stripe.store import (
    CHARGE,
    DELIVERY,
    DISPUTE,
    EVENT,
    REFUND,
    SESSION,
    SETTING,
    JsonObject,
    Store,
    Transaction,
)

EXTENSION = "stripe_sandbox"


class Sandbox:
    """Everything that the pages, the API and the threads of one sandbox share."""

    def __init__(self, config: StripeSandboxConfig) -> None:
        self.config = config
        self.store = Store(config.state_file)
        self.faults = Faults()
        self.keys_in_use: set[str] = set()
        self.requests: Counter[str] = Counter()
        self._counting = threading.Lock()
        if config.webhook_url is not None:
            self.set_endpoint(config.webhook_url)

    def now(self) -> float:
        """Business time, in seconds since the epoch."""
        return self.config.clock.now().timestamp()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A unit of work that sees no session open beyond its time."""
        with self.store.lock:
            self.expire_due()
            with self.store.transaction(self.now()) as tx:
                yield tx

    def expire_due(self) -> None:
        """Close the sessions whose time is over."""
        with self.store.lock:
            now = self.now()
            while (session_id := self.store.expiries.pop_due(now)) is not None:
                with self.store.transaction(now) as tx:
                    mark_expired(tx, session_id)

    def set_endpoint(
        self,
        url: str | None,
        *,
        secret: str | None = None,
        previous_secret: str | None = None,
        enabled_events: list[str] | None = None,
    ) -> JsonObject:
        """Where webhooks go and how they are signed; two secrets while one is being replaced."""
        endpoint = {
            "url": url,
            "secrets": [key for key in (secret or self.config.webhook_secret, previous_secret) if key],
            "enabled_events": ([] if url is None else enabled_events or ["*"]),
        }
        with self.store.transaction(self.now()) as tx:
            return tx.put(SETTING, endpoint, ENDPOINT)

    def set_mode(self, mode: JsonObject) -> JsonObject:
        """How the deliveries of coming events go wrong."""
        with self.store.transaction(self.now()) as tx:
            return tx.put(SETTING, {**NORMAL_MODE, **mode}, MODE)

    def setting(self, name: str) -> JsonObject | None:
        """A stored setting."""
        with self.store.transaction(self.now()) as tx:
            return tx.get(SETTING, name)

    def mode(self) -> JsonObject:
        """How deliveries go wrong at present."""
        return self.setting(MODE) or NORMAL_MODE

    def count_request(self, label: str) -> None:
        """Count a request by method and route."""
        with self._counting:
            self.requests[label] += 1

    def reset(self) -> None:
        """Forget everything but where webhooks go; deliveries are well again."""
        self.faults.clear()
        with self._counting:
            self.requests.clear()
        self.store.reset()
        self.set_mode(NORMAL_MODE)

    def counters(self) -> dict[str, Any]:
        """Figures for tests: `requests` since this process started, the others since the last reset."""
        with self.transaction() as tx:
            sessions = list(tx.newest_first(SESSION))
            charges = list(tx.newest_first(CHARGE))
            deliveries = list(tx.newest_first(DELIVERY))
            paid_by_intent = {c["payment_intent"] for c in charges if c["status"] == "succeeded"}
            by_reference = Counter(
                str(s["client_reference_id"]) for s in sessions if s["payment_intent"] in paid_by_intent
            )
            figures: dict[str, Any] = {
                "sessions": _by_state(sessions, "status"),
                "charges": _by_state(charges, "status"),
                "charges_by_reference": dict(by_reference),
                "refunds": tx.count(REFUND),
                "disputes": _by_state(tx.newest_first(DISPUTE), "status"),
                "events": dict(Counter(event["type"] for event in tx.newest_first(EVENT))),
                "deliveries": _by_state(deliveries, "state"),
                "delivery_attempts": sum(len(delivery["attempts"]) for delivery in deliveries),
            }
        with self._counting:
            return {**figures, "requests": dict(self.requests)}


def _by_state(items: Any, key: str) -> dict[str, int]:
    return dict(Counter(str(item[key]) for item in items))


def current_sandbox() -> Sandbox:
    """The sandbox of the application that handles the present request."""
    sandbox = current_app.extensions[EXTENSION]
    assert isinstance(sandbox, Sandbox)
    return sandbox
