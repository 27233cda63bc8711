"""The trail: a log line for each message that was received, said, published or handled, so that one request can be
followed through all services by its logs alone.

Busy services write thousands of these a second. So they go past the usual processors, several in one write; they
hold ids, types and times that our own code made, and nothing that would have to be masked.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

_dumps = json.JSONEncoder(separators=(", ", ": "), ensure_ascii=False).encode

Write = Callable[[str], object]


class _Output:
    """Where lines go; nowhere until logs are configured."""

    write: Write | None = None


def trail_to(write: Write | None) -> None:
    """Send lines there, several at once; `None` sends them nowhere."""
    _Output.write = write


class Trail:
    """The lines of one service."""

    def __init__(self, service: str) -> None:
        self._service = service

    def tell(self, event: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """One line for each of `rows`, all of this moment."""
        write = _Output.write
        if write is None:
            return
        moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        head = _dumps({"event": event, "service": self._service, "level": "info", "timestamp": moment})[:-1]
        # The head is the same for all: it is written once, and each row behind it.
        write("".join(f"{head}, {_dumps(row)[1:]}\n" for row in rows))
