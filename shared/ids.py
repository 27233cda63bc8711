"""Our ids: UUID version 7 (RFC 9562 §5.7), so that rows made later sort later."""

import secrets
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

_guard = threading.Lock()
_last = 0


def new_id() -> UUID:
    """A new UUIDv7, greater than every one made before in this process.

    48 bits of Unix milliseconds, 12 bits of the millisecond's fraction (§6.2 method 3), 62 random bits.
    """
    global _last
    nanoseconds = time.time_ns()
    with _guard:
        ticks = max(
            (nanoseconds // 1_000_000) << 12 | (nanoseconds % 1_000_000) * 4096 // 1_000_000, _last + 1
        )
        _last = ticks
    value = (ticks >> 12) << 80 | 0x7 << 76 | (ticks & 0xFFF) << 64 | 0x2 << 62 | secrets.randbits(62)
    return UUID(int=value)


def made_at(made: UUID) -> datetime | None:
    """When one of our ids was made, in real time: its first 48 bits say so. None for another kind of UUID."""
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC) if made.version == 7 else None


def seconds_since(made: UUID) -> float:
    """How long ago one of our ids was made; 0 for another kind of UUID."""
    return max(0.0, time.time() - (made.int >> 80) / 1000) if made.version == 7 else 0.0
