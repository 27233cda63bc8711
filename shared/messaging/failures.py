"""From an exception to what is remembered of it and when the message is tried again."""

import json
from types import TracebackType

import structlog

from shared.db.engine import database_away
from shared.errors import Permanent, Unavailable
from shared.messaging.inbox import Failure
from shared.observability.redaction import describe_error, fingerprint, personal_values, where

log = structlog.get_logger()


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


class passing_over:  # noqa: N801 - reads as a statement where it is used
    """One thing of many that cannot be followed must not hold up the others: it is logged as `event`, no more.

    What stands behind a block that returns is reached only then. Raises `DatabaseAway`, as that is no fault
    of one thing.
    """

    def __init__(self, event: str, **about: str) -> None:
        self._event, self._about = event, about

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        raise_if_away(error)
        log.error(self._event, error=describe_error(error), place=where(error), **self._about)
        return True
