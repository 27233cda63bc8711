"""Who wakes the worker: LISTEN/NOTIFY between processes, a condition inside one, a poll behind both.

NOTIFY inside the writers' transactions was measured to cost 40 % of the commits, so that it is sent from a
connection of its own after the commit, at most every few milliseconds per process. It may get lost: the poll
finds the rows.
"""

import threading
import time
from typing import Any

import psycopg
from sqlalchemy import Engine

from shared.db.engine import NETWORK, psycopg_dsn

CHANNEL = "rostrum_work"


class Signal:
    """Wakes every waiter of this process; a wake between two waits is not missed."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0

    def set(self) -> None:
        """Wake everybody who waits."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    @property
    def seen(self) -> int:
        """Pass it to `wait`, read *before* looking for work."""
        return self._count

    def wait(self, seen: int, timeout: float) -> None:
        """Return when `set` was called since `seen` was read, or after `timeout` seconds."""
        with self._condition:
            self._condition.wait_for(lambda: self._count != seen, timeout)


class Notifier:
    """Sends NOTIFY from a thread of its own, started with the first use (after gunicorn's fork)."""

    INTERVAL = 0.003

    def __init__(self, engine: Engine) -> None:
        self._dsn = psycopg_dsn(engine) if engine.dialect.name == "postgresql" else None
        self._due = threading.Event()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    def notify(self) -> None:
        """Ask for a NOTIFY soon; never blocks, never fails."""
        if self._dsn is None:
            return
        if self._thread is None:
            with self._guard:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
                    self._thread.start()
        self._due.set()

    def _run(self) -> None:
        connection: psycopg.Connection[Any] | None = None
        while True:
            self._due.wait()
            self._due.clear()
            try:
                if connection is None or connection.closed:
                    connection = psycopg.connect(self._dsn or "", autocommit=True, **NETWORK)
                connection.execute(f"NOTIFY {CHANNEL}")
            except psycopg.Error:
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(0.5)
            time.sleep(self.INTERVAL)


class Listener:
    """Turns NOTIFY into a `Signal` of this process; loses nothing because a poll stands behind it."""

    def __init__(self, engine: Engine, signal: Signal) -> None:
        self._dsn = psycopg_dsn(engine)
        self._signal = signal

    def run(self, stopping: threading.Event) -> None:
        """Listen until `stopping`; reconnects."""
        while not stopping.is_set():
            try:
                with psycopg.connect(self._dsn, autocommit=True, **NETWORK) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._signal.set()
                    while not stopping.is_set():
                        for _ in connection.notifies(timeout=1, stop_after=1):
                            self._signal.set()
            except psycopg.Error:
                stopping.wait(1)
