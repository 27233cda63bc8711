"""Events, and the deliveries that the webhook mode makes of them."""

import json
import random
from itertools import takewhile
from typing import Any

from deploy.sandbox.stripe.config import API_VERSION
from deploy.sandbox.stripe.ids import new_id
from deploy.sandbox.stripe.store import DELIVERY, EVENT, SETTING, JsonObject, Transaction

MODES = ("normal", "duplicate", "reorder", "delay", "drop", "bad_signature", "stale")
ENDPOINT = "webhook_endpoint"
MODE = "webhook_mode"
NORMAL_MODE: JsonObject = {
    "modes": [],
    "copies": 2,
    "together": False,
    "seconds": 1.0,
    "seed": None,
    "types": [],
}
RETENTION_SECONDS = 30 * 86400


def emit(
    tx: Transaction, event_type: str, subject: JsonObject, previous: JsonObject | None = None
) -> JsonObject:
    """Record an event with a snapshot of its subject, and queue its deliveries."""
    data: dict[str, Any] = {"object": json.loads(json.dumps(subject))}
    if previous is not None:
        data["previous_attributes"] = previous
    endpoint = tx.get(SETTING, ENDPOINT)
    subscribed = endpoint is not None and _wants(endpoint["enabled_events"], event_type)
    event = {
        "id": new_id("evt"),
        "object": EVENT,
        "api_version": API_VERSION,
        "created": tx.now,
        "data": data,
        "livemode": False,
        "pending_webhooks": 1 if subscribed else 0,
        "request": dict(tx.request),
        "type": event_type,
    }
    tx.put(EVENT, event)
    if subscribed:
        _queue(tx, event, tx.get(SETTING, MODE) or NORMAL_MODE)
    return event


def _wants(enabled: list[str], event_type: str) -> bool:
    return "*" in enabled or event_type in enabled


def _queue(tx: Transaction, event: JsonObject, mode: JsonObject) -> None:
    modes = mode["modes"] if not mode["types"] or event["type"] in mode["types"] else []
    if "drop" in modes:
        queue_delivery(tx, event, state="dropped")
        return
    copies = mode["copies"] if "duplicate" in modes else 1
    together = copies if mode["together"] else 1
    due_at = tx.exact_now + (mode["seconds"] if "delay" in modes else 0)
    for _ in range(copies // together):
        order = None
        if "reorder" in modes:
            due_at, order = _shuffled_place(tx, mode, due_at)
        queue_delivery(tx, event, due_at=due_at, order=order, together=together)


def _shuffled_place(tx: Transaction, mode: JsonObject, due_at: float) -> tuple[float, float]:
    """When and where among the others: all that come within a window leave together, last first or mixed."""
    number = tx.count(DELIVERY)
    recent = takewhile(lambda d: d["created"] >= tx.now - mode["seconds"] - 1, tx.newest_first(DELIVERY))
    held = next((d for d in recent if d["reordered"] and d["due_at"] > tx.exact_now), None)
    window_end = held["due_at"] if held is not None else due_at + mode["seconds"]
    seed = mode["seed"]
    order = float(-number) if seed is None else random.Random(f"{seed}:{number}").random()
    return window_end, order


def queue_delivery(
    tx: Transaction,
    event: JsonObject,
    *,
    state: str = "pending",
    due_at: float | None = None,
    order: float | None = None,
    together: int = 1,
) -> JsonObject:
    """Note that an event is to be sent. Deliveries due at the same moment leave by their `order`."""
    number = tx.count(DELIVERY)
    delivery = {
        "id": new_id("wd"),
        "event": event["id"],
        "type": event["type"],
        "state": state,
        "created": tx.now,
        "due_at": tx.exact_now if due_at is None else due_at,
        "order": number if order is None else order,
        "reordered": order is not None,
        "together": together,
        "attempts": [],
    }
    return tx.put(DELIVERY, delivery)
