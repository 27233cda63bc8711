"""What people do on the whole site, in short words: plan, book, pay, look, complete, activate."""

import csv
import io
import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import requests

from services.enrollment import handlers
from services.enrollment.commands import BlockPlan, CreateWorkshop, PublishWorkshop
from services.enrollment.domain import Delivery
from services.enrollment.queries import account_by_email, seat_differences, workshop_page
from services.payment.queries import PaymentFilter, list_payments
from tests.support.in_process import Visitor, WholeSite

_NUMBERS = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Order:
    """A booking and its links."""

    booking_id: UUID
    reference: str
    amount_minor: int
    currency: str
    booking_url: str
    pay_url: str
    certificate_urls: tuple[str, ...]
    enrollment_ids: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class FinanceLine:
    """One line of finance's list, as the CSV has it."""

    state: str
    attention: str
    expected: str
    received: str
    difference: str
    others: str
    cells: dict[str, str] = field(repr=False)


def plan(site: WholeSite, *, publish: bool = True, **changes: Any) -> UUID:
    """A workshop of two days, in a week, with enough contact minutes for its course; published, or a draft."""
    enrollment = site.services["enrollment"]
    starts_at = site.clock.now() + timedelta(days=7)
    with enrollment.transactions.read() as session:
        trainer = account_by_email(session, "trainer@example.com")
    assert trainer is not None
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
        "price_minor": 100_000,
        "currency": "EUR",
        "trainer_id": trainer.staff_id,
        **changes,
    }
    with enrollment.transactions.begin() as tx:
        workshop = handlers.create_workshop(CreateWorkshop(**values), tx)
        if publish:
            handlers.publish_workshop(PublishWorkshop(workshop_id=workshop.workshop_id), tx)
    return workshop.workshop_id


def attendee(**changes: str) -> dict[str, str]:
    """Somebody who attends; nobody else has the same address."""
    number = next(_NUMBERS)
    address = f"attendee{number}@example.com"
    return {"given_name": "Grace", "family_name": "Hopper", "email": address, **changes}


def body(workshop: UUID, seats: int = 1, **changes: Any) -> dict[str, Any]:
    """What the API takes for a booking."""
    values = {
        "workshop_id": str(workshop),
        "payer_name": "Pia Payer",
        "payer_email": f"payer{next(_NUMBERS)}@example.com",
        "attendees": [attendee() for _ in range(seats)],
    }
    return {**values, **changes}


def new_key() -> dict[str, str]:
    """The header that every POST of the API needs."""
    return {"Idempotency-Key": str(uuid4())}


def book(site: WholeSite, workshop_id: UUID, seats: int = 1, **changes: Any) -> Order:
    """A booking through the API."""
    asked = body(workshop_id, seats, **changes)
    answer = site.api("POST", "/enrollment/api/bookings", json=asked, headers=new_key())
    assert answer.status_code == 201, answer.text
    given = answer.json()
    return Order(
        booking_id=UUID(given["booking_id"]),
        reference=given["reference"],
        amount_minor=given["amount_minor"],
        currency=given["currency"],
        booking_url=given["booking_url"],
        pay_url=given["pay_url"],
        certificate_urls=tuple(seat["certificate_url"] for seat in given["enrollments"]),
        enrollment_ids=tuple(UUID(seat["enrollment_id"]) for seat in given["enrollments"]),
    )


def go_to_stripe(site: WholeSite, order: Order) -> Visitor:
    """Open the pay link: the browser ends on Stripe's page."""
    browser = Visitor()
    browser.open(order.pay_url)
    assert browser.url.startswith(f"{site.stripe.url}/c/pay/"), (browser.url, browser.text)
    return browser


def pay_unnoticed(site: WholeSite, order: Order, **how: Any) -> dict[str, Any]:
    """Pay at Stripe and close the window: only a webhook or a timer can tell."""
    session_id = go_to_stripe(site, order).url.rsplit("/", 1)[1]
    paid: dict[str, Any] = site.stripe.pull("pay", session=session_id, **how)
    return paid


