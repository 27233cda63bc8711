"""Reads what is so: the three databases, and what Stripe and the Scrum Alliance hold."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import requests
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.certification.domain.activation import activation_id_of
from services.certification.domain.certificate import Certificate
from services.certification.domain.join import Join
from services.certification.domain.submission import reference_of
from services.enrollment.domain import Booking, Enrollment, Progress
from services.enrollment.queries import seat_differences
from services.payment.app import build as build_payment
from services.payment.domain import BookingAccount, Payable, Payment
from services.payment.settings import Settings
from shared.config import load_settings
from shared.contracts.manifest import MANIFEST
from shared.db.kernel_tables import inbox, outbox
from shared.messaging.inbox import BUS
from tests.chaos.probe import EFFECT
from tests.chaos.site import SERVICES, ChaosSite

_SETTLED = ("handled", "discarded")


@dataclass(frozen=True, kw_only=True)
class BookingTruth:
    """One booking as the databases and Stripe have it."""

    booking_id: UUID
    payer_email: str
    state: str
    seats: int
    charges: int = 0
    payments: int = 0
    account: str = ""


@dataclass(frozen=True, kw_only=True)
class SeatTruth:
    """One enrollment as the databases and the Scrum Alliance have it."""

    enrollment_id: UUID
    booking_id: UUID
    seat: str
    accepted: int = 0
    certificates: int = 0
    activation: str = ""
    shown_active: bool = False


@dataclass(frozen=True, kw_only=True)
class MessageTruth:
    """One message for one reader: how often it took effect, and whether it had trouble on the way."""

    message_id: str
    type: str
    reader: str
    effects: int
    troubled: bool


@dataclass(kw_only=True)
class Truth:
    """Everything the checker looks at."""

    bookings: list[BookingTruth] = field(default_factory=list)
    seats: list[SeatTruth] = field(default_factory=list)
    messages: list[MessageTruth] = field(default_factory=list)
    unknown_effects: list[str] = field(default_factory=list)
    """Effects of messages that nobody published."""
    unknown_charges: list[str] = field(default_factory=list)
    unknown_submissions: list[str] = field(default_factory=list)
    unpublished: list[str] = field(default_factory=list)
    unhandled: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    seat_differences: list[str] = field(default_factory=list)


def open_messages(site: ChaosSite) -> int:
    """How many messages are not at their end: neither published nor handled."""
    found = 0
    for engine in site.engines.values():
        with engine.connect() as connection:
            waiting = select(func.count()).where(outbox.c.published_at.is_(None))
            found += connection.scalar(waiting) or 0
            left = select(func.count()).where(inbox.c.state.not_in((*_SETTLED, "dead")))
            found += connection.scalar(left) or 0
    return found


def webhooks_due(site: ChaosSite) -> int:
    """How many webhooks Stripe's stand-in ought to have sent by now and has not."""
    answer = requests.get(f"{site.plan.stripe_url}/_sandbox/deliveries?state=pending", timeout=120).json()
    now = site.clock.now().timestamp()
    return sum(delivery["due_at"] <= now for delivery in answer["deliveries"])


def read_truth(site: ChaosSite) -> Truth:
    """Read everything, once all has settled."""
    truth = Truth()
    _read_business(site, truth)
    _read_messages(site, truth)
    return truth


def seats_of_workshop(site: ChaosSite, workshop_id: UUID) -> list[UUID]:
    """The enrollments that hold or keep a seat."""
    with Session(site.engines["enrollment"]) as session:
        kept = select(Enrollment.enrollment_id).where(
            Enrollment.workshop_id == workshop_id, Enrollment.seat == "kept"
        )
        return list(session.scalars(kept))


