"""Certification alone, in process: its real handlers and task over a real SQLite file, driven by hand.

The registry stands in memory here, because these tests run tens of thousands of steps; the adapter itself is
tried over HTTP in `tests/contract/test_membership_registry.py`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.event import listen
from sqlalchemy.orm import Session

from services import certification
from services.certification.domain.base import Base
from services.certification.domain.join import Join
from services.certification.domain.submission import Submission
from services.certification.gateways.base import (
    MemberRecord,
    MembershipRegistry,
    MembershipRequest,
    NotTaken,
    SubmissionRefused,
)
from services.certification.subscriptions import subscriptions
from services.certification.tasks import check_activations_with
from shared.clock import FrozenClock
from shared.contracts import REGISTRY
from shared.contracts.certification import MembershipActivationRequested
from shared.db.engine import make_engine
from shared.db.migrate import upgrade
from shared.db.transaction import Transactions, Tx
from shared.errors import Unavailable
from shared.messaging.codec import Codec, Encoded
from shared.messaging.event import Event
from shared.messaging.subscriptions import Handler, Task, TimerContext
from shared.messaging.tasks import Work

MIGRATIONS = Path(certification.__file__).parent / "migrations"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class MemoryRegistry:
    """A registry that never deduplicates, counts everything, and can lose the answer before or after accepting."""

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter()
        self.records: dict[str, MemberRecord] = {}
        self.requests: list[MembershipRequest] = []
        self.away = False
        self.lose_answers = 0
        self.keep_waiting = 0
        self.waiting: list[MembershipRequest] = []
        self.turns_away = False
        self.refuse: str | None = None
        self.before_accepting: Callable[[MembershipRequest], None] = lambda request: None

    def look_up(self, reference: str) -> MemberRecord | None:
        """By reference, as the real one."""
        if self.away:
            raise Unavailable("the registry is away")
        return self.records.get(reference)

    def submit(self, request: MembershipRequest) -> MemberRecord:
        """Accept, refuse, or accept and not say so."""
        self.before_accepting(request)
        if self.away:
            raise Unavailable("the registry is away")
        if self.turns_away:
            raise NotTaken("the registry turned the call away")
        if self.refuse is not None:
            raise SubmissionRefused(self.refuse)
        self.requests.append(request)
        if self.keep_waiting > 0:
            self.keep_waiting -= 1
            self.waiting.append(request)
            raise Unavailable("the answer was lost, and the name waits in some queue")
        record = self._accept(request)
        if self.lose_answers > 0:
            self.lose_answers -= 1
            raise Unavailable("the answer was lost")
        return record

    def accept_what_waited(self) -> None:
        """What was kept waiting arrives at last."""
        for request in self.waiting:
            self._accept(request)
        self.waiting.clear()

    def _accept(self, request: MembershipRequest) -> MemberRecord:
        self.accepted[request.reference] += 1
        return self.records.setdefault(request.reference, MemberRecord(reference=request.reference))


class HandWork(Work):
    """Work without an inbox: what the task sees of one message, its lease always held."""

    def __init__(self, transactions: Transactions, message_id: str) -> None:
        self._opened_by = transactions
        self._message = message_id  # type: ignore[assignment]  # only this class reads it
        self.clock = transactions.clock
        self.checkpoint = lambda name: None
        self.completed = False

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        with self._opened_by.begin(causation=str(self._message)) as tx:
            yield tx

    @contextmanager
    def completion(self) -> Iterator[Tx]:
        with self._opened_by.begin(causation=str(self._message)) as tx:
            yield tx
        self.completed = True


class Line:
    """Certification with its database, its registry, and the requests its task has not finished yet."""

    def __init__(
        self,
        folder: Path,
        *,
        url: str | None = None,
        members: MembershipRegistry | None = None,
        quiet_seconds: float = 0.0,
    ) -> None:
        self.url = url or f"sqlite:///{folder / 'certification.sqlite'}"
        self.engine = make_engine(self.url)
        if self.engine.dialect.name == "sqlite":
            # Nothing is killed here, and waiting for the disk would be most of these tests' time.
            listen(self.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        upgrade(self.engine, MIGRATIONS, Base.metadata)
        self.clock = FrozenClock(START)
        self.registry = MemoryRegistry()
        self.said: list[Event] = []
        self.pending: list[tuple[str, MembershipActivationRequested]] = []
        self._codec = Codec(REGISTRY)
        self.transactions = Transactions(self.engine, self._encode, self.clock)
        self.table = subscriptions(members or self.registry, quiet_seconds)

    def _encode(self, event: Any, *, message_id: str, **more: Any) -> Encoded:
        # Noted before the commit: the tests of crashes read the outbox instead.
        self.said.append(event)
        if isinstance(event, MembershipActivationRequested):
            self.pending.append((message_id, event))
        return self._codec.encode(event, message_id=message_id, source="certification", sequence=None, **more)

    def tell(self, *events: Event) -> None:
        """One batch as the kernel handles it: rows locked ahead, one transaction."""
        reactions = [self.table[event.TYPE] for event in events]
        with self.transactions.begin() as tx:
            if len(events) > 1:
                keys = {
                    key
                    for event, reaction in zip(events, reactions, strict=True)
                    if isinstance(reaction, Handler) and reaction.locks is not None
                    for key in reaction.locks(event)[1]
                }
                tx.lock_ahead(Join, keys)
            for event, reaction in zip(events, reactions, strict=True):
                assert isinstance(reaction, Handler)
                reaction.react(event, tx)

    def work(self) -> int:
        """Try every unfinished request once; what stays unavailable is kept for the next time."""
        todo, self.pending = self.pending, []
        for message_id, event in todo:
            if not self.perform(event, message_id):
                self.pending.append((message_id, event))
        return len(todo)

    def perform(self, event: MembershipActivationRequested, message_id: str) -> bool:
        """One attempt at one request; False when it has to be tried again."""
        task = self.table[MembershipActivationRequested.TYPE]
        assert isinstance(task, Task)
        work = HandWork(self.transactions, message_id)
        try:
            task.perform(event, work)
        except Unavailable:
            return False
        assert work.completed
        return True

    def check(self, poll_seconds: float = 60) -> None:
        """One run of the timer."""
        check_activations_with(self.registry, poll_seconds)(
            TimerContext(service=None, transactions=self.transactions, clock=self.clock)
        )

    def joins(self) -> dict[UUID, Join]:
        """Every row, as committed."""
        with self.transactions.read() as session:
            return {join.enrollment_id: join for join in session.scalars(select(Join))}

    def join(self, enrollment_id: UUID) -> Join:
        """One row, as committed."""
        with self.transactions.read() as session:
            return self._one(session, enrollment_id)

    def submissions(self) -> list[Submission]:
        """Every submission, as committed."""
        with self.transactions.read() as session:
            return list(session.scalars(select(Submission).order_by(Submission.reference)))

    def said_of(self, kind: type[Event]) -> Sequence[Any]:
        """What was said of one type, in order."""
        return [event for event in self.said if isinstance(event, kind)]

    def close(self) -> None:
        """Give the file back."""
        self.engine.dispose()

    @staticmethod
    def _one(session: Session, enrollment_id: UUID) -> Join:
        join = session.get(Join, enrollment_id)
        assert join is not None
        return join
