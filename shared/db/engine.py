"""URL → engine, with the habits each database needs (measured; see docs/decisions)."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

NETWORK: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""For every connection to PostgreSQL: a network that vanishes without a word is noticed within 25 seconds.
With the system's own patience a thread waits for a quarter of an hour, or for two hours."""

NETWORK_OF_SERVER = "; ".join(
    f"SET tcp_{name} = {value}"
    for name, value in (
        ("keepalives_idle", 10),
        ("keepalives_interval", 5),
        ("keepalives_count", 3),
        ("user_timeout", 25_000),
    )
)
"""The server has to notice as well: else a machine that is gone keeps its locks for two hours."""

_write_locks: dict[str, threading.Lock] = {}
_write_locks_guard = threading.Lock()


def make_engine(url: str, *, pool_size: int = 8) -> Engine:
    """An engine for SQLite or PostgreSQL.

    Bound values never appear in errors (`hide_parameters`), because they hold personal data. On SQLite a
    transaction begins with BEGIN IMMEDIATE: a plain BEGIN that reads and then writes after another commit
    fails at once, whatever the busy timeout. Readers ask for `execution_options(readonly=True)`.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed,
            hide_parameters=True,
            pool_size=pool_size,
            max_overflow=pool_size,
            connect_args={"timeout": 30, "check_same_thread": False, "cached_statements": 512},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=False,
        pool_recycle=1800,
        pool_timeout=10,
        connect_args={**NETWORK, "application_name": "rostrum"},
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    # Outside a transaction: rolled back, the settings would go with it.
    connection.autocommit = True
    connection.execute(NETWORK_OF_SERVER)
    connection.autocommit = False


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not open transactions by itself: `_begin_sqlite` does, with the right kind.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "cache_size=-16000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    readonly = connection.get_execution_options().get("readonly", False)
    connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")


def write_lock(engine: Engine) -> AbstractContextManager[Any]:
    """A lock per database file inside this process: SQLite's own busy wait sleeps and is unfair."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return nullcontext()
    with _write_locks_guard:
        return _write_locks.setdefault(engine.url.database, threading.Lock())


def psycopg_dsn(engine: Engine) -> str:
    """The engine's address as psycopg itself reads it, for connections that live outside the pool."""
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def write_connection(engine: Engine) -> Iterator[Connection]:
    """One short writing transaction for Core statements; leaving the block commits."""
    with write_lock(engine), engine.begin() as connection:
        yield connection


@contextmanager
def read_connection(engine: Engine) -> Iterator[Connection]:
    """One reading transaction for Core statements."""
    with engine.connect().execution_options(readonly=True) as connection, connection.begin():
        yield connection


def database_away(error: BaseException) -> bool:
    """Whether `error` says that our database cannot be reached now, rather than that a statement is wrong.

    After a server stop the first error says so (`connection_invalidated`), the following ones are plain
    operational errors of a refused connection: both count.
    """
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, OperationalError):
        return not _statement_at_fault(error.orig)
    return isinstance(error, InterfaceError | PoolTimeout)


def _statement_at_fault(original: BaseException | None) -> bool:
    # Both drivers call some statements that can never succeed operational: SQLite what it cannot compile,
    # psycopg what exceeds a limit (class 54). Waiting for them would hold up every other message.
    if isinstance(original, sqlite3.Error):
        return getattr(original, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    return str(getattr(original, "sqlstate", None)).startswith("54")
