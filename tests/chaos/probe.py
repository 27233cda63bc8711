"""Notes every effect of a message in the transaction of that effect.

Rostrum's handlers end in the same state however often they run: behind the inbox there are revisions, keys and
look-ups. So a message that took effect twice might not show in any business table. This table counts: a row
for every time a handler's or a task's last transaction committed.
"""

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Column, Engine, Integer, MetaData, Table, Text, insert

from shared.db.transaction import Tx
from shared.messaging.subscriptions import Handler, InboxSource, Reaction, Subscriptions, Task
from shared.messaging.tasks import Work
from shared.service import Service

METADATA = MetaData()
EFFECT = Table(
    "chaos_effect",
    METADATA,
    Column("message_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("pid", Integer, nullable=False),
)


def prepare(engine: Engine) -> None:
    """Make the table."""
    METADATA.create_all(engine)


def watched(service: Service) -> Service:
    """The same service, each of its reactions followed by its note."""
    reader = service.reader
    sources = {name: _source(source) for name, source in reader.sources.items()}
    table = Subscriptions(*_rows(reader.subscriptions))
    rebuild = service.rebuild
    return dataclasses.replace(
        service,
        reader=dataclasses.replace(reader, subscriptions=table, sources=sources),
        rebuild=None if rebuild is None else partial(_rebuilt, rebuild),
    )


def _rebuilt(rebuild: Callable[[], Service]) -> Service:
    """The same in the process in which a suspect is tried alone."""
    return watched(rebuild())


def _source(source: InboxSource) -> InboxSource:
    return dataclasses.replace(source, subscriptions=dict(_rows(source.subscriptions)))


def _rows(table: Mapping[str, Reaction]) -> Iterator[tuple[str, Reaction]]:
    for event_type, reaction in table.items():
        if isinstance(reaction, Handler):
            yield event_type, dataclasses.replace(reaction, react=_noted(event_type, reaction.react))
        else:
            yield event_type, Task(name=reaction.name, perform=_performed(event_type, reaction.perform))


def _note(event_type: str, tx: Tx) -> None:
    row = {"message_id": tx.causation, "type": event_type, "pid": os.getpid()}
    tx.session.connection().execute(insert(EFFECT), [row])


def _noted(event_type: str, react: Callable[[Any, Tx], None]) -> Callable[[Any, Tx], None]:
    def react_and_note(event: Any, tx: Tx) -> None:
        react(event, tx)
        _note(event_type, tx)

    return react_and_note


def _performed(event_type: str, perform: Callable[[Any, Work], None]) -> Callable[[Any, Work], None]:
    def perform_and_note(event: Any, work: Work) -> None:
        watched_work: Any = _WatchedWork(work, event_type)
        perform(event, watched_work)
        if not work.completed:
            with watched_work.completion():
                pass

    return perform_and_note


class _WatchedWork:
    """A task's work whose last transaction holds the note as well."""

    def __init__(self, work: Work, event_type: str) -> None:
        self._work = work
        self._event_type = event_type

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)

    @contextmanager
    def completion(self) -> Iterator[Tx]:
        """See `Work.completion`."""
        with self._work.completion() as tx:
            yield tx
            _note(self._event_type, tx)
