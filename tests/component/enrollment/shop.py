"""Enrollment alone, through its own composition root: a real database, real handlers, mail kept in a list."""

from collections.abc import Sequence
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.enrollment import handlers, queries, tasks
from services.enrollment.app import build
from services.enrollment.commands import (
    AddStaff,
    BlockPlan,
    CreateWorkshop,
    EnsureCourses,
    MarkEveryonePresent,
    PlaceBooking,
    PublishWorkshop,
    RecordDecisions,
)
from services.enrollment.commands import Decision as DecisionCommand
from services.enrollment.domain import Booking, Delivery, HoldPolicy, Workshop
from services.enrollment.domain.attendance import Subject
from services.enrollment.domain.people import PayerDetails
from services.enrollment.settings import Settings
from shared.clock import FrozenClock
from shared.config import load_settings
from shared.db.engine import write_connection
from shared.db.kernel_tables import KERNEL_METADATA, inbox, outbox
from shared.messaging import inbox as inbox_rows
from shared.messaging.desk import Desk
from shared.messaging.event import Event
from shared.messaging.subscriptions import RetryPolicy, TimerContext
from shared.messaging.tasks import TaskRunner
from shared.service import Overrides
from tests.component.enrollment.news import START, attendee, paid

E = TypeVar("E", bound=Event)
R = TypeVar("R")

PASSWORD_HASH = "$argon2id$not-a-hash-that-anybody-can-match"


class MailList:
    """Keeps what was sent; `failures` are raised first, one per letter."""

    def __init__(self) -> None:
        self.sent: list[EmailMessage] = []
        self.failures: list[Exception | None] = []

    def send(self, message: EmailMessage) -> None:
        """Keep the letter, or fail as told."""
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.sent.append(message)


