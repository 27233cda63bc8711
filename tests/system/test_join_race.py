"""Paid and assessed reach two workers at the same instant: one request and one submission each.

As in two processes: on PostgreSQL each worker's delivery desk is handed one of the two messages by the broker, on
SQLite each worker's desk claims one of the two in the inbox. The negative controls take the row lock away:
then both workers see only their own fact, and nobody asks.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, inspect, select
from sqlalchemy.event import listen
from sqlalchemy.exc import IntegrityError

from services.certification.domain.activation import activation_id_of
from shared.contracts import REGISTRY
from shared.contracts.certification import MembershipActivationRequested
from shared.db import transaction
from shared.db.engine import write_connection
from shared.db.kernel_tables import inbox, outbox
from shared.db.many import one_of
from shared.db.transaction import Tx
from shared.messaging.bus import Delivery
from shared.messaging.codec import Codec
from shared.messaging.consumer import DeliveryDesk
from shared.messaging.desk import Desk
from shared.messaging.event import Event
from shared.messaging.inbox import BUS, new_row, store
from shared.messaging.reading import Reader
from shared.messaging.subscriptions import RetryPolicy
from tests.component.certification.events import Story
from tests.component.certification.line import START, Line

ON_POSTGRESQL = {True: 1000, False: 250}
"""Rounds where the row is there, and where the race makes it: there the table's key decides, not our lock."""
ON_SQLITE = 200
IN_COMPANY = 50

Step = Callable[[], int]


@pytest.fixture
def on_postgresql(database_url: Callable[[], str], tmp_path: Path) -> Iterator[Line]:
    """Certification on PostgreSQL."""
    line = Line(tmp_path, url=database_url())
    yield line
    line.close()


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Line]:
    """Certification on SQLite."""
    line = Line(tmp_path)
    yield line
    line.close()


class Handing:
    """One worker's end of the queue: its message comes at the instant when the other worker's comes."""

    def __init__(self, together: threading.Barrier) -> None:
        self._together = together
        self.next: list[Delivery] = []
        self.acknowledged = 0

    def receive(self, limit: int, timeout: float) -> list[Delivery]:
        """What was put there for this round."""
        found, self.next = self.next, []
        if found:
            self._together.wait(30)
        return found

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Counted: a message that was not handled is not acknowledged."""
        self.acknowledged += len(deliveries)

    def close(self) -> None:
        """Nothing is open."""


class TwoWorkers:
    """Two threads with a desk each, which take their messages together."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._codec = Codec(REGISTRY)
        self._reader = Reader(codec=self._codec, subscriptions=line.table)
        self._start, self._end = threading.Barrier(3), threading.Barrier(3)
        self._together = threading.Barrier(2)
        self._ends = [Handing(self._together), Handing(self._together)]
        self._from_broker = line.engine.dialect.name == "postgresql"
        self._over = False
        self.said = 0
        self.errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(index,), daemon=True) for index in (0, 1)]
        for thread in self._threads:
            thread.start()

    def handle(self, *messages: Sequence[Event]) -> None:
        """Each worker its messages, both at once; returns when both are done."""
        self.said += sum(len(each) for each in messages)
        if self._from_broker:
            for end, events in zip(self._ends, messages, strict=True):
                end.next = [self._delivery(event, tag) for tag, event in enumerate(events)]
        else:
            self._store([event for events in messages for event in events])
        self._start.wait(30)
        self._end.wait(30)

    def close(self) -> None:
        """Send the threads home."""
        self._over = True
        self._start.wait(30)
        for thread in self._threads:
            thread.join(10)

    def _run(self, index: int) -> None:
        step = self._step_of(index)
        while True:
            self._start.wait(60)
            if self._over:
                return
            try:
                assert step() > 0
            except BaseException as error:
                self.errors.append(error)
            finally:
                self._end.wait(30)

    def _step_of(self, index: int) -> Step:
        transactions, policy = self._line.transactions, RetryPolicy()
        if self._from_broker:
            return DeliveryDesk(transactions, self._reader, self._ends[index], policy=policy).step
        return Desk(
            transactions, self._reader, policy=policy, lease_seconds=60, batch=1, checkpoint=self._meet
        ).step

    def _meet(self, checkpoint: str) -> None:
        if checkpoint == "after_claim":
            self._together.wait(30)

    def _delivery(self, event: Event, tag: int) -> Delivery:
        message_id, body = self._encoded(event)
        return Delivery(
            message_id=message_id,
            type=event.TYPE,
            body=body.encode(),
            redelivered=False,
            delivery_count=0,
            tag=tag,
            epoch=0,
            queue="certification.inbox",
        )

    def _store(self, events: Sequence[Event]) -> None:
        rows = []
        for event in events:
            message_id, body = self._encoded(event)
            rows.append(
                new_row(
                    consumer=BUS, message_id=message_id, type=event.TYPE, payload=body, correlation_id=None
                )
            )
        with write_connection(self._line.engine) as connection:
            store(connection, rows)

    def _encoded(self, event: Event) -> tuple[str, str]:
        message_id = str(uuid4())
        encoded = self._codec.encode(
            event,
            message_id=message_id,
            time=START,
            correlation_id=message_id,
            causation_id=None,
            source="/somebody",
            sequence=None,
        )
        return message_id, encoded.body


