"""A process that owns the servers of one test run and ends them, whatever happens to the run.

A server must not outlive its test run, even when the run is ended by `kill -9`. So servers are not children
of pytest but of this small keeper: it reads orders from its standard input, one JSON document per line, and
takes the end of that input, or a new parent, as the end of the run. Then it ends its servers and deletes
their folder. Should the keeper itself be killed, the kernel ends the servers, because each asked for a signal
on its parent's death. The keeper has one thread, since that signal follows the death of the *thread* that started
the child.

Run by path, with the folder to delete as the only argument; it imports nothing of the project.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Server:
    """A child and the signal that ends it at once without harm to anybody else."""

    process: subprocess.Popen[bytes]
    end_signal: int


def die_with_parent(end_signal: int) -> Callable[[], None]:
    """What a child runs between fork and exec: ask the kernel for `end_signal` when the keeper dies."""
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def ask() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, end_signal)

    return ask


class Keeper:
    """Carries out the orders."""

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}
        self._farewells: list[list[str]] = []

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order; the answer goes back as one line."""
        match order["do"]:
            case "run":
                return self._run(order)
            case "signal":
                return self._signal(order["name"], int(order["signal"]))
            case "wait":
                return self._wait(order["name"], float(order["seconds"]))
            case "at_end":
                self._farewells.append(order["argv"])
                return {}
            case other:
                return {"error": f"unknown order {other!r}"}

    def _run(self, order: dict[str, Any]) -> dict[str, Any]:
        end_signal = int(order["end_signal"])
        uid, gid = order["user"] or (None, None)
        with Path(order["log"]).open("ab") as log:
            process = subprocess.Popen(
                order["argv"],
                env=order["env"],
                cwd=order["cwd"],
                user=uid,
                group=gid,
                extra_groups=None if gid is None else [],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # This process has one thread, so that nothing can hold a lock across the fork.
                preexec_fn=die_with_parent(end_signal),
            )
        self._servers[order["name"]] = Server(process, end_signal)
        return {"pid": process.pid}

    def _signal(self, name: str, number: int) -> dict[str, Any]:
        process = self._servers[name].process
        if process.poll() is None:
            process.send_signal(number)
        return {}

    def _wait(self, name: str, seconds: float) -> dict[str, Any]:
        try:
            return {"code": self._servers[name].process.wait(seconds)}
        except subprocess.TimeoutExpired:
            return {"code": None}

    def end(self) -> None:
        """End every server, the youngest first, until it is gone; then run what was asked for the end."""
        for server in reversed(self._servers.values()):
            if server.process.poll() is None:
                server.process.send_signal(server.end_signal)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    server.process.wait(10)
            # The session of the child holds its helpers; none of them may stay.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()
        for argv in self._farewells:
            quiet = subprocess.DEVNULL
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(argv, stdin=quiet, stdout=quiet, stderr=quiet, timeout=120, check=False)


def orders(parent: int) -> Iterator[dict[str, Any]]:
    """The orders, until the input ends or the parent is gone.

    The input alone would not do: a child that the test run forked may hold the other end open.
    """
    buffer = b""
    while os.getppid() == parent:
        ready, _, _ = select.select([0], [], [], 0.5)
        if not ready:
            continue
        chunk = os.read(0, 65536)
        if not chunk:
            return
        buffer += chunk
        while b"\n" in buffer:
            line, buffer = buffer.split(b"\n", 1)
            yield json.loads(line)


def main() -> None:
    """Serve one test run."""
    folder = Path(sys.argv[1])
    keeper = Keeper()
    # A polite end takes the same way out as the end of the input.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        for order in orders(os.getppid()):
            try:
                answer = keeper.obey(order)
            except (OSError, KeyError) as problem:
                answer = {"error": f"{type(problem).__name__}: {problem}"}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads the answers any more: the run is over.
        pass
    finally:
        keeper.end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
