"""From an exception to what is remembered of it and when the message is tried again."""

import json

from shared.db.engine import database_away
from shared.errors import Permanent, Unavailable
from shared.messaging.inbox import Failure
from shared.observability.redaction import describe_error, fingerprint, personal_values, where


class DatabaseAway(Exception):
    """Our own database cannot be reached: nothing is acknowledged or counted, the work waits."""


class LeaseLost(Exception):
    """The lease of this message is no longer ours: what was done in this transaction is taken back."""


def failure_of(error: BaseException, body: str | bytes | None) -> Failure:
    """Classify and describe without personal data: neither addresses nor values of the message's `person`."""
    kind = "failed"
    if isinstance(error, Unavailable):
        kind = "unavailable"
    elif isinstance(error, Permanent):
        kind = "permanent"
    text = describe_error(error, _secrets(body))
    place = where(error)
    return Failure(
        kind=kind,
        error=f"{text} ({place})" if place else text,
        fingerprint=fingerprint(error, text),
        retry_within=error.retry_within if isinstance(error, Unavailable) else None,
    )


def _secrets(body: str | bytes | None) -> frozenset[str]:
    if not body:
        return frozenset()
    try:
        return personal_values(json.loads(body))
    except (ValueError, RecursionError):
        # Neither text nor nesting of a hostile body may keep its failure from being recorded.
        return frozenset()


def raise_if_away(error: BaseException) -> None:
    """Raise `DatabaseAway` when that is what `error` (or its cause) means."""
    seen: BaseException | None = error
    while seen is not None:
        if database_away(seen):
            raise DatabaseAway(describe_error(seen)) from error
        seen = seen.__cause__
