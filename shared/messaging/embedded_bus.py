"""The bus of one machine: publishing inserts a `received` row into each subscriber's inbox file.

The one component that touches another service's file, in embedded mode only. Each file gets a transaction of
its own, by message id, and the outbox row is marked when all are in: a crash in between repeats, and the
inbox removes the repeat.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from sqlalchemy import Engine

from shared.db.engine import make_engine, read_connection, write_connection
from shared.errors import Permanent, Unavailable
from shared.messaging import inbox
from shared.messaging.bus import BusUnavailable, Consumer, Manifest, OutgoingMessage, Publisher
from shared.messaging.failures import failure_of
from shared.messaging.inbox import BUS, new_row
from shared.messaging.references import ids_in
from shared.observability.redaction import describe_error


class EmbeddedBus:
    """Carries messages between the services' SQLite files."""

    def __init__(
        self,
        databases: Mapping[str, str],
        manifest: Manifest,
        *,
        delivered: Callable[[], None] = lambda: None,
        checkpoint: Callable[[str], None] = lambda name: None,
    ) -> None:
        missing = set(manifest.subscriptions) - set(databases)
        if missing:
            raise ValueError(f"EMBEDDED_DATABASES names no database for {', '.join(sorted(missing))}")
        self._engines = {name: make_engine(databases[name], pool_size=1) for name in manifest.subscriptions}
        self._manifest = manifest
        self._delivered = delivered
        self._checkpoint = checkpoint

    def publisher(self) -> Publisher:
        return _EmbeddedPublisher(self._engines, self._manifest, self._delivered, self._checkpoint)

    def consumer(self) -> Consumer | None:
        return None

    def check(self) -> None:
        for name, engine in self._engines.items():
            try:
                # A writing transaction would queue behind whoever writes to that file.
                with read_connection(engine) as connection:
                    connection.exec_driver_sql("SELECT 1")
            except Exception as error:
                raise BusUnavailable(
                    f"the database of {name} cannot be opened: {describe_error(error)}"
                ) from error

    def depths(self) -> Mapping[str, int] | None:
        return None

    def close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()


class _EmbeddedPublisher:
    def __init__(
        self,
        engines: Mapping[str, Engine],
        manifest: Manifest,
        delivered: Callable[[], None],
        checkpoint: Callable[[str], None],
    ) -> None:
        self._engines = engines
        self._manifest = manifest
        self._delivered = delivered
        self._checkpoint = checkpoint

    def publish(self, messages: Sequence[OutgoingMessage]) -> "Future[None]":
        future: Future[None] = Future()
        try:
            self._deliver(messages)
        except Exception as error:
            failure = error if isinstance(error, Unavailable) else BusUnavailable(describe_error(error))
            future.set_exception(failure)
        else:
            future.set_result(None)
            self._delivered()
        return future

    def _deliver(self, messages: Sequence[OutgoingMessage]) -> None:
        correlations: dict[str, str | None] = {}
        references: dict[str, tuple[str, ...]] = {}
        for name, types in self._manifest.subscriptions.items():
            rows, undecodable, stored = [], [], []
            for message in messages:
                if message.type not in types:
                    continue
                stored.append(message.message_id)
                if message.message_id not in references:
                    references[message.message_id] = ids_in(message.body)
                try:
                    payload = message.body.decode()
                except UnicodeDecodeError as error:
                    # No text, so nothing that a reader could be given; it must not hold up the others.
                    undecodable.append((message, failure_of(_NoText(error.reason), None)))
                    continue
                if message.message_id not in correlations:
                    correlations[message.message_id] = _correlation(message.body)
                rows.append(
                    new_row(
                        consumer=BUS,
                        message_id=message.message_id,
                        type=message.type,
                        payload=payload,
                        correlation_id=correlations[message.message_id],
                    )
                )
            if rows or undecodable:
                with write_connection(self._engines[name]) as connection:
                    inbox.store(connection, rows)
                    for message, failure in undecodable:
                        inbox.store_dead(connection, _raw_row(message), failure)
                    inbox.refer(connection, [(one, references[one]) for one in stored])
                self._checkpoint("between_subscribers")

    def close(self) -> None:
        """Nothing is held open between batches."""


class _NoText(Permanent):
    """The body is not UTF-8. The reason quotes no value."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not JSON in UTF-8: {reason}")


def _raw_row(message: OutgoingMessage) -> dict[str, Any]:
    return new_row(
        consumer=BUS,
        message_id=message.message_id,
        type=message.type,
        payload=None,
        correlation_id=None,
        raw=message.body,
    )


# What we write has it before the data, so the first one found is the envelope's.
_find_correlation = re.compile(rb'"correlationid":\s*"([^"\\]{1,500})"').search


def _correlation(body: bytes) -> str | None:
    # Only looked for, not read: its reader decodes the body, the bus carries whatever it is.
    found = _find_correlation(body)
    return found[1].decode(errors="replace") if found else None
