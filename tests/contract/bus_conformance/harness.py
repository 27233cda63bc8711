"""A site of three services on one kind of bus, for the conformance suite: start, say, look, break, mend."""

import contextlib
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select

from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import KERNEL_METADATA, inbox, outbox
from shared.ids import new_id
from shared.messaging.bus import Bus, BusUnavailable, Manifest, OutgoingMessage
from shared.messaging.event import Event
from shared.messaging.subscriptions import RetryPolicy
from shared.service import Service
from shared.worker import Worker
from tests.contract.bus_conformance.process import spawn
from tests.contract.bus_conformance.subject import (
    MANIFEST,
    NAMES,
    QUICK,
    Base,
    Count,
    ParcelSent,
    Place,
    Sender,
    Tricks,
)
from tests.support.postgres import Postgres
from tests.support.rabbitmq import RabbitMQ


def parcel(
    number: int = 1,
    *,
    trick: str = "",
    parcel_id: UUID | None = None,
    note: str = "",
    person: str | None = None,
) -> ParcelSent:
    """One event of the suite."""
    return ParcelSent(
        parcel_id=parcel_id or new_id(),
        number=number,
        trick=trick,
        note=note,
        person=Sender(name=person) if person else None,
    )


def parcels(count: int) -> list[ParcelSent]:
    """Several, each with a number of its own."""
    return [parcel(number) for number in range(count)]


def eventually(ready: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait for `ready`; what is due only later may be looked at often."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: did not happen within {seconds:.0f} s")
        time.sleep(0.03)


