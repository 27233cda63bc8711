"""The service that is measured: one handler with an aggregate, a counter and an outgoing event.

Its messages have the size and shape of our real ones (about 600 bytes, ids, a money amount, two seats).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, text
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from shared.config import KernelSettings, load_settings
from shared.db.base import COLUMN_TYPES, new_metadata
from shared.db.engine import write_connection
from shared.db.kernel_tables import KERNEL_METADATA, outbox
from shared.db.transaction import Tx
from shared.ids import new_id
from shared.messaging.bus import Manifest
from shared.messaging.event import Event, EventRegistry
from shared.messaging.subscriptions import Subscriptions, handle, on
from shared.service import Service, compose

REGISTRY = EventRegistry()
AGGREGATES = [new_id() for _ in range(500)]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of what happened."""

    part_id: UUID
    revision: int
    state: str


@REGISTRY.event("thing.happened.v1", publisher="source", aggregate="thing", key="thing_id")
@dataclass(frozen=True, kw_only=True)
class ThingHappened(Event):
    """The measured input."""

    thing_id: UUID
    order_id: UUID
    amount_minor: int
    currency: str
    occurred_at: datetime
    parts: tuple[Part, ...]


@REGISTRY.event("thing.noted.v1", publisher="sink", aggregate="thing", key="thing_id")
@dataclass(frozen=True, kw_only=True)
class ThingNoted(Event):
    """The measured output."""

    thing_id: UUID
    total_minor: int
    noted_at: datetime


class Base(DeclarativeBase):
    """Tables of the measured service."""

    metadata = new_metadata()
    type_annotation_map = COLUMN_TYPES


class Thing(MappedAsDataclass, Base, kw_only=True):
    """The aggregate."""

    __tablename__ = "thing"

    thing_id: Mapped[UUID] = mapped_column(primary_key=True)
    total_minor: Mapped[int] = mapped_column(default=0)
    times: Mapped[int] = mapped_column(default=0)


@dataclass(frozen=True, kw_only=True)
class NoteThing:
    """The command."""

    thing_id: UUID
    amount_minor: int


def note_thing(command: NoteThing, tx: Tx) -> None:
    """A handler as ours are: load for change, change, publish."""
    thing = tx.get_or_add(Thing, command.thing_id, lambda: Thing(thing_id=command.thing_id))
    thing.total_minor += command.amount_minor
    thing.times += 1
    tx.publish(ThingNoted(thing_id=command.thing_id, total_minor=thing.total_minor, noted_at=tx.now()))


MANIFEST = Manifest(subscriptions={"sink": frozenset({ThingHappened.TYPE})})
SINK = Subscriptions(
    on(
        ThingHappened,
        handle(
            lambda e: NoteThing(thing_id=e.thing_id, amount_minor=e.amount_minor),
            note_thing,
            locks=lambda e: (Thing, [e.thing_id]),
        ),
    )
)


def build(name: str, environment: dict[str, str], subscriptions: Subscriptions) -> Service:
    """A service with the kernel's tables and its own, without migrations."""
    settings = load_settings(KernelSettings, {"ROSTRUM_MODE": "sandbox", **environment})
    service = compose(
        name=name,
        settings=settings,
        registry=REGISTRY,
        manifest=MANIFEST,
        metadata=Base.metadata,
        migrations=Path(),
        subscriptions=subscriptions,
    )
    KERNEL_METADATA.create_all(service.engine)
    Base.metadata.create_all(service.engine)
    return service


def an_event(n: int) -> ThingHappened:
    """The n-th input."""
    return ThingHappened(
        thing_id=AGGREGATES[n % len(AGGREGATES)],
        order_id=new_id(),
        amount_minor=100 + n % 7,
        currency="EUR",
        occurred_at=datetime.now(UTC),
        parts=(
            Part(part_id=new_id(), revision=n, state="covered"),
            Part(part_id=new_id(), revision=n, state="frozen"),
        ),
    )


def bodies(service: Service, count: int) -> list[tuple[str, bytes]]:
    """(message id, body) of `count` inputs as they travel."""
    made = []
    for n in range(count):
        message_id = str(new_id())
        encoded = service.codec.encode(
            an_event(n),
            message_id=message_id,
            time=datetime.now(UTC),
            correlation_id=str(new_id()),
            causation_id=None,
            source="/source",
            sequence=None,
        )
        made.append((message_id, encoded.body.encode()))
    return made


def fill_outbox(service: Service, messages: Sequence[tuple[str, bytes]]) -> None:
    """Put messages into the outbox as unpublished."""
    rows: list[dict[str, Any]] = [
        {
            "id": UUID(message_id),
            "aggregatetype": "thing",
            "aggregateid": "x",
            "aggregate_version": None,
            "type": ThingHappened.TYPE,
            "payload": body.decode(),
            "redacted": None,
            "headers": "{}",
            "created_at": datetime.now(UTC),
            "published_at": None,
        }
        for message_id, body in messages
    ]
    with write_connection(service.engine) as connection:
        if connection.dialect.name == "postgresql":
            # DELETE would leave the rows of earlier rounds at the head of the index that is measured.
            connection.execute(text("TRUNCATE outbox"))
        else:
            connection.execute(delete(outbox))
        for start in range(0, len(rows), 1000):
            connection.execute(insert(outbox), rows[start : start + 1000])
