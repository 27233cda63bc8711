"""One correlation id follows a request through every service, message and log line."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

from shared.ids import new_id

_correlation: ContextVar[str | None] = ContextVar("correlation_id", default=None)


def correlation_id() -> str:
    """The present correlation id; a new one where nothing has set any."""
    return _correlation.get() or str(new_id())


@contextmanager
def correlated(correlation: str | None, **bound: str) -> Iterator[str]:
    """Bind a correlation id (and log fields) for what happens inside the block."""
    value = correlation or str(new_id())
    token = _correlation.set(value)
    try:
        with structlog.contextvars.bound_contextvars(correlation_id=value, **bound):
            yield value
    finally:
        _correlation.reset(token)
