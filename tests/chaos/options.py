"""What one run is told: how much, how rough, and the seed from which everything random follows."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Options:
    """One run. The same seed gives the same people and the same schedule of kills."""

    seed: int
    bookings: int = 1000
    wave: int = 100
    """Bookings of one workshop. While one workshop is booked, the one before is completed and activated."""
    clients: int = 8
    mean_seconds: float = 2.0
    """Between two kills, on average."""
    broker_kills: int = 2
    database_stops: int = 2
    sandbox_kills: int = 0
    turn_round: float = 0.03
    """The part of the bookings, in addition, whose payer looks at the payment page and leaves."""
    patience: float = 150.0
    """How long people and the checker wait for one thing."""
    without: tuple[str, ...] = ()
    """Guards that the workers do without: negative controls."""
    lose: str | None = None
    """An event type of which every fifth never reaches the outbox: a negative control."""

    def told(self) -> dict[str, Any]:
        """For the report."""
        return asdict(self)
