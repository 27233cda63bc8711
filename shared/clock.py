"""Business time. Injected everywhere; leases, sessions, signatures and TLS use real time instead."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Tells the present moment as an aware UTC datetime."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class OffsetClock:
    """The machine's clock plus the seconds written in a file: the demo passes two days in a second.

    Every process of a sandbox reads the same file; a missing file means no offset. Refused in production.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset()

    def offset(self) -> timedelta:
        """The present offset."""
        try:
            return timedelta(seconds=float(self._path.read_text() or 0))
        except FileNotFoundError:
            return timedelta()

    def advance(self, by: timedelta) -> None:
        """Move business time forward for every process that reads the file."""
        seconds = (self.offset() + by).total_seconds()
        scratch = self._path.with_suffix(".new")
        scratch.write_text(str(seconds))
        scratch.replace(self._path)


class FrozenClock:
    """A clock that tests move by hand."""

    def __init__(self, at: datetime) -> None:
        self._now = at

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move the clock forward."""
        self._now += by
