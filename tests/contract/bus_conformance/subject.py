"""The services that the bus conformance suite runs: `source` sends parcels, `left` and `right` count them.

A count is an effect that shows when it happens twice. What goes wrong is written in the event itself
(`trick`), so that a worker in another process does the same.
"""

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from shared.config import KernelSettings, load_settings
from shared.db.base import COLUMN_TYPES, new_metadata
from shared.db.transaction import Tx
from shared.errors import Permanent, Unavailable
from shared.messaging.bus import Bus, Manifest
from shared.messaging.embedded_bus import EmbeddedBus
from shared.messaging.event import Event, EventRegistry
from shared.messaging.rabbitmq_bus import RabbitMQBus
from shared.messaging.subscriptions import RetryPolicy, Subscriptions, handle, on, run
from shared.messaging.tasks import Work
from shared.service import Checkpoint, Overrides, Service, compose, no_checkpoint

REGISTRY = EventRegistry()
NAMES = ("source", "left", "right")
SLOW_SECONDS = 2.0
QUICK = RetryPolicy(steps=(0.1, 0.1, 0.1))


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Personal data."""

    name: str


@REGISTRY.event("parcel.sent.v1", publisher="source", aggregate="parcel", key="parcel_id")
@dataclass(frozen=True, kw_only=True)
class ParcelSent(Event):
    """Counted by left and right."""

    parcel_id: UUID
    number: int
    trick: str
    note: str
    person: Sender | None
    shelf_id: str | None = None
    """An id that is no UUID, as nobody's in the contracts is."""


@REGISTRY.event("errand.wanted.v1", publisher="source", aggregate="parcel", key="parcel_id")
@dataclass(frozen=True, kw_only=True)
class ErrandWanted(Event):
    """Starts a task of left."""

    parcel_id: UUID
    number: int
    trick: str


@REGISTRY.event("postcard.written.v1", publisher="source", aggregate="parcel", key="parcel_id")
@dataclass(frozen=True, kw_only=True)
class PostcardWritten(Event):
    """Read by nobody."""

    parcel_id: UUID


MANIFEST = Manifest(
    subscriptions={
        "left": frozenset({ParcelSent.TYPE, ErrandWanted.TYPE}),
        "right": frozenset({ParcelSent.TYPE}),
    }
)


class Base(DeclarativeBase):
    """Tables of the counting services."""

    metadata = new_metadata()
    type_annotation_map = COLUMN_TYPES


class Count(MappedAsDataclass, Base, kw_only=True):
    """How often a parcel was counted, and in which order its numbers came."""

    __tablename__ = "parcel_count"

    parcel_id: Mapped[UUID] = mapped_column(primary_key=True)
    times: Mapped[int] = mapped_column(default=0)
    numbers: Mapped[str] = mapped_column(default="")


Trick = Callable[[int], None]


@dataclass(kw_only=True)
class Tricks:
    """What goes wrong, by name; `attempts` remembers when each number was tried."""

    by_name: dict[str, Trick] = field(default_factory=dict)
    attempts: list[tuple[int, float]] = field(default_factory=list)

    def play(self, name: str, number: int) -> None:
        """Do what the event says."""
        self.attempts.append((number, time.monotonic()))
        if name in self.by_name:
            self.by_name[name](number)
        elif name:
            _ALWAYS[name](number)

    def times_of(self, number: int) -> list[float]:
        """When this number was tried."""
        return [at for tried, at in self.attempts if tried == number]


def _fail(number: int) -> None:
    raise RuntimeError(f"parcel {number} is broken")


def _refuse(number: int) -> None:
    raise Permanent(f"parcel {number} is forbidden")


def _away(number: int) -> None:
    raise Unavailable("the scale is away")


def _slow(number: int) -> None:
    time.sleep(SLOW_SECONDS)


def _kill(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


_ALWAYS: Mapping[str, Trick] = {"fail": _fail, "refuse": _refuse, "away": _away, "slow": _slow, "kill": _kill}


def _subscriptions(name: str, tricks: Tricks) -> Subscriptions:
    def count_parcel(command: ParcelSent, tx: Tx) -> None:
        tricks.play(command.trick, command.number)
        count = tx.get_or_add(Count, command.parcel_id, lambda: Count(parcel_id=command.parcel_id))
        count.times += 1
        count.numbers += f"{command.number},"

    def run_errand(event: ErrandWanted, work: Work) -> None:
        tricks.play(event.trick, event.number)
        with work.completion() as tx:
            count = tx.get_or_add(Count, event.parcel_id, lambda: Count(parcel_id=event.parcel_id))
            count.times += 1

    counting = on(ParcelSent, handle(lambda e: e, count_parcel, locks=lambda e: (Count, [e.parcel_id])))
    return {
        "source": Subscriptions(),
        "left": Subscriptions(counting, on(ErrandWanted, run(run_errand))),
        "right": Subscriptions(counting),
    }[name]


@dataclass(frozen=True)
class Place:
    """Where one site lives: a database per service, and the broker's address or None for the embedded bus."""

    databases: Mapping[str, str]
    amqp_url: str | None

    def open_bus(self, service: Service, manifest: Manifest = MANIFEST) -> Bus:
        """The bus as one service uses it, quick to connect again."""
        if self.amqp_url is not None:
            return RabbitMQBus(
                self.amqp_url, manifest, service=service.name, reconnect_min=0.1, reconnect_max=0.5
            )
        return EmbeddedBus(
            {name: self.databases[name] for name in manifest.subscriptions},
            manifest,
            delivered=service.signal.set,
            checkpoint=service.checkpoint,
        )

    def compose(
        self,
        name: str,
        *,
        tricks: Tricks | None = None,
        policy: RetryPolicy = QUICK,
        lease_seconds: float = 60,
        checkpoint: Checkpoint = no_checkpoint,
        isolates: bool = True,
    ) -> Service:
        """One service of the site."""
        settings = load_settings(
            KernelSettings,
            {
                "ROSTRUM_MODE": "sandbox",
                "DATABASE_URL": self.databases[name],
                "LEASE_SECONDS": str(lease_seconds),
                "TASK_THREADS": "1",
            },
        )
        return compose(
            name=name,
            settings=settings,
            registry=REGISTRY,
            manifest=MANIFEST,
            metadata=Base.metadata,
            migrations=Path(),
            subscriptions=_subscriptions(name, tricks or Tricks()),
            overrides=Overrides(policy=policy, checkpoint=checkpoint, bus=self.open_bus),
            rebuild=partial(self.compose, name, policy=policy, lease_seconds=lease_seconds)
            if isolates
            else None,
        )
