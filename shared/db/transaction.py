"""The transaction edge: the one place that commits.

A view, a message or a timer opens `Transactions.begin()`; what it changes and what it says (`publish`)
commit together or not at all. Nothing inside may wait for the network.
"""

import json.encoder
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, Protocol, TypeVar, cast

from prometheus_client import Histogram
from sqlalchemy import Connection, Engine, Select, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shared.clock import Clock
from shared.db.bulk import ManyRows
from shared.db.engine import write_lock
from shared.db.kernel_tables import message_reference, outbox
from shared.db.many import one_of
from shared.ids import new_id
from shared.observability.context import correlation_id
from shared.observability.metrics import Meter
from shared.observability.trail import Trail

T = TypeVar("T")

_quote = json.encoder.encode_basestring_ascii

_SAY = ManyRows(
    lambda dialect: dialect.insert(outbox),
    (
        "id",
        "aggregatetype",
        "aggregateid",
        "aggregate_version",
        "type",
        "payload",
        "redacted",
        "headers",
        "created_at",
    ),
)
REFER = ManyRows(
    lambda dialect: dialect.insert(message_reference).on_conflict_do_nothing(), ("message_id", "reference")
)
"""Makes messages findable: rows of (message id, business id); what is known already is left alone."""


class Encoded(Protocol):
    """An event ready for the outbox."""

    @property
    def body(self) -> str: ...
    @property
    def redacted(self) -> str | None: ...
    @property
    def references(self) -> tuple[str, ...]: ...


class Encoder(Protocol):
    """Turns an event into its body; given by the composition root, so that the database knows no bus."""

    def __call__(
        self, event: Any, *, message_id: str, time: datetime, correlation_id: str, causation_id: str | None
    ) -> Encoded: ...


class Tx:
    """One transaction: the session, what it says, and the business clock. Only its edge commits."""

    def __init__(
        self,
        session: Session,
        encode: Encoder,
        clock: Clock,
        *,
        correlation: str,
        causation: str | None,
        meter: Meter,
    ) -> None:
        self.session = session
        self.clock = clock
        self.meter = meter
        self.correlation = correlation
        self.causation = causation
        self._encode = encode
        self._sayings: list[tuple[Any, ...]] = []
        self._references: list[tuple[str, str]] = []
        self._said: list[tuple[str, str, tuple[str, ...], str, str | None]] = []
        self._locked: dict[tuple[type[Any], Any], Any] = {}
        self._afterwards: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """The present moment of business time."""
        return self.clock.now()

    def publish(self, event: Any) -> None:
        """Say `event` when this transaction commits: its row in the outbox is part of it."""
        new, now = new_id(), self.clock.now()
        message_id = str(new)
        encoded = self._encode(
            event,
            message_id=message_id,
            time=now,
            correlation_id=self.correlation,
            causation_id=self.causation,
        )
        self._sayings.append(
            (
                new,
                event.AGGREGATE,
                str(event.aggregate_id),
                getattr(event, "revision", None),
                event.TYPE,
                encoded.body,
                encoded.redacted,
                f'{{"correlation_id": {_json(self.correlation)}, "causation_id": {_json(self.causation)}}}',
                now,
            )
        )
        self.refer(message_id, encoded.references)
        self._said.append((message_id, event.TYPE, encoded.references, self.correlation, self.causation))

    def refer(self, message_id: str, references: Iterable[str]) -> None:
        """Make a message that is handled here findable by the business ids in it."""
        self._references += [(message_id, reference) for reference in references]

    def after_commit(self, act: Callable[[], None]) -> None:
        """Do this once the transaction has committed, such as counting what it did; never when it is undone."""
        self._afterwards.append(act)

    def observe(self, histogram: Histogram, since: datetime) -> None:
        """Once this has committed, count how long ago `since` was by the business clock."""
        seconds = max(0.0, (self.now() - since).total_seconds())
        self.after_commit(lambda: histogram.labels(self.meter.service).observe(seconds))

    def said(self) -> Iterator[dict[str, Any]]:
        """What it has said, for the log: ids and types."""
        names = ("message_id", "event_type", "references", "correlation_id", "causation_id")
        return (dict(zip(names, each, strict=True)) for each in self._said)

    @property
    def says_something(self) -> bool:
        """Whether the relay has something to do once this commits."""
        return bool(self._sayings)

    def add(self, entity: object) -> None:
        """A new row of an aggregate."""
        self.session.add(entity)
        self._locked[type(entity), _key_of(entity)] = entity

    def lock_ahead(self, entity: type[Any], keys: Collection[Any]) -> None:
        """Read and lock many rows in one SELECT, by their keys' order (no deadlocks); remembers which are absent."""
        wanted = set(keys)
        rows = self.session.scalars(_rows_for_update(cast("Any", entity)), {"keys": wanted}).all()
        self._locked.update({(entity, key): None for key in wanted})
        self._locked.update({(entity, _key_of(row)): row for row in rows})

    def get_for_update(self, entity: type[T], key: Any) -> T | None:
        """The row, locked until the transaction ends; None where there is none."""
        if (entity, key) in self._locked:
            return cast("T | None", self._locked[entity, key])
        row = self.session.get(entity, key, with_for_update=True, populate_existing=True)
        if row is not None:
            self._locked[entity, key] = row
        return row

    def get_or_add(self, entity: type[T], key: Any, make: Callable[[], T]) -> T:
        """The locked row, made first where whoever comes first makes it.

        Rows locked ahead and known to be absent are added with the one flush of the batch; a race on the
        key then fails that batch, which is redone message by message through the statement below.
        """
        known = (entity, key) in self._locked
        row = self.get_for_update(entity, key)
        if row is not None:
            return row
        fresh = make()
        if known:
            self.add(fresh)
            return fresh
        mapper: Any = inspect(entity)
        values = {column.key: getattr(fresh, column.key) for column in mapper.column_attrs}
        self.session.execute(insert_new(self.session.connection(), entity).values(values))
        found = self.get_for_update(entity, key)
        assert found is not None
        return found

    def flush(self) -> None:
        """Send changes to the database now: only when a constraint or a following query needs them."""
        self.session.flush()

    def finish(self) -> None:
        """Flush the changes and write the outbox: the last statements before the commit. For the edge only."""
        self.session.flush()
        if self._sayings or self._references:
            connection = self.session.connection()
            _SAY.run(connection, self._sayings)
            REFER.run(connection, self._references)

    def committed(self) -> None:
        """Do what was put off until now. For the edge only."""
        for act in self._afterwards:
            act()


