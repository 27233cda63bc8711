"""Where a connection stands, and what it tells whoever works on it."""

from enum import StrEnum
from typing import Protocol


class State(StrEnum):
    """Where a connection stands."""

    CONNECTING = "connecting"
    READY = "ready"
    AWAY = "away"
    CLOSED = "closed"


class ConnectionUser(Protocol):
    """Who works on a connection. Both methods run on its thread and must not wait for anything."""

    def opened(self) -> None:
        """The connection stands and the topology is in place."""

    def lost(self, problem: str) -> None:
        """The connection, or an attempt at one, is gone: nothing handed over before will be done."""
