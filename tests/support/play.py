"""One workshop's life in the whole site, step by step, for the state machine: what may happen, and what must hold.

Nothing happens by itself (see `in_process`): messages wait until a step carries them, webhooks until a step sends
them, in whatever order the steps come. `outcome` lets everything come to an end and compares.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from deploy.sandbox.stripe.store import CHARGE, EVENT
from services.enrollment import handlers as enrollment_handlers
from services.enrollment.commands import (
    BlockPlan,
    CompleteWorkshop,
    CorrectAssessment,
    CreateWorkshop,
    Decision,
    MarkEveryonePresent,
    PlaceBooking,
    PublishWorkshop,
    RecordDecisions,
)
from services.enrollment.domain import (
    Delivery,
    Enrollment,
    HoldPolicy,
    SeatState,
)
from services.enrollment.domain.people import AttendeeDetails, PayerDetails
from services.enrollment.queries import staff_list
from services.payment.commands import RequestCheckout
from services.payment.gateways.base import PaymentGateway
from services.payment.tasks import begin_checkout
from shared.db.engine import write_connection
from shared.db.kernel_tables import outbox
from shared.errors import AppError, Unavailable
from shared.messaging import leases
from tests.support.in_process import WholeSite

CAPACITY = 3
PRICE = 120_000
_MOST_ROUNDS = 60


class Play:
    """One example: a workshop of its own on a site that many examples share."""

    def __init__(self, site: WholeSite) -> None:
        self.site = site
        site.prompt = False
        self.bookings: list[UUID] = []
        self.enrollments: dict[UUID, UUID] = {}
        self.sessions: dict[UUID, str] = {}
        self.disputed: dict[UUID, str] = {}
        self.refunded: set[UUID] = set()
        self.eligible: dict[UUID, bool] = {}
        self.completed = False
        # A small Stripe keeps the examples quick; what an earlier one did there is in our books already.
        site.stripe.pull("reset")
        site.registry.behave(auto_activate=True)
        site.registry.behave(behaviour="no_deduplication")
        self.enrollment = site.services["enrollment"]
        with self.enrollment.transactions.read() as session:
            self.trainer = next(row.staff_id for row in staff_list(session) if "trainer" in row.roles)
        self.workshop_id = self._plan_workshop()

    def _plan_workshop(self) -> UUID:
        begin = self.site.clock.now() + timedelta(days=1)
        blocks = tuple(
            BlockPlan(
                starts_at=begin + timedelta(days=n),
                ends_at=begin + timedelta(days=n, hours=8),
                break_minutes=60,
            )
            for n in range(2)
        )
        with self.enrollment.transactions.begin() as tx:
            workshop = enrollment_handlers.create_workshop(
                CreateWorkshop(
                    course_code="CSPO",
                    title="A workshop",
                    delivery=Delivery.ONLINE,
                    time_zone="Europe/Berlin",
                    blocks=blocks,
                    capacity=CAPACITY,
                    price_minor=PRICE,
                    currency="EUR",
                    trainer_id=self.trainer,
                    join_link="https://meet.example.com/x",
                ),
                tx,
            )
            enrollment_handlers.publish_workshop(PublishWorkshop(workshop_id=workshop.workshop_id), tx)
        self.over_at = blocks[-1].ends_at
        return workshop.workshop_id

    # What people do ---------------------------------------------------------------------------------

    def book(self, seats: int) -> None:
        """A buyer books; a full workshop says so."""
        number = len(self.bookings)
        attendees = tuple(
            AttendeeDetails(
                given_name="Grace",
                family_name="Hopper",
                email=f"g{number}-{n}@example.com",
                registry_email=f"{self.workshop_id.hex[-6:]}-{number}-{n}@example.com",
            )
            for n in range(seats)
        )
        try:
            with self.enrollment.transactions.begin() as tx:
                placed = enrollment_handlers.place_booking(
                    PlaceBooking(
                        workshop_id=self.workshop_id,
                        attendees=attendees,
                        payer=PayerDetails(name="Grace Hopper", email="grace@example.com"),
                        hold=self.enrollment.gateway(HoldPolicy),
                    ),
                    tx,
                )
        except AppError:
            return
        self.bookings.append(placed.booking_id)
        for enrollment_id in placed.enrollment_ids:
            self.enrollments[enrollment_id] = placed.booking_id

    def buy(self, seats: int) -> None:
        """A buyer books and pays with everything running smoothly: later trouble needs something to trouble."""
        before = len(self.bookings)
        self.book(seats)
        self.site.carry()
        for booking_id in self.bookings[before:]:
            self.open_checkout(booking_id)
            self.pay(booking_id)

    def open_checkout(self, booking_id: UUID) -> None:
        """The buyer opens the payment page, if there is one to open."""
        payment = self.site.services["payment"]
        gateway: PaymentGateway = payment.gateway(PaymentGateway)  # type: ignore[type-abstract]  # the port is the key
        command = RequestCheckout(booking_id=booking_id, public_url=self.site.url, session_minutes=31)
        try:
            offer = begin_checkout(
                command, transactions=payment.transactions, gateway=gateway, checkpoint=payment.checkpoint
            )
        except Unavailable:
            return
        if offer.checkout is not None and offer.checkout.stripe_session_id:
            self.sessions[booking_id] = offer.checkout.stripe_session_id

    def pay(self, booking_id: UUID) -> None:
        """The buyer pays, if a page is open; Stripe's answer is all they see."""
        if booking_id in self.sessions:
            self._lever("pay", session=self.sessions[booking_id])

    def refund(self, booking_id: UUID) -> None:
        """Finance refunds the charge at Stripe, whole; refused while disputed."""
        if self._lever("refund", session=self.sessions[booking_id]):
            self.refunded.add(booking_id)

    def dispute(self, booking_id: UUID) -> None:
        """The buyer's bank disputes the charge."""
        if booking_id not in self.disputed and self._lever("dispute/open", session=self.sessions[booking_id]):
            self.disputed[booking_id] = "open"

    def decide_dispute(self, booking_id: UUID, outcome: str) -> None:
        """The bank decides."""
        if self.disputed.get(booking_id) == "open" and self._lever(
            f"dispute/{outcome}", session=self.sessions[booking_id]
        ):
            self.disputed[booking_id] = outcome

    def complete(self, eligible: bool) -> None:
        """The trainer completes the workshop after its end, with one verdict for all who are confirmed."""
        if self.completed:
            return
        now = self.site.clock.now()
        if now < self.over_at:
            self.site.clock.advance(self.over_at - now)
        with self.enrollment.transactions.begin() as tx:
            kept = self._kept(tx.session)
            enrollment_handlers.mark_everyone_present(
                MarkEveryonePresent(workshop_id=self.workshop_id, actor_id=self.trainer), tx
            )
            decisions = tuple(
                Decision(enrollment_id=enrollment_id, subject=subject, value=eligible)
                for enrollment_id in kept
                for subject in ("participation", "understanding")
            )
            enrollment_handlers.record_decisions(
                RecordDecisions(workshop_id=self.workshop_id, actor_id=self.trainer, decisions=decisions), tx
            )
            enrollment_handlers.complete_workshop(
                CompleteWorkshop(workshop_id=self.workshop_id, actor_id=self.trainer), tx
            )
        self.completed = True
        self.eligible |= dict.fromkeys(kept, eligible)

    def correct(self, enrollment_id: UUID, eligible: bool) -> None:
        """The trainer corrects one verdict; refused once the name was submitted."""
        decisions = tuple(
            Decision(enrollment_id=enrollment_id, subject=subject, value=eligible)
            for subject in ("participation", "understanding")
        )
        try:
            with self.enrollment.transactions.begin() as tx:
                enrollment_handlers.correct_assessment(
                    CorrectAssessment(
                        enrollment_id=enrollment_id,
                        actor_id=self.trainer,
                        reason="seen again",
                        decisions=decisions,
                    ),
                    tx,
                )
        except AppError:
            return
        self.eligible[enrollment_id] = eligible

    # What the machinery does ------------------------------------------------------------------------

    def relay(self, name: str) -> None:
        """One service publishes what waits."""
        self.site.workers[name].relay.step()

    def handle(self, name: str) -> None:
        """One service handles a batch."""
        self.site.workers[name].desk.step()

    def perform(self, name: str) -> None:
        """One service performs a task."""
        self.site.workers[name].tasks.step()

    def publish_again(self, name: str) -> None:
        """A relay died between the broker's confirm and its mark: everything it marked last is sent again."""
        with write_connection(self.site.services[name].engine) as connection:
            newest = select(outbox.c.seq).order_by(outbox.c.seq.desc()).limit(3).scalar_subquery()
            connection.execute(update(outbox).where(outbox.c.seq.in_(newest)).values(published_at=None))

    def vanish(self, name: str, *, task: bool) -> None:
        """A process dies just after it claimed a message."""
        service = self.site.services[name]
        kinds = service.reader.task_types()
        chosen: dict[str, Any] = {"only": kinds} if task else {"without": kinds}
        with write_connection(service.engine) as connection:
            leases.claim(connection, lease_seconds=-1, policy=service.policy, limit=1, **chosen)

    def deliver_webhook(self) -> None:
        """Stripe sends the next webhook that is due."""
        self.site.stripe.deliver()

    def deliver_webhooks(self) -> None:
        """Stripe sends every webhook that is due."""
        while self.site.stripe.deliver():
            pass

    def deliver_any_webhook(self, choice: int) -> None:
        """Stripe sends some event of this example, again or out of turn."""
        events = self.at_stripe(EVENT)
        if events:
            self._lever("resend", event=events[choice % len(events)]["id"])
            self.site.stripe.deliver()

    def trouble_at_registry(self, behaviour: str) -> None:
        """The Scrum Alliance misbehaves on the next submission; it never deduplicates in these plays."""
        self.site.registry.behave(behaviour=behaviour, times=1)

    # What the sandboxes and the databases say ------------------------------------------------------------

    def _kept(self, session: Session) -> list[UUID]:
        query = select(Enrollment.enrollment_id).where(
            Enrollment.workshop_id == self.workshop_id, Enrollment.seat == SeatState.KEPT
        )
        return list(session.scalars(query))

    def _lever(self, name: str, **sent: Any) -> bool:
        # People try things at any moment; the sandbox refuses what is not possible then.
        return self.site.stripe.try_lever(name, **sent).ok

    def at_stripe(self, kind: str) -> Sequence[dict[str, Any]]:
        """Everything of one kind at Stripe, newest first."""
        with self.site.stripe.sandbox.transaction() as tx:
            return list(tx.newest_first(kind))

    def charges_of(self, booking_id: UUID) -> Sequence[dict[str, Any]]:
        """What the booking's payer was charged."""
        charges = self.at_stripe(CHARGE)
        return [c for c in charges if c["metadata"].get("booking_id") == str(booking_id) and c["paid"]]
