"""Business time. Injected everywhere; leases, sessions, signatures and TLS use real time instead."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable


class Clock(Protocol):
    """Tells the present moment as an aware UTC datetime."""

    def now(self) -> datetime: ...


@runtime_checkable
class MovableClock(Clock, Protocol):
    """A clock that a demo or a test moves."""

    def advance(self, by: timedelta) -> None: ...
    def reset(self) -> None: ...


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
        self._write(self.offset() + by)

    def reset(self) -> None:
        """Go back to real time. What was done in between keeps its dates."""
        self._write(timedelta())

    def _write(self, offset: timedelta) -> None:
        # A name of its own, so that two who write at once do not take each other's file away.
        with tempfile.NamedTemporaryFile(
            "w", dir=self._path.parent, prefix=f"{self._path.name}.", delete=False
        ) as scratch:
            scratch.write(str(offset.total_seconds()))
        Path(scratch.name).chmod(0o644)
        Path(scratch.name).replace(self._path)


class FrozenClock:
    """A clock that tests move by hand."""

    def __init__(self, at: datetime) -> None:
        self._now = self._start = at

    def now(self) -> datetime:
        return self._now

    def reset(self) -> None:
        """Go back to where it began."""
        self._now = self._start

    def advance(self, by: timedelta) -> None:
        """Move the clock forward."""
        self._now += by
