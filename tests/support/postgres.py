"""PostgreSQL for tests: a private cluster from the machine's own binaries, or a server that is given."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from tests.support.process import Port, ServerFolder, StartFailure, clean_environment

OLDEST = 15
START_SECONDS = 60
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres:
    """A server that tests may use: its address, and databases of their own."""

    can_be_killed = False

    def __init__(self, url: str) -> None:
        self._base = make_url(url).set(drivername="postgresql+psycopg")

    def url(self, database: str = "postgres") -> str:
        """The address of one database, as SQLAlchemy reads it."""
        return self._base.set(database=database).render_as_string(hide_password=False)

    def dsn(self, database: str = "postgres") -> str:
        """The same address, as psycopg and psql read it."""
        return _dsn(self._base.set(database=database))

    def create_database(self, name: str | None = None) -> str:
        """Make an empty database, by default with a name nobody else uses; returns the name."""
        name = name or f"rostrum_test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(_dsn(self._base), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, even while somebody is connected to it."""
        with psycopg.connect(_dsn(self._base), autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def accepts(self) -> bool:
        """Whether the server answers queries."""
        try:
            with psycopg.connect(_dsn(self._base), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def stop_immediate(self) -> None:
        """Stop the server at once, as in a crash; only where `can_be_killed`."""
        raise NotImplementedError("this server is not ours to stop")

    def start(self) -> None:
        """Start the server again after `stop_immediate`; returns when it answers."""
        raise NotImplementedError("this server is not ours to start")

    def close(self) -> None:
        """Leave nothing behind. A server that was given stays as it is."""


def _dsn(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def find_postgres_binaries() -> Path | None:
    """The folder of the newest PostgreSQL binaries that are new enough."""
    folders = list(Path("/usr/lib/postgresql").glob("*/bin"))
    folders += [Path(found).resolve().parent for found in (shutil.which("initdb"),) if found]
    usable = {folder: _major_version(folder) for folder in folders if os.access(folder / "postgres", os.X_OK)}
    newest = max(usable, key=lambda folder: usable[folder], default=None)
    return newest if newest is not None and usable[newest] >= OLDEST else None


def _major_version(folder: Path) -> int:
    said = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    ).stdout
    number = re.search(r"(\d+)", said)
    return int(number.group(1)) if number else 0


class PrivatePostgres(Postgres):
    """A PostgreSQL cluster of one test run: own port, own data, gone with the run.

    PostgreSQL refuses to run as root; root runs it as `postgres` (or `nobody`). `start` and the ways to stop
    may alternate; the data stays until `close`.
    """

    can_be_killed = True

    def __init__(self) -> None:
        binaries = find_postgres_binaries()
        if binaries is None:
            raise StartFailure(f"no PostgreSQL binaries of version {OLDEST} or newer on this machine")
        self._binaries = binaries
        self._user = _unprivileged_user()
        self._port = Port()
        self._folder = ServerFolder("postgres")
        self.pid: int | None = None
        super().__init__(f"postgresql://rostrum@127.0.0.1:{self._port.number}/postgres")
        try:
            self._initialise()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> ServerFolder:
        """Where the cluster keeps its data, its Unix socket and its log, `postgres.log`."""
        return self._folder

    def start(self) -> None:
        """Start the server, the first time or again; returns when it answers."""
        settings = SETTINGS | {
            "port": str(self._port.number),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self._folder.path),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        argv: list[str | Path] = [self._binaries / "postgres", "-D", self._folder.path / "data", *options]
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.pid = self._folder.run(
                "postgres", argv, _environment(), end_signal=signal.SIGQUIT, user=self._user
            )
            try:
                self._folder.wait_until("postgres", self.accepts, START_SECONDS)
                return
            except StartFailure as problem:
                # After a kill -9 the last children of the old server may hold its shared memory for a moment.
                if "shared memory" not in str(problem) or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def stop_immediate(self) -> None:
        """Stop at once without writing anything, as a crash would; recovery follows at the next start."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        """`kill -9` of the postmaster; its children leave by themselves."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop in good order, disconnecting everybody. The data stays."""
        self._end(signal.SIGINT)

    def close(self) -> None:
        """End the server and delete its folder."""
        self._folder.close()
        self._port.close()
        self.pid = None

    def _end(self, number: int) -> None:
        if self.pid is None:
            return
        self._folder.signal("postgres", number)
        if self._folder.exit_code("postgres", within=60) is None:
            raise StartFailure(f"postgres did not end\n{self._folder.log_tail('postgres')}")
        self.pid = None

    def _initialise(self) -> None:
        if self._user is not None:
            os.chown(self._folder.path, *self._user)
        # --no-sync spares only the files of the new, empty cluster: the server itself runs with fsync on.
        options = ["--username=rostrum", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        argv: list[str | Path] = [self._binaries / "initdb", "-D", self._folder.path / "data", *options]
        self._folder.run("initdb", argv, _environment(), end_signal=signal.SIGKILL, user=self._user)
        if self._folder.exit_code("initdb", within=START_SECONDS) != 0:
            raise StartFailure(f"initdb failed\n{self._folder.log_tail('initdb')}")


def _unprivileged_user() -> tuple[int, int] | None:
    """Who runs the server: somebody else when we are root, else ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return user.pw_uid, user.pw_gid
    raise StartFailure("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _environment() -> dict[str, str]:
    return clean_environment("PG") | {"LC_ALL": "C", "LANG": "C"}
