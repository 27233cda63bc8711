"""Which requests were done already: one row per idempotency key, written in the transaction of the effect.

Whoever asks twice with one key gets one effect and the same answer. The table's primary key is what promises
that; the advisory lock only tells a second request early that the first is still at work.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    delete,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import idempotency_key
from shared.db.moment import moment
from shared.db.transaction import Transactions

HOURS = 24
_BATCH = 1000

Outcome = Literal["done", "refused"]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is known of a request that was decided."""

    fingerprint: str
    outcome: Outcome
    answer: str


class StillRunning(Exception):
    """The first request with this key is not decided yet."""


class Overtaken(Exception):
    """Another request with this key was decided while this one worked: roll back and take its answer."""


def claim(connection: Connection, request_id: str) -> Kept | None:
    """What was decided before; None when this transaction is the first. Raises `StillRunning`.

    On SQLite a writing transaction is alone, so that nobody can be found at work.
    """
    on_postgresql = connection.dialect.name == "postgresql"
    values = {"request_id": request_id} | ({"number": _number(request_id)} if on_postgresql else {})
    row = connection.execute(_LOOK_ON_POSTGRESQL if on_postgresql else _LOOK_ON_SQLITE, values).one()
    if row.fingerprint is not None:
        return Kept(fingerprint=row.fingerprint, outcome=row.outcome, answer=row.answer)
    if not row.alone:
        raise StillRunning
    return None


def keep(connection: Connection, request_id: str, kept: Kept) -> None:
    """Decide the request, in the transaction of its effect. Raises `Overtaken`."""
    if not _insert(connection, request_id, kept):
        raise Overtaken


def keep_refusal(transactions: Transactions, request_id: str, kept: Kept) -> Kept:
    """Decide the request after its transaction was rolled back; gives what was decided meanwhile, if anything."""
    with write_connection(transactions.engine) as connection:
        if _insert(connection, request_id, kept):
            return kept
    return found(transactions, request_id) or kept


def found(transactions: Transactions, request_id: str) -> Kept | None:
    """What was decided."""
    table = idempotency_key.c
    with read_connection(transactions.engine) as connection:
        row = connection.execute(
            select(table.fingerprint, table.outcome, table.answer).where(table.id == request_id)
        ).one_or_none()
    return None if row is None else Kept(**row._mapping)


def forget(transactions: Transactions) -> int:
    """Delete what is older than a day."""
    old = moment(-timedelta(hours=HOURS).total_seconds())
    total = 0
    while True:
        with write_connection(transactions.engine) as connection:
            ids = select(idempotency_key.c.id).where(idempotency_key.c.created_at < old).limit(_BATCH)
            gone = connection.execute(delete(idempotency_key).where(idempotency_key.c.id.in_(ids))).rowcount
        total += gone
        if gone < _BATCH:
            return total


def _insert(connection: Connection, request_id: str, kept: Kept) -> bool:
    on_postgresql = connection.dialect.name == "postgresql"
    statement = (_ON_POSTGRESQL if on_postgresql else _ON_SQLITE).returning(idempotency_key.c.id)
    values = {"id": request_id, **vars(kept)}
    return connection.execute(statement, values).one_or_none() is not None


def _new(statement: Insert) -> Insert:
    # Like leases, keys age in real time and by the database's clock, whatever the business clock says.
    return statement.values(created_at=moment())


_ON_POSTGRESQL = _new(postgresql.insert(idempotency_key).on_conflict_do_nothing())
_ON_SQLITE = _new(sqlite.insert(idempotency_key).on_conflict_do_nothing())


def _look(alone: ColumnElement[bool]) -> Select[Any]:
    # One statement for lock and look, and built only once: it is on the busiest writing path.
    anything = select(literal(1).label("one")).subquery()
    table = idempotency_key.c
    return select(alone.label("alone"), table.fingerprint, table.outcome, table.answer).select_from(
        anything.outerjoin(idempotency_key, table.id == bindparam("request_id"))
    )


_LOOK_ON_POSTGRESQL = _look(
    func.pg_try_advisory_xact_lock(bindparam("number", type_=BigInteger), type_=Boolean)
)
_LOOK_ON_SQLITE = _look(true())


def _number(request_id: str) -> int:
    return int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:8], "big", signed=True)
