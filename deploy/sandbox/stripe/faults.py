"""Troubles on request: answers that are lost, refused or late."""

import fnmatch
import socket
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

RESPONSE_LOST = "response_lost"
SERVER_ERROR = "server_error"
RATE_LIMITED = "rate_limited"
SLOW = "slow"
KINDS = (RESPONSE_LOST, SERVER_ERROR, RATE_LIMITED, SLOW)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What befalls the next `times` requests with this method whose path matches the pattern."""

    kind: str
    method: str = "POST"
    path: str = "/v1/*"
    times: int = 1
    seconds: float = 0.0
    should_retry: bool | None = None
    retry_after: int | None = None

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is one of those. `*` stands for any characters."""
        return self.method in (method, "*") and fnmatch.fnmatchcase(path, self.path)


class Faults:
    """The troubles that are still to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Ask for a trouble."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Let everything go well again."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """What is still to come."""
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def take(self, method: str, path: str) -> tuple[Fault, ...]:
        """Every kind of trouble that this request meets, each used up by one."""
        taken: dict[str, Fault] = {}
        with self._lock:
            remaining = []
            for fault in self._waiting:
                if fault.kind in taken or not fault.matches(method, path):
                    remaining.append(fault)
                    continue
                taken[fault.kind] = fault
                if fault.times > 1:
                    remaining.append(replace(fault, times=fault.times - 1))
            self._waiting = remaining
        return tuple(taken.values())


def cut_connection(environ: Mapping[str, Any]) -> None:
    """Close the client's connection, so that whatever is answered now never arrives.

    Both servers that run the sandbox hand their socket to the application; without one (Flask's test client)
    the caller gets the exception that the client of a real server would get.
    """
    for key in ("werkzeug.socket", "gunicorn.socket"):
        connection = environ.get(key)
        if connection is not None:
            connection.shutdown(socket.SHUT_RDWR)
            return
    raise ConnectionResetError("the connection was closed without an answer")
