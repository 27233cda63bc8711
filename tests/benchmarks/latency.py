"""Webhook accepted → submission recorded, through three services and RabbitMQ, one at a time.

Everything but the money is in place before: the seat is booked and the trainer's verdict is published. Then
the sandbox pays, its webhooks arrive, and the name goes to the Scrum Alliance sandbox.

It begins when payment's inbox stored the first webhook that confirms the payment, just before the answer 200:
whichever of Stripe's two came first. It ends when another connection sees the submission recorded, by looking
every few milliseconds: what is measured is that much too long at most, and never too short. Both moments are
told by the database server's clock.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import requests
from sqlalchemy import Connection, Engine, func, select, update

from deploy.embedded.plan import Plan
from services.__main__ import ROOTS
from services.enrollment.domain import Workshop
from services.enrollment.queries import staff_list
from shared.cli import read_settings_from
from shared.contracts.certification import MembershipSubmitted
from shared.contracts.enrollment import EnrollmentAssessed
from shared.db.engine import make_engine, read_connection
from shared.db.kernel_tables import inbox, message_reference, outbox
from shared.service import Service
from tests.benchmarks.figures import Figure, at_most, percentile
from tests.benchmarks.running_site import running_site

SAMPLES = 100
LOOK_EVERY_SECONDS = 0.005
CONFIRMING = ("charge.succeeded", "checkout.session.completed")
"""The webhooks of a paid session with which payment confirms it."""


def measure(amqp_url: str, database_url: str, *, samples: int = SAMPLES) -> Figure:
    """The latency's figure."""
    with running_site(amqp_url=amqp_url, database_url=database_url) as (plan, _):
        settings, build = ROOTS["enrollment"]
        enrollment = build(read_settings_from(settings, plan.environment("enrollment")))
        probe = _Probe(plan, enrollment)
        probe.sample()
        seconds = [probe.sample() for _ in range(samples)]
    note = (
        f"{samples} samples, p50 {percentile(seconds, 0.5) * 1000:.0f} ms, max {max(seconds) * 1000:.0f} ms"
    )
    return at_most("webhook to submission, p99", percentile(seconds, 0.99) * 1000, "ms", 250, note)


class _Probe:
    def __init__(self, plan: Plan, enrollment: Service) -> None:
        self._plan = plan
        self._enrollment = enrollment
        self._payment = make_engine(plan.database("payment"), pool_size=1)
        self._certification = make_engine(plan.database("certification"), pool_size=1)
        with enrollment.transactions.read() as session:
            self._trainer = next(row.staff_id for row in staff_list(session) if "trainer" in row.roles)
        workshops = requests.get(f"{plan.site_url}/enrollment/api/workshops", timeout=30).json()["workshops"]
        with enrollment.transactions.begin() as tx:
            # The example workshops are small; seats are not what is measured here.
            tx.session.execute(update(Workshop).values(capacity=100_000))
        self._workshops = [w for w in workshops if w["course_code"] == "CSPO"]
        self._count = 0

    def sample(self) -> float:
        """Seconds of one run."""
        self._count += 1
        booking = self._book()
        enrollment_id = booking["enrollments"][0]["enrollment_id"]
        page = requests.get(booking["pay_url"], allow_redirects=False, timeout=30)
        session_id = page.headers["Location"].rsplit("/", 1)[-1]
        self._assess(booking["booking_id"], enrollment_id)
        self._wait_for_verdict(enrollment_id)
        paid = requests.post(
            f"{self._plan.stripe_url}/_sandbox/pay", json={"session": session_id}, timeout=30
        )
        paid.raise_for_status()
        submitted = self._submitted_at(enrollment_id)
        return (submitted - self._webhook_at(booking["booking_id"])).total_seconds()

    def _book(self) -> dict[str, Any]:
        email = f"buyer{self._count}@example.com"
        person = {"given_name": "Grace", "family_name": "Hopper", "email": email}
        for workshop in self._workshops:
            answer = requests.post(
                f"{self._plan.site_url}/enrollment/api/bookings",
                timeout=30,
                headers={"Idempotency-Key": str(uuid4())},
                json={
                    "workshop_id": workshop["workshop_id"],
                    "payer_name": "Grace Hopper",
                    "payer_email": email,
                    "attendees": [person],
                },
            )
            if answer.status_code == 201:
                booked: dict[str, Any] = answer.json()
                self._booked_at = workshop
                return booked
        answer.raise_for_status()
        raise AssertionError("unreachable")

    def _assess(self, booking_id: str, enrollment_id: str) -> None:
        with self._enrollment.transactions.begin() as tx:
            tx.publish(
                EnrollmentAssessed(
                    enrollment_id=UUID(enrollment_id),
                    booking_id=UUID(booking_id),
                    workshop_id=UUID(self._booked_at["workshop_id"]),
                    course_code="CSPO",
                    revision=1,
                    attended_minutes=840,
                    required_minutes=840,
                    participation=True,
                    understanding=True,
                    eligible=True,
                    reasons=(),
                    released_by=self._trainer,
                    assessed_at=tx.now(),
                )
            )

    def _wait_for_verdict(self, enrollment_id: str) -> None:
        query = (
            select(inbox.c.state)
            .join(message_reference, message_reference.c.message_id == inbox.c.message_id)
            .where(
                message_reference.c.reference == enrollment_id,
                inbox.c.type == EnrollmentAssessed.TYPE,
                inbox.c.state == "handled",
            )
        )
        self._poll(lambda connection: connection.scalar(query), self._certification)

    def _submitted_at(self, enrollment_id: str) -> datetime:
        # The moment of looking, not the row's own: that one is taken inside the transaction, before its commit.
        query = select(func.clock_timestamp()).where(
            outbox.c.type == MembershipSubmitted.TYPE, outbox.c.aggregateid == enrollment_id
        )
        found = self._poll(lambda connection: connection.scalar(query), self._certification)
        assert isinstance(found, datetime)
        return found

    def _webhook_at(self, booking_id: str) -> datetime:
        query = (
            select(func.min(inbox.c.received_at))
            .join(message_reference, message_reference.c.message_id == inbox.c.message_id)
            .where(
                inbox.c.consumer == "stripe",
                inbox.c.type.in_(CONFIRMING),
                message_reference.c.reference == booking_id,
            )
        )
        found = self._poll(lambda connection: connection.scalar(query), self._payment)
        assert isinstance(found, datetime)
        return found

    @staticmethod
    def _poll(read: Callable[[Connection], Any], engine: Engine) -> Any:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with read_connection(engine) as connection:
                if (found := read(connection)) is not None:
                    return found
            time.sleep(LOOK_EVERY_SECONDS)
        raise TimeoutError("the message did not arrive within 30 s")