def insert_new(connection: Connection, table: Any) -> Any:
    """INSERT … ON CONFLICT DO NOTHING in the connection's dialect; `table` may be an entity."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


@cache
def _rows_for_update(entity: Any) -> "Select[Any]":
    column = inspect(entity).primary_key[0]
    return (
        select(entity)
        .where(one_of(column, "keys"))
        .order_by(column)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _json(text: str | None) -> str:
    return "null" if text is None else _quote(text)


def _key_of(entity: object) -> Any:
    mapper: Any = inspect(type(entity))
    return mapper.primary_key_from_instance(entity)[0]


class Transactions:
    """Opens transactions on one service's database."""

    def __init__(
        self,
        engine: Engine,
        encode: Encoder,
        clock: Clock,
        *,
        on_commit: Callable[[], None] = lambda: None,
        checkpoint: Callable[[str], None] = lambda name: None,
        meter: Meter | None = None,
    ) -> None:
        self.engine = engine
        self.clock = clock
        self.meter = meter or Meter("")
        self.trail = Trail(self.meter.service)
        self._encode = encode
        self._on_commit = on_commit
        self._checkpoint = checkpoint

    @contextmanager
    def begin(self, *, correlation: str | None = None, causation: str | None = None) -> Iterator[Tx]:
        """A writing transaction: leaving the block commits, an error rolls back."""
        with (
            write_lock(self.engine),
            Session(self.engine, expire_on_commit=False, autoflush=False) as session,
        ):
            with session.begin():
                tx = Tx(
                    session,
                    self._encode,
                    self.clock,
                    correlation=correlation or correlation_id(),
                    causation=causation,
                    meter=self.meter,
                )
                yield tx
                tx.finish()
                self._checkpoint("before_commit")
        tx.committed()
        if tx.says_something:
            self.trail.tell("message_said", tx.said())
            self._checkpoint("after_commit_before_publish")
            self._on_commit()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A reading transaction; nothing it changes is kept."""
        with Session(self.engine.execution_options(readonly=True), expire_on_commit=False) as session:
            yield session

    def wake(self) -> None:
        """Tell the worker that there is something to do."""
        self._on_commit()