@contextmanager
def two_workers(line: Line) -> Iterator[TwoWorkers]:
    """Two desks for the time of a race; each of their messages is handled in the end, or the test fails."""
    workers = TwoWorkers(line)
    yield workers
    workers.close()
    assert not workers.errors
    with line.transactions.read() as session:
        states = session.execute(select(inbox.c.state, func.count()).group_by(inbox.c.state)).all()
    assert [tuple(row) for row in states] == [("handled", workers.said)]


def race(line: Line, rounds: int, *, row_is_there: bool, company: bool = False) -> list[Story]:
    """Each round is an enrollment whose seat is confirmed, and whose other two facts come at once.

    Where the row is not there yet, these two make it, and the seat comes last. In company, each worker gets a
    message about somebody else with it, so that it locks all the rows of its batch ahead.
    """
    stories = [Story() for _ in range(rounds)]
    confirmed = [story.confirmed() for story in stories]
    if row_is_there:
        line.tell(*confirmed)
    with two_workers(line) as workers:
        for story in stories:
            beside = [[Story().placed()], [Story().placed()]] if company else [[], []]
            workers.handle([story.paid(), *beside[0]], [story.assessed(), *beside[1]])
    if not row_is_there:
        line.tell(*confirmed)
    return stories


def requests_said(line: Line) -> Counter[str]:
    """Activation requests in the outbox, by enrollment."""
    with line.transactions.read() as session:
        rows = session.execute(
            select(outbox.c.aggregateid).where(outbox.c.type == MembershipActivationRequested.TYPE)
        )
        return Counter(aggregate for (aggregate,) in rows)


def assert_one_each(line: Line, stories: list[Story]) -> None:
    found = requests_said(line)
    assert found == {str(story.enrollment_id): 1 for story in stories}
    line.work()
    assert line.registry.accepted == {str(activation_id_of(story.enrollment_id)): 1 for story in stories}


rows = pytest.mark.parametrize("row_is_there", [True, False], ids=["row there", "row made in the race"])


@rows
def test_one_submission_each_on_postgresql(on_postgresql: Line, row_is_there: bool) -> None:
    stories = race(on_postgresql, ON_POSTGRESQL[row_is_there], row_is_there=row_is_there)
    assert_one_each(on_postgresql, stories)


@rows
def test_one_submission_each_on_sqlite(on_sqlite: Line, row_is_there: bool) -> None:
    stories = race(on_sqlite, ON_SQLITE, row_is_there=row_is_there)
    assert_one_each(on_sqlite, stories)


@rows
def test_one_submission_each_of_batches_that_lock_ahead(on_postgresql: Line, row_is_there: bool) -> None:
    clashes: list[BaseException] = []

    def note(context: Any) -> None:
        if isinstance(context.sqlalchemy_exception, IntegrityError):
            clashes.append(context.sqlalchemy_exception)

    listen(on_postgresql.engine, "handle_error", note)
    stories = race(on_postgresql, IN_COMPANY, row_is_there=row_is_there, company=True)
    assert_one_each(on_postgresql, stories)
    # Both batches believed that the row is not there: one is redone, message by message.
    assert bool(clashes) is not row_is_there


@pytest.fixture
def without_the_row_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same reads, of one row and of a batch's, without FOR UPDATE."""

    def get(self: Tx, entity: type[Any], key: Any) -> Any:
        if (entity, key) in self._locked:
            return self._locked[entity, key]
        return self.session.get(entity, key, populate_existing=True)

    def rows_of(entity: Any) -> Any:
        column = inspect(entity).primary_key[0]
        query = select(entity).where(one_of(column, "keys")).order_by(column)
        return query.execution_options(populate_existing=True)

    monkeypatch.setattr(Tx, "get_for_update", get)
    monkeypatch.setattr(transaction, "_rows_for_update", rows_of)


@pytest.mark.usefixtures("without_the_row_lock")
@pytest.mark.parametrize("company", [False, True], ids=["alone", "in company"])
def test_negative_control_without_the_row_lock_postgresql_loses_requests(
    on_postgresql: Line, company: bool
) -> None:
    stories = race(on_postgresql, IN_COMPANY, row_is_there=True, company=company)
    with pytest.raises(AssertionError):
        assert_one_each(on_postgresql, stories)