class Site:
    """Three services with a database each, on RabbitMQ with PostgreSQL or on the embedded bus with SQLite.

    `services` are for looking and saying; workers get services of their own, as other processes would.
    """

    def __init__(
        self, place: Place, broker: RabbitMQ | None = None, postgres: Postgres | None = None
    ) -> None:
        self.place = place
        self.tricks = Tricks()
        self.broker: RabbitMQ | None = None
        self.postgres: Postgres | None = None
        self.services: dict[str, Service] = {name: place.compose(name) for name in NAMES}
        self._engines = [service.engine for service in self.services.values()]
        self._workers: list[Worker] = []
        self._processes: list[ForkServerProcess] = []
        self._buses: list[Bus] = []
        for service in self.services.values():
            KERNEL_METADATA.create_all(service.engine)
            Base.metadata.create_all(service.engine)
            with write_connection(service.engine) as connection:
                for table in (*KERNEL_METADATA.sorted_tables, *Base.metadata.sorted_tables):
                    connection.execute(delete(table))

    @property
    def embedded(self) -> bool:
        """Whether this is the embedded bus."""
        return self.place.amqp_url is None

    # --- people and workers -----------------------------------------------------------------------

    def start(
        self,
        name: str,
        *,
        policy: RetryPolicy = QUICK,
        lease_seconds: float = 60,
        tricks: Tricks | None = None,
        checkpoint: Callable[[str], None] = lambda name: None,
    ) -> Worker:
        """Start a worker in this process."""
        service = self.place.compose(
            name,
            tricks=tricks or self.tricks,
            policy=policy,
            lease_seconds=lease_seconds,
            checkpoint=checkpoint,
        )
        self._engines.append(service.engine)
        worker = Worker(service)
        self._workers.append(worker)
        worker.start()
        return worker

    def stop(self, worker: Worker) -> None:
        """Stop a worker in good order."""
        self._workers.remove(worker)
        worker.stop()

    def spawn(
        self,
        name: str,
        *,
        die_at: str = "",
        steps: Sequence[float] = QUICK.steps,
        lease_seconds: float = 1,
        isolates: bool = True,
    ) -> ForkServerProcess:
        """Start a worker in a process of its own."""
        process = spawn(
            self.place, name, die_at=die_at, steps=steps, lease_seconds=lease_seconds, isolates=isolates
        )
        self._processes.append(process)
        return process

    def kill(self, process: ForkServerProcess) -> None:
        """`kill -9`."""
        process.kill()
        process.join(10)

    def say(self, *events: Event) -> None:
        """Commit events into the outbox of source, as a web request does."""
        with self.services["source"].transactions.begin() as tx:
            for event in events:
                tx.publish(event)

    def message(self, event: Event) -> OutgoingMessage:
        """An event as it travels, without any outbox."""
        message_id = str(new_id())
        encoded = self.services["source"].codec.encode(
            event,
            message_id=message_id,
            time=datetime.now(UTC),
            correlation_id=str(new_id()),
            causation_id=None,
            source="/source",
            sequence=None,
        )
        return OutgoingMessage(message_id=message_id, type=event.TYPE, body=encoded.body.encode())

    def bus(self, manifest: Manifest = MANIFEST) -> Bus:
        """A bus of the test's own."""
        self._buses.append(self.place.open_bus(self.services["source"], manifest))
        return self._buses[-1]

    def carry(self, *messages: OutgoingMessage, manifest: Manifest = MANIFEST) -> None:
        """Publish messages past the outbox, and wait until they are durable."""
        self.bus(manifest).publisher().publish(messages).result(30)

    # --- looking ----------------------------------------------------------------------------------

    def counts(self, name: str) -> Mapping[UUID, int]:
        """Parcel → how often this service counted it."""
        with self.services[name].transactions.read() as session:
            return {row.parcel_id: row.times for row in session.scalars(select(Count))}

    def numbers(self, name: str, parcel_id: UUID) -> list[int]:
        """In which order this service counted the numbers of one parcel."""
        with self.services[name].transactions.read() as session:
            text = session.scalars(select(Count.numbers).where(Count.parcel_id == parcel_id)).one_or_none()
        return [int(number) for number in (text or "").split(",") if number]

    def inbox(self, name: str) -> list[Row[Any]]:
        """All that this service received."""
        with read_connection(self.services[name].engine) as connection:
            return list(connection.execute(select(inbox)).all())

    def states(self, name: str) -> Counter[str]:
        """State → messages."""
        return Counter(row.state for row in self.inbox(name))

    def waiting_in_outbox(self) -> int:
        """Messages of source that are not published."""
        with read_connection(self.services["source"].engine) as connection:
            query = select(func.count()).where(outbox.c.published_at.is_(None))
            return connection.execute(query).scalar_one()

    def outbox_payloads(self) -> list[str]:
        """What source keeps of what it published."""
        with read_connection(self.services["source"].engine) as connection:
            return list(connection.scalars(select(outbox.c.payload)))

    def expect_counted(self, name: str, parcels: Sequence[ParcelSent], seconds: float = 30) -> None:
        """Wait until every parcel was counted, and see that none was counted twice."""
        wanted = {parcel.parcel_id for parcel in parcels}
        eventually(lambda: wanted <= set(self.counts(name)), f"{name} counts {len(wanted)} parcels", seconds)
        assert {parcel_id: n for parcel_id, n in self.counts(name).items() if n != 1} == {}

    def expect_states(self, name: str, seconds: float = 30, **states: int) -> None:
        """Wait until the inbox holds exactly these states."""
        eventually(lambda: self.states(name) == Counter(states), f"the inbox of {name} is {states}", seconds)

    # --- breaking ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def carrier_away(self) -> Iterator[None]:
        """The broker is killed, and back at the end; embedded: a subscriber's file is locked."""
        if self.broker is None:
            with self._locked("right"):
                yield
            return
        self.broker.let_new_queues_settle()
        self.broker.kill()
        yield
        self.broker.start()

    @contextlib.contextmanager
    def database_away(self, name: str) -> Iterator[None]:
        """PostgreSQL stops at once, and is back at the end; SQLite: the file is locked."""
        if self.postgres is None:
            with self._locked(name):
                yield
            return
        self.postgres.stop_immediate()
        yield
        self.postgres.start()
        # The connections of the test itself are gone too; those of the workers are the workers' business.
        for service in self.services.values():
            service.engine.dispose()

    def carries(self) -> bool:
        """Whether the bus says that it can carry messages."""
        try:
            self._buses[-1].check()
        except BusUnavailable:
            return False
        return True

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        path = self.place.databases[name].removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.execute("ROLLBACK")

    def close(self) -> None:
        """Stop everything."""
        for process in self._processes:
            self.kill(process)
        for worker in self._workers:
            worker.stopping.set()
        for worker in self._workers:
            worker.stop()
        for bus in self._buses:
            bus.close()
        for engine in self._engines:
            engine.dispose()
