"""A fresh clone of this checkout, and commands that run in it as somebody would type them."""

import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded.plan import Ports
from tests.system.documents.commands import ROOT

_QUIET = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
LOCKS = ("requirements.lock", "requirements-dev.lock")


class Checkout:
    """The clone. It borrows the virtual environment of this one: that installing works is shown by CI's own clone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        _git("clone", "--quiet", str(ROOT), str(folder))
        for name in _git("-C", str(ROOT), "ls-files", "-z", "-m", "-o", "--exclude-standard").split("\0"):
            # What is not committed yet is tried as well.
            _overlay(name, folder)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        for lock in LOCKS:
            # Older than the environment: nothing is installed again.
            os.utime(folder / lock, (0, 0))

    def environment(self, more: Mapping[str, str] = {}) -> dict[str, str]:
        """What a terminal of somebody else's would have."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, "PYTHONUNBUFFERED": "1", **more}

    def run(self, command: str, environment: Mapping[str, str] = {}, *, seconds: float = 120) -> str:
        """Run a command to its end; what it printed, when it went well."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}"
        return done.stdout

    @contextmanager
    def running(self, command: str, environment: Mapping[str, str] = {}) -> "Iterator[Running]":
        """Start a command in a terminal of its own; it is killed at the end unless it was stopped before."""
        log = self.folder / f"running-{secrets.token_hex(4)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                # In the shell's place, so that a signal goes to the command; variables may stand before it.
                ["bash", "-c", f"exec env {command}"],
                cwd=self.folder,
                env=self.environment(environment),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            yield Running(process, log)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def changed(self) -> list[str]:
        """Files of the project that differ from what was cloned."""
        return _git("-C", str(self.folder), "status", "--porcelain", "services", "shared").splitlines()


class Running:
    """A command that goes on until Ctrl-C."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process, self._log = process, log

    @property
    def printed(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(errors="replace")

    def wait_for(self, words: str, seconds: float = 90) -> None:
        """Until it printed these words."""
        deadline = time.monotonic() + seconds
        while words not in self.printed:
            assert self._process.poll() is None, f"ended with {self._process.returncode}\n{self.printed}"
            assert time.monotonic() < deadline, f"never said “{words}”\n{self.printed}"
            time.sleep(0.1)

    def press_ctrl_c(self, seconds: float = 40) -> int:
        """What a terminal does: SIGINT to everything in the foreground. The exit code."""
        os.killpg(self._process.pid, signal.SIGINT)
        return self._process.wait(seconds)

    def terminate(self, seconds: float = 40) -> int:
        """What a service manager does. The exit code."""
        self._process.terminate()
        return self._process.wait(seconds)


def free_neighbours() -> int:
    """The first of as many neighbouring ports as a site takes, none of them in use."""
    # Below the kernel's own range, and not where the next test run looks first.
    for first in random.sample(range(15_000, 30_000, Ports.COUNT), 200):
        if all(is_free(port) for port in range(first, first + Ports.COUNT)):
            return first
    raise AssertionError("no free ports beside each other")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _overlay(name: str, folder: Path) -> None:
    source, target = ROOT / name, folder / name
    if not name:
        return
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    else:
        target.unlink(missing_ok=True)


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **_QUIET},
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout
