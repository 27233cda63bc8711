"""Paid and assessed reach two workers at the same instant: one request and one submission each.

The negative control takes the row lock away: then both workers see only their own fact, and nobody asks.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.certification.domain.activation import activation_id_of
from shared.contracts.certification import MembershipActivationRequested
from shared.db.kernel_tables import outbox
from shared.db.transaction import Tx
from shared.messaging.event import Event
from shared.messaging.subscriptions import Handler
from tests.component.certification.events import Story
from tests.component.certification.line import Line

ON_POSTGRESQL = 1000
ON_SQLITE = 200


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


class TwoWorkers:
    """Two threads that handle one message each, starting together."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._start, self._end = threading.Barrier(3), threading.Barrier(3)
        self._tasks: list[Event | None] = [None, None]
        self.errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(index,), daemon=True) for index in (0, 1)]
        for thread in self._threads:
            thread.start()

    def handle(self, first: Event, second: Event) -> None:
        """Both at once; returns when both are done."""
        self._tasks = [first, second]
        self._start.wait(30)
        self._end.wait(30)

    def close(self) -> None:
        """Send the threads home."""
        self._tasks = [None, None]
        self._start.wait(30)
        for thread in self._threads:
            thread.join(10)

    def _run(self, index: int) -> None:
        while True:
            self._start.wait(60)
            task = self._tasks[index]
            if task is None:
                return
            try:
                reaction = self._line.table[task.TYPE]
                assert isinstance(reaction, Handler)
                with self._line.transactions.begin() as tx:
                    reaction.react(task, tx)
            except BaseException as error:
                self.errors.append(error)
            finally:
                self._end.wait(30)


@contextmanager
def two_workers(line: Line) -> Iterator[TwoWorkers]:
    """Two threads for the time of a race; what went wrong in them fails the test."""
    workers = TwoWorkers(line)
    yield workers
    workers.close()
    assert not workers.errors


def race(line: Line, rounds: int, *, row_is_there: bool) -> list[Story]:
    """Each round is an enrollment whose seat is confirmed, and whose other two facts come at once.

    Where the row is not there yet, seat and money come at once first, and make it.
    """
    stories = [Story() for _ in range(rounds)]
    with two_workers(line) as workers:
        for story in stories:
            if row_is_there:
                line.tell(story.confirmed())
                workers.handle(story.paid(), story.assessed())
            else:
                workers.handle(story.paid(), story.assessed())
                line.tell(story.confirmed())
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


@pytest.mark.parametrize("row_is_there", [True, False], ids=["row there", "row made in the race"])
def test_one_submission_each_on_postgresql(on_postgresql: Line, row_is_there: bool) -> None:
    rounds = ON_POSTGRESQL if row_is_there else ON_POSTGRESQL // 4
    stories = race(on_postgresql, rounds, row_is_there=row_is_there)
    assert_one_each(on_postgresql, stories)


@pytest.mark.parametrize("row_is_there", [True, False], ids=["row there", "row made in the race"])
def test_one_submission_each_on_sqlite(on_sqlite: Line, row_is_there: bool) -> None:
    stories = race(on_sqlite, ON_SQLITE, row_is_there=row_is_there)
    assert_one_each(on_sqlite, stories)


@pytest.fixture
def without_the_row_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same reads, without FOR UPDATE."""

    def get(self: Tx, entity: type[Any], key: Any) -> Any:
        return self.session.get(entity, key, populate_existing=True)

    monkeypatch.setattr(Tx, "get_for_update", get)


@pytest.mark.usefixtures("without_the_row_lock")
def test_negative_control_without_the_row_lock_postgresql_loses_requests(on_postgresql: Line) -> None:
    stories = race(on_postgresql, 200, row_is_there=True)
    with pytest.raises(AssertionError):
        assert_one_each(on_postgresql, stories)
