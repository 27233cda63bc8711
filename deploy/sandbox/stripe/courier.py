"""Sends webhooks, signed as Stripe signs them, and repeats them until they are accepted."""

import hashlib
import hmac
import http.client
import json
import threading
import time
from urllib.parse import urlsplit

from deploy.sandbox.stripe.events import ENDPOINT
from deploy.sandbox.stripe.sandbox import Sandbox
from deploy.sandbox.stripe.store import DELIVERY, EVENT, SETTING, JsonObject

STALE_SECONDS = 600
FORGED_SECRET = "whsec_not_the_endpoint_secret"


def sign(payload: bytes, secrets: list[str], timestamp: int) -> str:
    """The `Stripe-Signature` header: one `v1` for every secret that is valid at present."""
    signed = str(timestamp).encode() + b"." + payload
    marks = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={mark}" for mark in marks)])


def deliver_next(sandbox: Sandbox) -> None:
    """Send the next webhook that is due, if there is one."""
    with sandbox.store.lock:
        delivery_id = sandbox.store.deliveries.pop_due(sandbox.now())
    if delivery_id is not None:
        _deliver(sandbox, delivery_id)


def _deliver(sandbox: Sandbox, delivery_id: str) -> None:
    with sandbox.transaction() as tx:
        delivery = tx.get(DELIVERY, delivery_id)
        event = tx.get(EVENT, delivery["event"]) if delivery is not None else None
        endpoint = tx.get(SETTING, ENDPOINT)
    if delivery is None or event is None:
        return  # A reset came first.
    if endpoint is None or endpoint["url"] is None:
        outcomes = ["no webhook endpoint is configured"]
    else:
        payload = json.dumps({**event, "pending_webhooks": 1}, indent=2).encode()
        outcomes = _send_copies(sandbox, endpoint, payload, delivery["together"])
    _record(sandbox, delivery_id, outcomes)


def _send_copies(sandbox: Sandbox, endpoint: JsonObject, payload: bytes, copies: int) -> list[str]:
    """Send one request, or several at the same instant."""
    outcomes: list[str] = []

    def send() -> None:
        outcomes.append(_send(sandbox, endpoint, payload))

    others = [threading.Thread(target=send, daemon=True) for _ in range(copies - 1)]
    for thread in others:
        thread.start()
    send()
    for thread in others:
        thread.join()
    return outcomes


def _send(sandbox: Sandbox, endpoint: JsonObject, payload: bytes) -> str:
    """POST a payload; the answer's status, or why there was none.

    Signatures use the machine's time: the receiver judges their age by it, whatever business time is.
    """
    modes = sandbox.mode()["modes"]
    timestamp = int(time.time()) - (STALE_SECONDS if "stale" in modes else 0)
    secrets = [FORGED_SECRET] if "bad_signature" in modes else endpoint["secrets"]
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": sign(payload, secrets, timestamp),
        "Connection": "close",
    }
    address = urlsplit(endpoint["url"])
    make = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    try:
        connection = make(address.hostname or "", address.port, timeout=sandbox.config.delivery_timeout)
        try:
            connection.request("POST", path, payload, headers)
            return str(connection.getresponse().status)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {error}"


def _record(sandbox: Sandbox, delivery_id: str, outcomes: list[str]) -> None:
    with sandbox.transaction() as tx:
        if tx.get(DELIVERY, delivery_id) is None:
            return
        delivery = tx.edit(DELIVERY, delivery_id)
        made = len({attempt["round"] for attempt in delivery["attempts"]})
        for outcome in outcomes:
            delivery["attempts"].append({"at": tx.now, "outcome": outcome, "round": made})
        waits = sandbox.config.retry_seconds
        if any(outcome.startswith("2") for outcome in outcomes):
            delivery["state"] = "delivered"
            if tx.get(EVENT, delivery["event"]) is not None:
                tx.edit(EVENT, delivery["event"])["pending_webhooks"] = 0
        elif made < len(waits):
            delivery["due_at"] = tx.exact_now + waits[made]
        else:
            delivery["state"] = "failed"
