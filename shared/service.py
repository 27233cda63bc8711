"""A service as its composition root hands it to web, worker and command line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import Engine, MetaData

from shared.auth.links import LinkSigner
from shared.clock import Clock, OffsetClock, SystemClock
from shared.config import KernelSettings, SettingsError
from shared.db.engine import make_engine
from shared.db.transaction import Transactions
from shared.db.wakeup import Notifier, Signal
from shared.messaging.bus import Bus, Manifest
from shared.messaging.codec import Codec, Encoded
from shared.messaging.embedded_bus import EmbeddedBus
from shared.messaging.event import EventRegistry
from shared.messaging.rabbitmq_bus import RabbitMQBus
from shared.messaging.reading import Reader
from shared.messaging.subscriptions import InboxSource, RetryPolicy, Subscriptions, Timer
from shared.observability.metrics import Meter, StoredGauge

if TYPE_CHECKING:
    import click
    import flask
    import flask_smorest

T = TypeVar("T")
Checkpoint = Callable[[str], None]


def no_checkpoint(name: str) -> None:
    """A crash point that does not crash: only tests arm them, through the composition root."""


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """What tests and the embedded mode put in place of the usual; each None or default means the usual."""

    clock: Clock | None = None
    checkpoint: Checkpoint = no_checkpoint
    signal: Signal | None = None
    bus: Callable[["Service"], Bus] | None = None
    policy: RetryPolicy | None = None
    pool_size: int | None = None


@dataclass(frozen=True, kw_only=True)
class Service:
    """Everything one deployable is made of."""

    name: str
    settings: KernelSettings
    clock: Clock
    engine: Engine
    transactions: Transactions
    registry: EventRegistry
    manifest: Manifest
    codec: Codec
    reader: Reader
    policy: RetryPolicy
    signal: Signal
    links: LinkSigner
    metadata: MetaData
    migrations: Path
    checkpoint: Checkpoint
    open_bus: Callable[[], Bus]
    timers: tuple[Timer, ...] = ()
    gauges: tuple[StoredGauge, ...] = ()
    blueprints: "tuple[flask.Blueprint, ...]" = ()
    apis: "tuple[flask_smorest.Blueprint, ...]" = ()
    commands: "tuple[click.Command, ...]" = ()
    gateways: Mapping[type[Any], Any] = field(default_factory=dict)
    seed: Callable[["Service"], None] | None = None
    form_origins: tuple[str, ...] = ()
    forgettable: frozenset[str] = frozenset()
    events_document: Callable[[], Mapping[str, Any]] | None = None
    # Makes this service anew in another process, to which it is sent as a pickle.
    rebuild: "Callable[[], Service] | None" = None

    @property
    def subscriptions(self) -> Subscriptions:
        """What this service does with the events it reads."""
        return self.reader.subscriptions

    @property
    def meter(self) -> Meter:
        """Where this service's work is counted and timed."""
        return self.transactions.meter

    @property
    def sources(self) -> Mapping[str, InboxSource]:
        """Its other inbox sources, by name."""
        return self.reader.sources

    def gateway(self, kind: type[T]) -> T:
        """The gateway of that port."""
        return cast("T", self.gateways[kind])


def compose(
    *,
    name: str,
    settings: KernelSettings,
    registry: EventRegistry,
    manifest: Manifest,
    metadata: MetaData,
    migrations: Path,
    subscriptions: Subscriptions,
    sources: Sequence[InboxSource] = (),
    overrides: Overrides = Overrides(),
    **parts: Any,
) -> Service:
    """Build a service: `parts` are the remaining fields of `Service` (timers, blueprints, gateways, …)."""
    clock = overrides.clock or _clock(settings)
    pool = overrides.pool_size or max(settings.web_threads, settings.task_threads + 4)
    engine = make_engine(settings.database_url, pool_size=pool)
    codec = Codec(registry)
    signal = overrides.signal or Signal()
    notifier = Notifier(engine)

    def encode(
        event: Any, *, message_id: Any, time: Any, correlation_id: str, causation_id: str | None
    ) -> Encoded:
        return codec.encode(
            event,
            message_id=message_id,
            time=time,
            correlation_id=correlation_id,
            causation_id=causation_id,
            source=f"/{name}",
            sequence=getattr(event, "revision", None),
        )

    def wake() -> None:
        signal.set()
        notifier.notify()

    def open_bus() -> Bus:
        if overrides.bus is not None:
            return overrides.bus(service)
        return _bus(service)

    service = Service(
        name=name,
        settings=settings,
        clock=clock,
        engine=engine,
        transactions=Transactions(
            engine, encode, clock, on_commit=wake, checkpoint=overrides.checkpoint, meter=Meter(name)
        ),
        registry=registry,
        manifest=manifest,
        codec=codec,
        reader=Reader(codec=codec, subscriptions=subscriptions, sources={s.name: s for s in sources}),
        policy=overrides.policy or RetryPolicy(steps=tuple(float(step) for step in settings.retry_seconds)),
        signal=signal,
        links=LinkSigner(settings.link_keys),
        metadata=metadata,
        migrations=migrations,
        checkpoint=overrides.checkpoint,
        open_bus=open_bus,
        **parts,
    )
    return service


def _clock(settings: KernelSettings) -> Clock:
    return OffsetClock(settings.clock_offset_file) if settings.clock_offset_file else SystemClock()


def _bus(service: Service) -> Bus:
    settings = service.settings
    if settings.amqp_url:
        return RabbitMQBus(
            settings.amqp_url,
            service.manifest,
            service=service.name,
            management_url=settings.amqp_management_url,
            may_declare=settings.amqp_topology == "declare",
        )
    missing = sorted(set(service.manifest.subscriptions) - set(settings.database_files))
    if missing:
        raise SettingsError(
            {
                "EMBEDDED_DATABASES": [
                    f"names no database for {', '.join(missing)}; without AMQP_URL the embedded bus needs all."
                ]
            }
        )
    return EmbeddedBus(
        settings.database_files, service.manifest, delivered=service.signal.set, checkpoint=service.checkpoint
    )
