"""One active relay per service: an advisory lock that vanishes with the process that holds it."""

import fcntl
import hashlib
import time
from pathlib import Path
from typing import IO, Any, Protocol

import psycopg
from sqlalchemy import Engine

from shared.db.engine import NETWORK, NETWORK_OF_SERVER, psycopg_dsn


class SingletonLock(Protocol):
    """Held by at most one process; never waited for."""

    def held(self) -> bool:
        """Whether it is ours now, taking it when it is free."""
        ...

    def close(self) -> None: ...


class FileLock:
    """`flock` on `<database>.<name>`: the kernel releases it when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def held(self) -> bool:
        if self._file is not None:
            return True
        file = self._path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        return True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class AdvisoryLock:
    """A session advisory lock of PostgreSQL on a connection of its own; the session's end releases it."""

    CHECK_SECONDS = 1.0

    def __init__(self, dsn: str, name: str) -> None:
        self._dsn = dsn
        self._key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        self._connection: psycopg.Connection[Any] | None = None
        self._checked = 0.0

    def held(self) -> bool:
        if self._connection is not None:
            if time.monotonic() - self._checked < self.CHECK_SECONDS:
                return True
            try:
                self._connection.execute("SELECT 1")
                self._checked = time.monotonic()
                return True
            except psycopg.Error:
                self.close()
                return False
        try:
            connection = psycopg.connect(self._dsn, autocommit=True, **NETWORK)
        except psycopg.Error:
            return False
        try:
            connection.execute(NETWORK_OF_SERVER)
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (self._key,)).fetchone()
        except psycopg.Error:
            row = None
        if not row or not row[0]:
            connection.close()
            return False
        self._connection, self._checked = connection, time.monotonic()
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def singleton_lock(engine: Engine, name: str) -> SingletonLock:
    """The lock `name` of the service whose database `engine` is."""
    if engine.dialect.name == "sqlite":
        return FileLock(Path(f"{engine.url.database}.{name}"))
    return AdvisoryLock(psycopg_dsn(engine), name)
