"""How many messages wait in the broker: asked now and then, and never in the way of the page."""

import threading
import time
from collections.abc import Callable, Mapping

import structlog

from shared.messaging.bus import Bus
from shared.observability.redaction import describe_error

_KEPT_SECONDS = 5.0

log = structlog.get_logger("ops")


class Depths:
    """The broker's queue depths, remembered for a few seconds; None where nobody can tell."""

    def __init__(self, open_bus: Callable[[], Bus], *, now: Callable[[], float] = time.monotonic) -> None:
        self._open_bus = open_bus
        self._now = now
        self._lock = threading.Lock()
        self._bus: Bus | None = None
        self._asked_at: float | None = None
        self._known: Mapping[str, int] | None = None

    def read(self) -> Mapping[str, int] | None:
        """Queue → messages."""
        with self._lock:
            if self._asked_at is None or self._now() - self._asked_at >= _KEPT_SECONDS:
                self._known = self._ask()
                self._asked_at = self._now()
            return self._known

    def _ask(self) -> Mapping[str, int] | None:
        try:
            # Opening the bus connects nowhere yet; depths come over the management interface.
            self._bus = self._bus or self._open_bus()
            return self._bus.depths()
        except Exception as error:
            # Exactly when the broker is away the rest of the page is needed most.
            log.warning("depths_unknown", error=describe_error(error))
            return None
