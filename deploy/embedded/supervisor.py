"""Starts processes, watches them, starts them again, and stops them together."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process to keep running: `environment` is added to ours."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class Supervisor:
    """Keeps programs running until told to stop. Their output goes to `<logs>/<name>.log`."""

    STOP_SECONDS = 25.0
    STEADY_SECONDS = 10.0
    """Who ran for so long did not fail at its start."""

    def __init__(self, programs: Sequence[Program], logs: Path) -> None:
        self._programs = {program.name: program for program in programs}
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._due: dict[str, float] = {}
        self._stopping = threading.Event()
        self._all_ended = threading.Event()
        self._guard = threading.Lock()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self.restarts = 0

    def start(self) -> None:
        """Start everything; returns at once."""
        self._logs.mkdir(parents=True, exist_ok=True)
        for name in self._programs:
            self._launch(name)
        self._watcher.start()

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """The present process of a program."""
        with self._guard:
            return self._running[name]

    def kill(self, name: str) -> None:
        """SIGKILL one program and what it started; it comes back."""
        process = self.process(name)
        _signal_group(process, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """SIGTERM all, wait for their work in hand, SIGKILL who does not end."""
        self._stopping.set()
        with self._guard:
            running = list(self._running.values())
        for process in running:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + self.STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal_group(process, signal.SIGKILL)
                process.wait()
        self._all_ended.set()
        if self._watcher.is_alive():
            self._watcher.join()

    def _launch(self, name: str) -> None:
        program = self._programs[name]
        with self._guard, (self._logs / f"{name}.log").open("ab") as file:
            if self._stopping.is_set():
                return
            self._started[name] = time.monotonic()
            self._running[name] = subprocess.Popen(
                list(program.arguments),
                env={**os.environ, **program.environment},
                stdout=file,
                stderr=file,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def _watch(self) -> None:
        while not self._stopping.wait(0.1):
            for name in self._programs:
                process = self.process(name)
                if process.poll() is not None:
                    self._start_again(name, process)
        # The kernel kills a child when the thread that started it ends, not only with the process.
        self._all_ended.wait()

    def _start_again(self, name: str, process: subprocess.Popen[bytes]) -> None:
        if name not in self._due:
            # Who is left of the program still holds its port.
            _signal_group(process, signal.SIGKILL)
            steady = time.monotonic() - self._started[name] > self.STEADY_SECONDS
            self._failures[name] = 0 if steady else self._failures.get(name, 0) + 1
            # A program that fails at every start must not burn the machine.
            self._due[name] = time.monotonic() + min(0.1 * 2 ** min(self._failures[name], 6), 5.0)
        if time.monotonic() >= self._due[name]:
            del self._due[name]
            self.restarts += 1
            self._launch(name)


def _die_with_parent() -> None:
    # When the supervisor itself is killed, nothing may stay behind and hold ports and locks.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