def _read_business(site: ChaosSite, truth: Truth) -> None:
    charges = _charges(site)
    references = requests.get(f"{site.plan.scrum_alliance_url}/_sandbox/counters", timeout=60).json()
    accepted: dict[str, int] = {
        reference: count["accepted"] for reference, count in references["references"].items()
    }
    with (
        Session(site.engines["enrollment"]) as ours,
        Session(site.engines["payment"]) as money,
        Session(site.engines["certification"]) as certificates,
    ):
        truth.seat_differences = [
            f"workshop {row.workshop_id}: {row.reserved} reserved, {row.live} live seats"
            for row in seat_differences(ours)
        ]
        payables: dict[str, UUID] = {
            str(payable_id): booking_id
            for payable_id, booking_id in money.execute(select(Payable.payable_id, Payable.booking_id))
        }
        charged = Counter(payables.get(reference) for reference in charges.elements())
        truth.unknown_charges = [reference for reference in charges if reference not in payables]
        payments = Counter(money.scalars(select(Payment.booking_id)))
        accounts = {row.booking_id: str(row.state) for row in money.scalars(select(BookingAccount))}
        for booking in ours.scalars(select(Booking)):
            truth.bookings.append(
                BookingTruth(
                    booking_id=booking.booking_id,
                    payer_email=booking.payer_email,
                    state=str(booking.state),
                    seats=booking.seats,
                    charges=charged[booking.booking_id],
                    payments=payments[booking.booking_id],
                    account=accounts.get(booking.booking_id, ""),
                )
            )
        joins = {join.enrollment_id: str(join.activation) for join in certificates.scalars(select(Join))}
        issued = Counter(certificates.scalars(select(Certificate.enrollment_id)))
        active = set(ours.scalars(select(Progress.enrollment_id).where(Progress.activated_at.is_not(None))))
        for enrollment in ours.scalars(select(Enrollment)):
            reference = reference_of(activation_id_of(enrollment.enrollment_id), 1)
            truth.seats.append(
                SeatTruth(
                    enrollment_id=enrollment.enrollment_id,
                    booking_id=enrollment.booking_id,
                    seat=str(enrollment.seat),
                    accepted=accepted.pop(reference, 0),
                    certificates=issued[enrollment.enrollment_id],
                    activation=joins.get(enrollment.enrollment_id, ""),
                    shown_active=enrollment.enrollment_id in active,
                )
            )
    truth.unknown_submissions = [reference for reference, count in accepted.items() if count]


def _charges(site: ChaosSite) -> Counter[str]:
    """Our reference (the payable) → charges that succeeded at Stripe."""
    state = requests.get(f"{site.plan.stripe_url}/_sandbox/state", timeout=120).json()
    by_intent = {
        session["payment_intent"]: str(session["client_reference_id"])
        for session in state["checkout.session"]
    }
    return Counter(
        by_intent.get(charge["payment_intent"], f"no session of {charge['id']}")
        for charge in state["charge"]
        if charge["status"] == "succeeded"
    )


def _stripe_events(site: ChaosSite, types: set[str]) -> dict[str, str]:
    state = requests.get(f"{site.plan.stripe_url}/_sandbox/state", timeout=120).json()
    return {event["id"]: event["type"] for event in state["event"] if event["type"] in types}


def _read_messages(site: ChaosSite, truth: Truth) -> None:
    published: dict[str, str] = {}
    for name, engine in site.engines.items():
        with engine.connect() as connection:
            for row in connection.execute(select(outbox.c.id, outbox.c.type, outbox.c.published_at)):
                published[str(row.id)] = row.type
                if row.published_at is None:
                    truth.unpublished.append(f"{row.type} {row.id} in the outbox of {name}")
    events = _stripe_events(site, set(_stripe_types(site)))
    for name in SERVICES:
        expected = {key: type for key, type in published.items() if type in MANIFEST.subscriptions[name]}
        if name == "payment":
            expected |= events
        _read_reader(site, name, expected, truth)


def _stripe_types(site: ChaosSite) -> list[str]:
    service = build_payment(load_settings(Settings, site.plan.environment("payment")))
    service.engine.dispose()
    return list(service.sources["stripe"].subscriptions)


def _read_reader(site: ChaosSite, name: str, expected: dict[str, str], truth: Truth) -> None:
    with site.engines[name].connect() as connection:
        effects = Counter(connection.scalars(select(EFFECT.c.message_id)))
        troubled = set()
        for row in connection.execute(
            select(
                inbox.c.message_id,
                inbox.c.type,
                inbox.c.consumer,
                inbox.c.state,
                inbox.c.attempts,
                inbox.c.interruptions,
                inbox.c.first_failed_at,
                inbox.c.error,
            )
        ):
            if row.attempts > 1 or row.interruptions or row.first_failed_at is not None:
                troubled.add(row.message_id)
            told = f"{row.type} {row.message_id} at {name}"
            if row.state == "dead":
                truth.dead.append(f"{told}: {row.error}")
            elif row.state not in _SETTLED:
                truth.unhandled.append(f"{told} is {row.state}: {row.error}")
            if row.consumer == BUS and row.message_id not in expected:
                truth.unknown_effects.append(f"{told} is in the inbox, and nobody published it")
    for message_id, event_type in expected.items():
        truth.messages.append(
            MessageTruth(
                message_id=message_id,
                type=event_type,
                reader=name,
                effects=effects.pop(message_id, 0),
                troubled=message_id in troubled,
            )
        )
    truth.unknown_effects += [f"{count} × {message_id} at {name}" for message_id, count in effects.items()]
