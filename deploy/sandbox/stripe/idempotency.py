"""Idempotency keys as Stripe keeps them.

The first request's status and body are stored once its execution has begun, in the transaction that holds its
effects, and replayed for at least 24 hours, errors included. A request that fails validation, or meets
another one with its key at the same moment, leaves nothing behind.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deploy.sandbox.stripe.errors import ApiError
from deploy.sandbox.stripe.sandbox import Sandbox
from deploy.sandbox.stripe.store import IDEMPOTENCY, JsonObject, Transaction

KEPT_SECONDS = 24 * 60 * 60
LONGEST_KEY = 255


def fingerprint(method: str, path: str, params: dict[str, Any]) -> str:
    """What must be the same for a key to be used again."""
    text = json.dumps([method, path, params], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def exclusive(sandbox: Sandbox, key: str) -> Iterator[None]:
    """Refuse a second request with a key while the first one is still at work."""
    with sandbox.store.lock:
        if key in sandbox.keys_in_use:
            message = (
                "There is currently another in-progress request using this Idempotent Key "
                "(that probably means you submitted twice, and the other request is still going through): "
                f"{key}. Try again later."
            )
            raise ApiError(409, message, kind="idempotency_error", code="idempotency_key_in_use")
        sandbox.keys_in_use.add(key)
    try:
        yield
    finally:
        with sandbox.store.lock:
            sandbox.keys_in_use.discard(key)


def check_key(key: str) -> None:
    """Keys have a greatest length."""
    if len(key) > LONGEST_KEY:
        message = f"Idempotency keys cannot be longer than {LONGEST_KEY} characters."
        raise ApiError(400, message, kind="idempotency_error")


def find(tx: Transaction, key: str, mark: str, path: str) -> JsonObject | None:
    """The stored answer to a key, if there is one; an error if it was used for something else."""
    record = tx.get(IDEMPOTENCY, key)
    if record is None or record["created"] <= tx.now - KEPT_SECONDS:
        return None
    if record["path"] != path:
        message = (
            "Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{record['path']}' vs '{path}'). Try using a key other than '{key}' if you meant to execute a "
            "different request."
        )
        raise ApiError(400, message, kind="idempotency_error")
    if record["fingerprint"] != mark:
        message = (
            "Keys for idempotent requests can only be used with the same parameters they were first used "
            f"with. Try using a key other than '{key}' if you meant to execute a different request."
        )
        raise ApiError(400, message, kind="idempotency_error")
    return record


def remember(
    tx: Transaction, key: str, mark: str, path: str, *, status: int, body: str, request_id: str
) -> None:
    """Store the answer, and let go of the oldest one that nobody may rely on any more."""
    oldest = tx.oldest(IDEMPOTENCY)
    if oldest is not None and oldest["created"] <= tx.now - KEPT_SECONDS:
        tx.remove(IDEMPOTENCY, oldest["key"])
    record = {
        "key": key,
        "fingerprint": mark,
        "path": path,
        "status": status,
        "body": body,
        "request_id": request_id,
        "created": tx.now,
    }
    tx.put(IDEMPOTENCY, record, key)
