"""Reads what the services have said from their outboxes, for the demo to print."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, Select, select
from sqlalchemy.exc import SQLAlchemyError

from shared.db.engine import database_away, make_engine, read_connection
from shared.db.kernel_tables import inbox, outbox

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Saying:
    """One published event."""

    service: str
    type: str


class EventWatcher:
    """Gives each event once, in the order in which a service said it."""

    def __init__(self, databases: Mapping[str, str]) -> None:
        self._engines = {name: make_engine(url, pool_size=1) for name, url in databases.items()}
        self._seen = dict.fromkeys(databases, 0)

    def new(self) -> list[Saying]:
        """Events since the last call."""
        found = []
        for name, engine in self._engines.items():
            query = select(outbox.c.seq, outbox.c.type, outbox.c.created_at).order_by(outbox.c.seq)
            rows = _read(engine, query.where(outbox.c.seq > self._seen[name]))
            if rows:
                self._seen[name] = rows[-1].seq
            found += [(row.created_at, Saying(service=name, type=row.type)) for row in rows]
        return [saying for _, saying in sorted(found, key=lambda pair: pair[0])]

    def unhandled(self) -> dict[str, int]:
        """Messages in each inbox that are neither handled nor discarded."""
        counts = {}
        for name, engine in self._engines.items():
            open_ones = inbox.c.state.not_in(["handled", "discarded"])
            counts[name] = len(_read(engine, select(inbox.c.message_id).where(open_ones)))
        return counts

    def unpublished(self) -> dict[str, int]:
        """Messages in each outbox that the bus has not got yet."""
        counts = {}
        for name, engine in self._engines.items():
            counts[name] = len(_read(engine, select(outbox.c.seq).where(outbox.c.published_at.is_(None))))
        return counts

    def close(self) -> None:
        """Let go of the databases."""
        for engine in self._engines.values():
            engine.dispose()


def _read(engine: Engine, query: Select[Any]) -> Sequence[Row[Any]]:
    """The rows; a database that is away for a moment, or came back meanwhile, is asked again."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with read_connection(engine) as connection:
                return connection.execute(query).all()
        except SQLAlchemyError as error:
            if not database_away(error) or time.monotonic() > deadline:
                raise
            engine.dispose()
            time.sleep(0.2)