class Shop:
    """The service, its clock, its mail, and short ways to say what tests say often."""

    def __init__(self, url: str, *, pool_size: int | None = None, mailer: Any = None) -> None:
        self.clock = FrozenClock(START)
        self.mail = MailList()
        environ = {"DATABASE_URL": url, "EMBEDDED_DATABASES": "enrollment=sqlite:///nobody.db"}
        self.service = build(
            load_settings(Settings, {"ROSTRUM_MODE": "sandbox", **environ}),
            overrides=Overrides(
                clock=self.clock, pool_size=pool_size, policy=RetryPolicy(steps=(0.0, 0.0, 0.0, 0.0, 0.0))
            ),
            mailer=mailer or self.mail,
        )
        KERNEL_METADATA.create_all(self.service.engine)
        self.service.metadata.create_all(self.service.engine)
        self.hold = self.service.gateway(HoldPolicy)
        transactions, reader, policy = self.service.transactions, self.service.reader, self.service.policy
        self._desk = Desk(transactions, reader, policy=policy, lease_seconds=60)
        self._tasks = TaskRunner(transactions, reader, policy=policy, lease_seconds=60)
        with self.service.transactions.begin() as tx:
            handlers.ensure_courses(EnsureCourses(), tx)
            tx.flush()
            self.trainer_id = handlers.add_staff(
                AddStaff(
                    email="trainer@example.com",
                    name="Mira Lindqvist",
                    roles=("trainer",),
                    teaches=("CSPO", "CSM"),
                    password_hash=PASSWORD_HASH,
                ),
                tx,
            ).staff_id

    def close(self) -> None:
        """Give the database back."""
        self.service.engine.dispose()

    # What people do

    def plan(self, *, publish: bool = True, **changes: Any) -> UUID:
        """A workshop of two days with 840 contact minutes, starting in a week."""
        starts_at = self.clock.now() + timedelta(days=7)
        values: dict[str, Any] = {
            "course_code": "CSPO",
            "title": "Certified Scrum Product Owner",
            "delivery": Delivery.ONLINE,
            "join_link": "https://meet.example.com/room",
            "time_zone": "Europe/Berlin",
            "blocks": tuple(
                BlockPlan(
                    starts_at=starts_at + timedelta(days=day),
                    ends_at=starts_at + timedelta(days=day, hours=8),
                    break_minutes=60,
                )
                for day in range(2)
            ),
            "capacity": 10,
            "price_minor": 100_001,
            "currency": "EUR",
            "trainer_id": self.trainer_id,
            **changes,
        }
        with self.service.transactions.begin() as tx:
            workshop = handlers.create_workshop(CreateWorkshop(**values), tx)
            if publish:
                handlers.publish_workshop(PublishWorkshop(workshop_id=workshop.workshop_id), tx)
        return workshop.workshop_id

    def book(self, workshop_id: UUID, seats: int = 1, **changes: Any) -> handlers.PlacedBooking:
        """A booking by somebody, for as many people."""
        with self.service.transactions.begin() as tx:
            return handlers.place_booking(self.command(workshop_id, seats, **changes), tx)

    def command(self, workshop_id: UUID, seats: int = 1, **changes: Any) -> PlaceBooking:
        """The command that `book` runs."""
        values: dict[str, Any] = {
            "workshop_id": workshop_id,
            "payer": PayerDetails(name="Charles Babbage", email="charles@example.com"),
            "attendees": tuple(attendee(index) for index in range(seats)),
            "hold": self.hold,
            **changes,
        }
        return PlaceBooking(**values)

    def confirmed(self, workshop_id: UUID, seats: int = 1) -> handlers.PlacedBooking:
        """A booking that was paid."""
        placed = self.book(workshop_id, seats)
        self.tell(paid(placed))
        return placed

    def fill_roster(
        self, workshop_id: UUID, *, participation: bool = True, understanding: bool = True
    ) -> None:
        """Everyone was there, and the trainer decided the same about everyone."""
        decided: tuple[tuple[Subject, bool], ...] = (
            ("participation", participation),
            ("understanding", understanding),
        )
        with self.service.transactions.begin() as tx:
            handlers.mark_everyone_present(
                MarkEveryonePresent(workshop_id=workshop_id, actor_id=self.trainer_id), tx
            )
            roster = queries.roster(tx.session, workshop_id)
            assert roster is not None
            handlers.record_decisions(
                RecordDecisions(
                    workshop_id=workshop_id,
                    actor_id=self.trainer_id,
                    decisions=tuple(
                        DecisionCommand(enrollment_id=entry.enrollment_id, subject=subject, value=value)
                        for entry in roster.entries
                        for subject, value in decided
                    ),
                ),
                tx,
            )

    # What the worker does

    def tell(self, *events: Event) -> None:
        """Deliver events through the inbox and handle them as one batch; anything that fails is raised."""
        rows = []
        for event in events:
            message_id = str(uuid4())
            body = self.service.codec.encode(
                event,
                message_id=message_id,
                time=self.clock.now(),
                correlation_id="test",
                causation_id=None,
                source="/test",
                sequence=None,
            ).body
            rows.append(
                inbox_rows.new_row(
                    consumer="bus",
                    message_id=message_id,
                    type=event.TYPE,
                    payload=body,
                    correlation_id="test",
                )
            )
        with write_connection(self.service.engine) as connection:
            inbox_rows.store(connection, rows)
        while self._desk.step():
            pass
        problems = self.inbox_errors()
        assert not problems, problems

    def do_tasks(self) -> None:
        """Hand our own events back to our tasks, as the bus does, and perform what is due."""
        with write_connection(self.service.engine) as connection:
            rows = connection.execute(
                select(outbox.c.id, outbox.c.type, outbox.c.payload).order_by(outbox.c.seq)
            )
            wanted = {event_type for _, event_type in self.service.reader.task_types()}
            inbox_rows.store(
                connection,
                [
                    inbox_rows.new_row(
                        consumer="bus",
                        message_id=str(row.id),
                        type=row.type,
                        payload=row.payload,
                        correlation_id=None,
                    )
                    for row in rows
                    if row.type in wanted
                ],
            )
        while self._tasks.step():
            pass

    def end_holds(self) -> None:
        """One run of the timer."""
        service = self.service
        tasks.end_holds(TimerContext(service=service, transactions=service.transactions, clock=self.clock))

    # What can be seen

    def said(self, kind: type[E]) -> list[E]:
        """Every event of one type in the outbox, in order."""
        with self.service.transactions.read() as session:
            wanted = select(outbox.c.payload).where(outbox.c.type == kind.TYPE).order_by(outbox.c.seq)
            bodies = session.scalars(wanted).all()
        return [cast("E", self.service.codec.decode(body.encode()).event) for body in bodies]

    def inbox_errors(self) -> Sequence[str]:
        """Why messages were not handled."""
        with self.service.transactions.read() as session:
            return list(session.scalars(select(inbox.c.error).where(inbox.c.state.in_(("failed", "dead")))))

    def booking(self, booking_id: UUID) -> Booking:
        """A booking, as committed."""
        with self.service.transactions.read() as session:
            return _got(session, Booking, booking_id)

    def workshop(self, workshop_id: UUID) -> Workshop:
        """A workshop, as committed."""
        with self.service.transactions.read() as session:
            return _got(session, Workshop, workshop_id)

    def page(self, booking_id: UUID) -> queries.BookingPage:
        """What the payer sees."""
        with self.service.transactions.read() as session:
            return _there(queries.booking_page(session, booking_id))

    def roster(self, workshop_id: UUID) -> queries.Roster:
        """What the trainer sees."""
        with self.service.transactions.read() as session:
            return _there(queries.roster(session, workshop_id))

    def seats_add_up(self) -> bool:
        """Whether counters and live enrollments agree."""
        with self.service.transactions.read() as session:
            return not queries.seat_differences(session)

    def count(self, table: str) -> int:
        """Rows of a table."""
        with self.service.transactions.read() as session:
            return int(session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


def sqlite_url(folder: Path) -> str:
    """A file of this test's own."""
    return f"sqlite:///{folder / 'enrollment.sqlite'}"


def _got(session: Session, entity: type[R], key: UUID) -> R:
    return _there(session.get(entity, key))


def _there(found: R | None) -> R:
    assert found is not None
    return found
