"""What really happened to a workshop's bookings, read from the three databases and both sandboxes."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import requests
from sqlalchemy import Engine, select

from deploy.embedded.plan import Plan
from services.certification.domain.activation import activation_id_of
from services.certification.domain.join import Join
from services.certification.domain.submission import reference_of
from services.enrollment.domain import Booking, BookingState, Enrollment
from services.payment.domain import BookingAccount
from shared.db.engine import make_engine, read_connection
from shared.db.kernel_tables import inbox, outbox


@dataclass(frozen=True, kw_only=True)
class Report:
    """Bookings and seats by what is wrong with them; nothing is wrong when all are empty."""

    lost: list[str] = field(default_factory=list)
    """Was said yes to and is not there, was paid for and is not confirmed, is due and was not submitted."""
    duplicated: list[str] = field(default_factory=list)
    """Was charged or submitted more than once."""
    unexpected: list[str] = field(default_factory=list)
    """Is there and nobody asked for it."""
    unfinished: list[str] = field(default_factory=list)
    """Messages that are not published or not handled."""

    @property
    def problems(self) -> list[str]:
        """All of it, in words."""
        named = (("lost", self.lost), ("duplicated", self.duplicated), ("unexpected", self.unexpected))
        return [
            f"{name}: {what}" for name, found in (*named, ("unfinished", self.unfinished)) for what in found
        ]


class Truth:
    """Compares what buyers were told with what databases and sandboxes hold."""

    def __init__(self, plan: Plan, workshop_id: UUID) -> None:
        self._plan = plan
        self._workshop_id = workshop_id

    def check(self, booked: Iterable[UUID], paid: Iterable[UUID], *, completed: bool = False) -> Report:
        """Read everything once. After `completed`, every paid seat must have been submitted exactly once."""
        booked, paid, report = set(booked), set(paid), Report()
        states = self._bookings()
        report.lost.extend(f"booking {each}" for each in booked - states.keys())
        report.unexpected.extend(f"booking {each}" for each in states.keys() - booked)
        report.lost.extend(
            f"payment of {each}, which is {states[each]}" for each in paid & states.keys()
            if states[each] != BookingState.CONFIRMED.value
        )  # fmt: skip
        self._check_money(booked, paid, report)
        self._check_memberships(paid if completed else set(), booked, report)
        self._check_messages(report)
        return report

    def _bookings(self) -> dict[UUID, str]:
        table = Booking.__table__
        with self._database("enrollment") as engine, read_connection(engine) as connection:
            query = select(table.c.booking_id, table.c.state).where(table.c.workshop_id == self._workshop_id)
            return {row.booking_id: _word(row.state) for row in connection.execute(query)}

    def _check_money(self, booked: set[UUID], paid: set[UUID], report: Report) -> None:
        state = _json(f"{self._plan.stripe_url}/_sandbox/state")
        intents = Counter(c["payment_intent"] for c in state["charge"] if c["status"] == "succeeded")
        charges: Counter[UUID] = Counter()
        for session in state["checkout.session"]:
            booking = (session.get("metadata") or {}).get("booking_id")
            if booking is not None:
                charges[UUID(booking)] += intents[session["payment_intent"]]
        report.duplicated.extend(
            f"{n} charges for {each}" for each, n in charges.items() if n > 1 and each in booked
        )
        report.lost.extend(f"charge for {each}" for each in paid if not charges[each])
        table = BookingAccount.__table__
        with self._database("payment") as engine, read_connection(engine) as connection:
            rows = connection.execute(select(table.c.booking_id, table.c.received_minor)).all()
        received = {row.booking_id: row.received_minor for row in rows}
        report.lost.extend(f"books of {each}" for each in booked - received.keys())
        report.lost.extend(
            f"money of {each} in the books" for each in paid & received.keys() if not received[each]
        )

    def _check_memberships(self, due: set[UUID], booked: set[UUID], report: Report) -> None:
        seats = Enrollment.__table__
        with self._database("enrollment") as engine, read_connection(engine) as connection:
            rows = connection.execute(select(seats.c.enrollment_id, seats.c.booking_id)).all()
        mine = {row.enrollment_id: row.booking_id for row in rows if row.booking_id in booked}
        joins = Join.__table__
        with self._database("certification") as engine, read_connection(engine) as connection:
            joined = {row.enrollment_id for row in connection.execute(select(joins.c.enrollment_id))}
        report.lost.extend(f"join of {each}" for each in mine.keys() - joined)
        references = _json(f"{self._plan.scrum_alliance_url}/_sandbox/counters")["references"]
        for enrollment_id, booking_id in mine.items():
            reference = str(reference_of(activation_id_of(enrollment_id), 1))
            accepted = int(references.get(reference, {}).get("accepted", 0))
            if accepted > 1:
                report.duplicated.append(f"{accepted} submissions of {enrollment_id}")
            if not accepted and booking_id in due:
                report.lost.append(f"submission of {enrollment_id}")

    def _check_messages(self, report: Report) -> None:
        for service in self._plan.services:
            with self._database(service) as engine, read_connection(engine) as connection:
                waiting = connection.execute(
                    select(outbox.c.type).where(outbox.c.published_at.is_(None))
                ).all()
                states = select(inbox.c.type, inbox.c.state, inbox.c.error)
                open_ones = connection.execute(
                    states.where(inbox.c.state.not_in(["handled", "discarded"]))
                ).all()
            report.unfinished.extend(f"{service} has not published {row.type}" for row in waiting)
            report.unfinished.extend(
                f"{service} has {row.type} as {_word(row.state)}: {row.error}" for row in open_ones
            )

    @contextlib.contextmanager
    def _database(self, service: str) -> Iterator[Engine]:
        engine = make_engine(self._plan.database(service), pool_size=1)
        try:
            yield engine
        finally:
            engine.dispose()


def _word(state: Any) -> str:
    return str(getattr(state, "value", state))


def _json(url: str) -> Any:
    answer = requests.get(url, timeout=60)
    answer.raise_for_status()
    return answer.json()
