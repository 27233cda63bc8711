"""Working off stored messages: who is to blame, what counts, and what people may do meanwhile."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Row, event, select, text, update

from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import KERNEL_METADATA, inbox
from shared.db.moment import moment
from shared.errors import Conflict, Unavailable
from shared.ids import new_id
from shared.messaging import leases, operations
from shared.messaging.desk import Desk
from shared.messaging.event import Event
from shared.messaging.inbox import BUS, new_row, store
from shared.messaging.subscriptions import RetryPolicy
from shared.messaging.tasks import TaskRunner
from shared.service import Service
from tests.contract.bus_conformance.subject import Base, ErrandWanted, ParcelSent, Place, Tricks

POLICY = RetryPolicy(steps=(10.0, 20.0))


class Left:
    """One service with a handler (parcels) and a task (errands), driven by hand."""

    def __init__(self, service: Service, tricks: Tricks) -> None:
        self.service, self.tricks = service, tricks
        common: Any = {"policy": POLICY, "lease_seconds": 60}
        self.desk = Desk(service.transactions, service.reader, **common)
        self.tasks = TaskRunner(service.transactions, service.reader, **common)

    def hear(self, said: Event) -> str:
        """Store a message, as a bus does."""
        message_id = str(new_id())
        body = self.service.codec.encode(
            said,
            message_id=message_id,
            time=datetime.now(UTC),
            correlation_id=message_id,
            causation_id=None,
            source="/source",
            sequence=None,
        ).body
        row = new_row(
            consumer=BUS, message_id=message_id, type=said.TYPE, payload=body, correlation_id=message_id
        )
        with write_connection(self.service.engine) as connection:
            store(connection, [row])
        return message_id

    def row(self, message_id: str) -> Row[Any]:
        """A message as it stands."""
        with read_connection(self.service.engine) as connection:
            return connection.execute(select(inbox).where(inbox.c.message_id == message_id)).one()

    def due(self) -> None:
        """Let the waits between attempts go by."""
        with write_connection(self.service.engine) as connection:
            connection.execute(
                update(inbox).where(inbox.c.state == "failed").values(next_attempt_at=moment())
            )

    def vanish(self, *, task: bool) -> None:
        """A process dies just after it claimed a message."""
        kinds = self.service.reader.task_types()
        chosen: dict[str, Any] = {"only": kinds} if task else {"without": kinds}
        with write_connection(self.service.engine) as connection:
            assert leases.claim(connection, lease_seconds=-1, policy=POLICY, limit=1, **chosen)


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Left]:
    tricks = Tricks()
    place = Place({"left": f"sqlite:///{tmp_path / 'left.db'}"}, None)
    service = place.compose("left", tricks=tricks, policy=POLICY)
    KERNEL_METADATA.create_all(service.engine)
    Base.metadata.create_all(service.engine)
    yield Left(service, tricks)
    service.engine.dispose()


def parcel(trick: str = "") -> ParcelSent:
    return ParcelSent(parcel_id=new_id(), number=1, trick=trick, note="", person=None)


def errand(trick: str = "") -> ErrandWanted:
    return ErrandWanted(parcel_id=new_id(), number=2, trick=trick)


class Call:
    """A call to the outside world that a test lets go on."""

    def __init__(self, left: Left) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()
        left.tricks.by_name["call"] = self._make
        self._thread = threading.Thread(target=left.tasks.step)

    def _make(self, _number: int) -> None:
        self.begun.set()
        assert self.may_end.wait(20)

    def __enter__(self) -> None:
        self._thread.start()
        assert self.begun.wait(20)

    def __exit__(self, *_: object) -> None:
        self.may_end.set()
        self._thread.join(20)


class TestSuspects:
    def test_two_of_them_never_run_side_by_side(self, left: Left) -> None:
        killer, innocent = left.hear(parcel()), left.hear(errand("call"))
        left.vanish(task=False)
        left.vanish(task=True)
        with Call(left):
            assert left.desk.step() == 0
        assert left.row(innocent).state == "handled"
        assert left.desk.step() == 1
        assert (left.row(killer).state, left.row(killer).interruptions) == ("handled", 1)

    def test_others_run_beside_one(self, left: Left) -> None:
        left.hear(errand("call"))
        left.vanish(task=True)
        with Call(left):
            fine = left.hear(parcel())
            assert left.desk.step() == 1
            assert left.row(fine).state == "handled"

    def test_a_message_of_which_nothing_is_suspected_keeps_no_suspect_waiting(self, left: Left) -> None:
        suspect = left.hear(parcel())
        left.vanish(task=False)
        left.hear(errand("call"))
        with Call(left):
            assert left.desk.step() == 1
        assert left.row(suspect).state == "handled"

    def test_an_attempt_that_ends_by_itself_takes_the_suspicion_away(self, left: Left) -> None:
        message = left.hear(errand("away"))
        for _ in range(POLICY.max_interruptions + 1):
            left.vanish(task=True)
            left.tasks.step()
            left.due()
        assert (left.row(message).state, left.row(message).interruptions) == ("failed", 0)


class TestCounting:
    def test_an_outage_is_no_step_towards_death(self, left: Left) -> None:
        message = left.hear(errand("odd"))
        faults = [Unavailable("away")] * 5 + [ValueError("odd")] * 3

        def fault(_number: int) -> None:
            raise faults.pop(0)

        left.tricks.by_name["odd"] = fault
        states = []
        while faults:
            left.tasks.step()
            left.due()
            states.append(left.row(message).state)
        assert states == ["failed"] * 7 + ["dead"]

    @pytest.mark.parametrize("words", ["a\x00b", "a\udc80b"])
    def test_words_that_no_database_takes_are_recorded_all_the_same(self, left: Left, words: str) -> None:
        def fault(_number: int) -> None:
            raise ValueError(words)

        left.tricks.by_name["odd"] = fault
        broken, fine = left.hear(parcel("odd")), left.hear(parcel())
        left.desk.step()
        assert (left.row(broken).state, left.row(fine).state) == ("failed", "handled")
        assert words not in left.row(broken).error

    def test_a_statement_that_can_never_succeed_holds_nobody_up(self, left: Left) -> None:
        def fault(_number: int) -> None:
            with read_connection(left.service.engine) as connection:
                connection.execute(text("SELECT nothing_of_this_name FROM inbox"))

        left.tricks.by_name["odd"] = fault
        broken, fine = left.hear(parcel("odd")), left.hear(parcel())
        left.desk.step()
        assert (left.row(broken).state, left.row(fine).state) == ("failed", "handled")


def retry(left: Left, message_id: str) -> None:
    with write_connection(left.service.engine) as connection:
        operations.retry_message(connection, BUS, message_id, actor="ops")


def discard(left: Left, message_id: str) -> None:
    with write_connection(left.service.engine) as connection:
        operations.discard_message(
            connection, left.service.reader, BUS, message_id, actor="ops", reason="gone"
        )


@pytest.mark.parametrize("act", [retry, discard])
def test_nobody_disturbs_a_message_in_work(left: Left, act: Callable[[Left, str], None]) -> None:
    message = left.hear(errand("away"))
    left.tasks.step()
    left.due()
    call = Call(left)
    left.tricks.by_name["away"] = left.tricks.by_name["call"]
    with call:
        assert left.row(message).state == "failed"
        with pytest.raises(Conflict, match="message_in_work"):
            act(left, message)
        assert left.tasks.step() == 0
    assert left.row(message).state == "handled"


class TestClaimsAreAnsweredByTheirIndex:
    """An inbox keeps what was handled for months: a claim that read all of it would be slower every day."""

    def test_a_claim_looks_only_at_what_waits(self, left: Left) -> None:
        asked = self._plans_of(left, lambda connection: self._claim(connection, left))
        assert asked
        assert "SEARCH inbox USING INDEX ix_inbox_waiting" in asked[0], asked

    def test_so_does_the_look_of_a_worker_with_nothing_to_do(self, left: Left) -> None:
        asked = self._plans_of(left, leases.anything_waits)
        assert "SEARCH inbox USING INDEX ix_inbox_waiting" in asked[0], asked

    def test_so_does_a_claim_of_some_kinds(self, left: Left) -> None:
        kinds = left.service.reader.task_types()
        assert kinds
        asked = self._plans_of(
            left,
            lambda connection: leases.claim(connection, lease_seconds=60, policy=POLICY, limit=1, only=kinds),
        )
        assert "SEARCH inbox USING INDEX ix_inbox_waiting" in asked[0], asked

    def test_with_the_states_as_parameters_it_would_not(self, left: Left) -> None:
        states = inbox.c.state.in_(["received", "failed"])
        query = select(inbox).where(states, inbox.c.next_attempt_at <= moment())
        asked = self._plans_of(left, lambda connection: connection.execute(query).all())
        assert "SCAN inbox" in asked[0], asked

    def _claim(self, connection: Connection, left: Left) -> object:
        kinds = left.service.reader.task_types()
        return leases.claim(connection, lease_seconds=60, policy=POLICY, limit=10, without=kinds)

    @staticmethod
    def _plans_of(left: Left, act: Callable[[Connection], object]) -> list[str]:
        plans: list[str] = []

        def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            if statement.startswith("SELECT"):
                rows = connection.connection.driver_connection.execute(
                    f"EXPLAIN QUERY PLAN {statement}", parameters
                )
                plans.append("; ".join(row[3] for row in rows))

        engine = left.service.engine
        event.listen(engine, "before_cursor_execute", explain)
        try:
            with write_connection(engine) as connection:
                act(connection)
        finally:
            event.remove(engine, "before_cursor_execute", explain)
        return plans
