"""Ports nobody else takes, and a folder with servers that end when the test run ends."""

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

KEEPER = Path(__file__).with_name("keeper.py")


class StartFailure(RuntimeError):
    """A server of the test run did not start; the text ends with the tail of its log."""


class Port:
    """A free TCP port that no other test run takes, for as long as this object is open.

    Chosen below the range that the kernel gives to outgoing connections: a client that keeps trying to reach
    a killed server on a port inside that range may at last be connected to itself. An abstract Unix socket
    named after the port is the lock; the kernel drops it with the process, even after `kill -9`.
    """

    def __init__(self) -> None:
        first_ephemeral = _first_ephemeral_port()
        for _ in range(200):
            number = random.randrange(10_000, first_ephemeral)
            lock = _lock_port(number)
            if lock is None:
                continue
            if _is_free(number):
                self.number, self._lock = number, lock
                return
            lock.close()
        raise StartFailure("found no free port in 200 tries")

    def close(self) -> None:
        """Let others have the port."""
        self._lock.close()


def _first_ephemeral_port() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        return 32768


def _lock_port(number: int) -> socket.socket | None:
    lock = socket.socket(socket.AF_UNIX if sys.platform == "linux" else socket.AF_INET)
    if sys.platform != "linux":
        return lock
    try:
        lock.bind(f"\0rostrum-test-port-{number}")
    except OSError:
        lock.close()
        return None
    return lock


def _is_free(number: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
    return True


class ServerFolder:
    """A temporary folder and the keeper of the servers that live in it."""

    def __init__(self, prefix: str) -> None:
        # Not below pytest's folders: those are closed to other users, and a Unix socket's path must be short.
        self.path = Path(tempfile.mkdtemp(prefix=f"rostrum-{prefix}-"))
        self._keeper = subprocess.Popen(
            [sys.executable, str(KEEPER), str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
            bufsize=1,
        )
        self._lock = threading.Lock()

    @property
    def keeper_pid(self) -> int:
        """The process that a test may look for, or kill."""
        return self._keeper.pid

    def run(
        self,
        name: str,
        argv: Sequence[str | Path],
        env: Mapping[str, str],
        *,
        end_signal: int,
        user: tuple[int, int] | None = None,
    ) -> int:
        """Start a server, its output going to `<name>.log` in the folder; returns its process id.

        `user` is a user id and a group id to change to.
        """
        answer = self._order(
            do="run",
            name=name,
            argv=[str(part) for part in argv],
            env=dict(env),
            cwd=str(self.path),
            log=str(self.path / f"{name}.log"),
            end_signal=end_signal,
            user=user,
        )
        return int(answer["pid"])

    def at_end(self, argv: Sequence[str | Path]) -> None:
        """Have a command run when the test run is over, however it ends."""
        self._order(do="at_end", argv=[str(part) for part in argv])

    def signal(self, name: str, number: int) -> None:
        """Send a signal to the server, if it still runs."""
        self._order(do="signal", name=name, signal=number)

    def exit_code(self, name: str, within: float = 0) -> int | None:
        """The exit code of the server, or None while it runs."""
        code = self._order(do="wait", name=name, seconds=within)["code"]
        return None if code is None else int(code)

    def wait_until(self, name: str, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready`, and no longer than the server lives."""
        deadline = time.monotonic() + seconds
        while not ready():
            code = self.exit_code(name)
            if code is not None:
                raise StartFailure(f"{name} ended with code {code}\n{self.log_tail(name)}")
            if time.monotonic() > deadline:
                raise StartFailure(f"{name} was not ready after {seconds:.0f} s\n{self.log_tail(name)}")
            time.sleep(0.05)

    def log_tail(self, name: str, lines: int = 30) -> str:
        """The last lines that the server wrote."""
        log = self.path / f"{name}.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""

    def close(self) -> None:
        """End the servers and delete the folder."""
        with self._lock:
            if self._keeper.stdin is not None and not self._keeper.stdin.closed:
                self._keeper.stdin.close()
        self._keeper.wait(30)
        if self._keeper.stdout is not None:
            self._keeper.stdout.close()

    def _order(self, **order: Any) -> dict[str, Any]:
        with self._lock:
            keeper = self._keeper
            if keeper.stdin is None or keeper.stdout is None or keeper.stdin.closed:
                raise StartFailure("the folder of this server is closed")
            keeper.stdin.write(json.dumps(order) + "\n")
            keeper.stdin.flush()
            line = keeper.stdout.readline()
        if not line:
            raise StartFailure("the keeper of this server is gone")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise StartFailure(str(answer["error"]))
        return answer


def clean_environment(*drop: str) -> dict[str, str]:
    """This process's environment without the variables whose names start with one of `drop`."""
    return {name: value for name, value in os.environ.items() if not name.startswith(drop)}
