"""Payment alone, in process, against the Stripe sandbox over real HTTP, driven by hand.

Both clocks are the same frozen one. Webhooks are taken from the sandbox's event list, signed here and
posted in the order a test wants; nothing happens by itself.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import UUID

import stripe
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from services.payment.app import build
from services.payment.domain import BookingAccount, Checkout, Coverage, Payment
from services.payment.settings import Settings
from services.payment.tasks import catch_up_with_events, reconcile_sessions
from shared.auth.principal import Principal
from shared.auth.staff_cookie import StaffCookie
from shared.clock import FrozenClock
from shared.config import load_settings
from shared.contracts.enrollment import BookingPlaced, Payer, PlacedSeat
from shared.db import migrate
from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import inbox as inbox_table
from shared.db.kernel_tables import outbox
from shared.ids import new_id
from shared.messaging import inbox
from shared.messaging.desk import Desk
from shared.messaging.event import Event
from shared.messaging.subscriptions import RetryPolicy, TimerContext
from shared.messaging.tasks import TaskRunner
from shared.service import Overrides
from shared.web.app import create_web
from tests.component.payment.stripe_server import StripeServer

E = TypeVar("E", bound=Event)

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
SECRET = "whsec_sandbox"
PUBLIC_URL = "http://127.0.0.1:8000"


class Site:
    """The payment service with its database, its web app and its worker's steps."""

    def __init__(self, folder: Path, *, url: str | None = None) -> None:
        self.clock = FrozenClock(START)
        self.stripe = StripeServer(self.clock)
        database = url or f"sqlite:///{folder / 'payment.sqlite'}"
        self.settings = load_settings(
            Settings,
            {
                "ROSTRUM_MODE": "sandbox",
                "DATABASE_URL": database,
                "EMBEDDED_DATABASES": f"payment=sqlite:///{folder / 'payment.sqlite'}",
                "PUBLIC_URL": PUBLIC_URL,
                "STRIPE_API_BASE": self.stripe.url,
                "STRIPE_CHECKOUT_ORIGIN": self.stripe.url,
            },
        )
        self.service = build(self.settings, Overrides(clock=self.clock))
        migrate.upgrade(self.service.engine, self.service.migrations, self.service.metadata)
        self.app = create_web(self.service)
        policy = RetryPolicy(steps=(0, 0))
        self._desk = Desk(self.service.transactions, self.service.reader, policy=policy, lease_seconds=60)
        self._tasks = TaskRunner(
            self.service.transactions, self.service.reader, policy=policy, lease_seconds=60
        )

    # What comes in ---------------------------------------------------------------------------------

    def hear(self, *events: Event, work: bool = True) -> None:
        """Events from the bus, in this order."""
        rows = []
        for event in events:
            message_id = new_id()
            body = self.service.codec.encode(
                event,
                message_id=str(message_id),
                time=self.clock.now(),
                correlation_id=str(message_id),
                causation_id=None,
                source="/test",
                sequence=None,
            ).body
            rows.append(
                inbox.new_row(
                    consumer=inbox.BUS,
                    message_id=str(message_id),
                    type=event.TYPE,
                    payload=body,
                    correlation_id=str(message_id),
                )
            )
        with write_connection(self.service.engine) as connection:
            inbox.store(connection, rows)
        if work:
            self.work()

    def work(self, steps: int = 50) -> None:
        """Handle what waits, until nothing does."""
        for _ in range(steps):
            if not self._desk.step() + self._tasks.step():
                return

    def webhook(self, event: dict[str, Any]) -> TestResponse:
        """Post one of the sandbox's events, signed as Stripe signs."""
        return self.post_webhook(json.dumps(event))

    def post_webhook(self, body: str, *, signature: str | None = None, secret: str = SECRET) -> TestResponse:
        """Post any body to the webhook."""
        header = signature or stripe.WebhookSignature.generate_signature_header(body, secret)
        return self.client().post(
            "/webhooks/stripe",
            data=body,
            headers={"Stripe-Signature": header},
            content_type="application/json",
        )

    def deliver(self, events: Iterable[dict[str, Any]], *, together: bool = False) -> None:
        """Post events in this order; handle each before the next, or all as one batch."""
        for event in events:
            assert self.webhook(event).status_code == 200
            if not together:
                self.work()
        self.work()

    def place(self, **changes: Any) -> BookingPlaced:
        """A booking for two seats at 595.00 EUR each, heard and handled."""
        event = booking(self.clock.now(), **changes)
        self.hear(event)
        return event

    # What people do --------------------------------------------------------------------------------

    def client(self) -> FlaskClient:
        """A browser without cookies."""
        return self.app.test_client()

    def staff(self, *roles: str) -> FlaskClient:
        """A browser of somebody with these roles."""
        client = self.app.test_client()
        cookie = StaffCookie(self.settings.staff_keys, secure=False)
        principal = Principal.sign_in(staff_id=new_id(), name="Fin Ance", roles=roles)
        response = self.app.response_class()
        cookie.write(response, principal)
        name, _, rest = response.headers["Set-Cookie"].partition("=")
        client.set_cookie(name, rest.split(";")[0], domain="localhost")
        return client

    def token(self, event: BookingPlaced, *, version: int | None = None) -> str:
        """The payer's link."""
        return self.service.links.issue("pay", event.booking_id, version or event.link_version)

    def click(self, event: BookingPlaced, *, client: FlaskClient | None = None) -> TestResponse:
        """The payer clicks "pay"."""
        return (client or self.client()).get(f"/pay/{self.token(event)}")

    def pay(self, event: BookingPlaced, **how: Any) -> dict[str, Any]:
        """Click and pay at Stripe; no webhook has been delivered yet."""
        assert self.click(event).status_code == 303
        paid: dict[str, Any] = self.stripe.pull("pay", session=self.checkout(event).stripe_session_id, **how)
        return paid

    # What is there ---------------------------------------------------------------------------------

    def account(self, event: BookingPlaced) -> BookingAccount:
        """The booking's account, as committed."""
        with self.service.transactions.read() as session:
            found = session.get(BookingAccount, event.booking_id)
        assert found is not None
        return found

    def checkouts(self, event: BookingPlaced) -> list[Checkout]:
        """Its attempts."""
        with self.service.transactions.read() as session:
            rows = session.scalars(
                select(Checkout).where(Checkout.booking_id == event.booking_id).order_by(Checkout.attempt)
            )
            return list(rows)

    def checkout(self, event: BookingPlaced) -> Checkout:
        """Its newest attempt."""
        return self.checkouts(event)[-1]

    def payments(self, event: BookingPlaced) -> list[Payment]:
        """Its payments, in the order of Stripe's time."""
        with self.service.transactions.read() as session:
            return list(
                session.scalars(
                    select(Payment)
                    .where(Payment.booking_id == event.booking_id)
                    .order_by(Payment.paid_at, Payment.payment_id)
                )
            )

    def coverage(self, event: BookingPlaced) -> dict[UUID, str]:
        """Enrollment → coverage."""
        with self.service.transactions.read() as session:
            rows = session.scalars(select(Coverage).where(Coverage.booking_id == event.booking_id))
            return {row.enrollment_id: row.state.value for row in rows}

    def covered(self, event: BookingPlaced) -> set[str]:
        """The states of its seats' coverage."""
        return set(self.coverage(event).values())

    def said(self, kind: type[E] | None = None) -> list[E]:
        """What was published, in order."""
        with read_connection(self.service.engine) as connection:
            bodies = connection.scalars(select(outbox.c.payload).order_by(outbox.c.seq)).all()
        events = [self.service.codec.decode(body.encode()).event for body in bodies]
        return [cast(E, event) for event in events if kind is None or isinstance(event, kind)]

    def inbox_states(self) -> dict[str, int]:
        """How many messages are in which state."""
        with read_connection(self.service.engine) as connection:
            states: Sequence[str] = connection.scalars(select(inbox_table.c.state)).all()
        return {state: states.count(state) for state in set(states)}

    # Time ------------------------------------------------------------------------------------------

    def pass_time(self, **length: float) -> None:
        """Business time goes on, here and at Stripe."""
        self.clock.advance(timedelta(**length))

    def reconcile(self) -> None:
        """One round of both timers, and what follows from it."""
        context = TimerContext(service=self.service, transactions=self.service.transactions, clock=self.clock)
        reconcile_sessions(context)
        catch_up_with_events(context)
        self.work()

    def close(self) -> None:
        """Give everything back."""
        self.stripe.close()
        self.service.engine.dispose()


def booking(now: datetime, *, share: int = 59_500, **changes: Any) -> BookingPlaced:
    """A sensible booking; its amount is the sum of its seats' shares."""
    two = (PlacedSeat(enrollment_id=new_id(), amount_minor=share, link_version=1) for _ in range(2))
    placed = tuple(changes.get("seats", two))
    values: dict[str, Any] = {
        "booking_id": new_id(),
        "reference": f"R-{new_id().hex[-6:].upper()}",
        "workshop_id": new_id(),
        "workshop_title": "Certified Scrum Product Owner",
        "course_code": "CSPO",
        "time_zone": "Europe/Berlin",
        "currency": "EUR",
        "amount_minor": sum(seat.amount_minor for seat in placed),
        "pay_by": now + timedelta(minutes=30),
        "link_version": 1,
        "seats": placed,
        "person": Payer(payer_name="Ada Lovelace", payer_email="ada@example.com", locale="en"),
    }
    return BookingPlaced(**{**values, **changes})