def pay(site: WholeSite, order: Order) -> str:
    """Pay, and let the webhooks come; gives the charge's id."""
    charge = pay_unnoticed(site, order)["charge"]["id"]
    site.deliver()
    return str(charge)


def pay_by_card(browser: Visitor) -> Visitor:
    """Fill Stripe's page in and send it; the browser comes back to us."""
    card = {"card_number": "4242424242424242", "card_expiry": "12/34", "card_cvc": "123", "name": "Pia Payer"}
    browser.submit(card, having="card_number")
    return browser


def page(url: str, *, status: int = 200) -> str:
    """The words of a page that must be there."""
    browser = Visitor()
    browser.open(url)
    assert browser.status == status, (browser.status, browser.text)
    return browser.text


def finance_line(site: WholeSite, order: Order) -> FinanceLine:
    """What finance reads about a booking in the downloaded list."""
    browser = site.staff("finance")
    browser.open(f"/finance/bookings.csv?q={order.reference}")
    assert browser.status == 200
    (cells,) = csv.DictReader(
        io.StringIO(browser.answer.content.decode().lstrip("\N{ZERO WIDTH NO-BREAK SPACE}"))
    )
    return FinanceLine(
        state=cells["State"],
        attention=cells["Needs attention"],
        expected=cells["Expected"],
        received=cells["Received"],
        difference=cells["Difference"],
        others=cells["Received in other currencies"],
        cells=cells,
    )


def payment_states(site: WholeSite, order: Order) -> list[str]:
    """How each payment of a booking stands, sorted."""
    wanted = PaymentFilter(booking_id=order.booking_id, state=None, query=None)
    with site.services["payment"].transactions.read() as session:
        return sorted(
            payment.state.value for payment, *_ in list_payments(session, wanted, limit=50, offset=0)
        )


def charges(site: WholeSite) -> list[int]:
    """How many paid sessions each of our references has at Stripe."""
    return sorted(site.stripe.counters()["charges_by_reference"].values())


def seats_left(site: WholeSite, workshop_id: UUID) -> int:
    """Free seats, after a look whether the counter and the live seats agree."""
    enrollment = site.services["enrollment"]
    with enrollment.transactions.read() as session:
        assert not seat_differences(session)
        shown = workshop_page(session, workshop_id, site.clock.now())
    assert shown is not None
    return shown.seats_left


def end_workshop(site: WholeSite, days: float = 9) -> None:
    """The days go by in which a workshop made by `plan` takes place."""
    site.pass_time(days=days)


def complete(site: WholeSite, workshop_id: UUID) -> Visitor:
    """The trainer marks everyone present, decides yes on all, and completes."""
    trainer = site.staff("trainer")
    trainer.open(f"/trainer/workshops/{workshop_id}")
    trainer.submit({}, press=("step", "everyone"), having="step")
    people = {
        name.split("-", 1)[1][:36] for name in trainer.form("step").fields if name.startswith("minutes-")
    }
    decisions = {
        f"{subject}-{one}": "yes" for one in people for subject in ("participation", "understanding")
    }
    trainer.submit(decisions, press=("step", "complete"), having="step")
    assert "names are released" in trainer.text, trainer.text
    site.carry()
    return trainer


def accepted(site: WholeSite) -> int:
    """How many names the Scrum Alliance has accepted."""
    return int(site.registry.counters()["accepted"])


def activate(site: WholeSite) -> None:
    """Whoever is on the roster follows the link in the Scrum Alliance's letter and accepts."""
    members = requests.get(f"{site.registry.url}/_sandbox/members", timeout=10).json()["members"]
    for member in members:
        visitor = Visitor()
        visitor.open(member["activation_url"]).submit({})
    site.tick("certification")
