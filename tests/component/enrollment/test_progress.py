"""Progress on the booking page: the newest facts, in whatever order they come."""

import itertools
from datetime import date, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from services.enrollment import handlers
from shared.contracts.certification import (
    CertificateHeld,
    CertificateIssued,
    MembershipActivated,
    MembershipActivationFailed,
    MembershipActivationRequested,
    MembershipSubmitted,
)
from shared.contracts.payment import CoverageFact, DisputeClosed, PaymentDisputed, PaymentRefunded
from shared.messaging.event import Event
from tests.component.enrollment.news import START, paid
from tests.component.enrollment.shop import Shop

Covered = Literal["covered", "uncovered", "frozen"]


def steps(shop: Shop, booking_id: UUID) -> list[str]:
    """The states of the four steps."""
    return [step.state for step in shop.page(booking_id).attendees[0].steps]


def story(placed: handlers.PlacedBooking) -> list[Event]:
    """From the request to the certificate."""
    person = placed.enrollment_ids[0]
    activation_id = uuid4()

    def common(minutes: int) -> dict[str, Any]:
        return {
            "enrollment_id": person,
            "booking_id": placed.booking_id,
            "activation_id": activation_id,
            "course_code": "CSPO",
            "occurred_at": START + timedelta(minutes=minutes),
        }

    return [
        MembershipActivationRequested(**common(1), submission_revision=1),
        MembershipActivationFailed(**common(2), reason="unknown_email"),
        MembershipSubmitted(**common(3)),
        MembershipActivated(**common(4)),
    ]


def test_every_order_of_the_membership_news_ends_the_same(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=50)
    for order in itertools.permutations(range(4)):
        placed = shop.confirmed(workshop_id)
        news = story(placed)
        for index in order:
            shop.tell(news[index])
        assert steps(shop, placed.booking_id) == ["done", "current", "done", "done"]
    placed = shop.confirmed(workshop_id)
    shop.tell(*reversed(story(placed)))
    assert steps(shop, placed.booking_id) == ["done", "current", "done", "done"]


def test_a_refusal_shows_until_it_is_mended(shop: Shop) -> None:
    placed = shop.confirmed(shop.plan())
    requested, failed, again, _ = story(placed)
    shop.tell(requested)
    assert steps(shop, placed.booking_id)[2] == "current"
    shop.tell(failed)
    assert steps(shop, placed.booking_id)[2] == "problem"
    shop.tell(again)
    assert steps(shop, placed.booking_id)[2] == "done"


def test_coverage_follows_the_newest_revision(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=30)

    def fact(placed: handlers.PlacedBooking, revision: int, state: Covered) -> dict[str, Any]:
        return {
            "payment_id": uuid4(),
            "payable_id": placed.booking_id,
            "booking_id": placed.booking_id,
            "amount_minor": placed.amount_minor,
            "currency": placed.currency,
            "occurred_at": START + timedelta(minutes=revision),
            "coverage": (
                CoverageFact(enrollment_id=placed.enrollment_ids[0], revision=revision, state=state),
            ),
        }

    for order in itertools.permutations(range(4)):
        placed = shop.book(workshop_id)
        news: list[Event] = [
            paid(placed),
            PaymentDisputed(**fact(placed, 2, "frozen"), dispute_id=uuid4()),
            DisputeClosed(**fact(placed, 3, "covered"), dispute_id=uuid4(), outcome="won"),
            PaymentRefunded(**fact(placed, 4, "uncovered"), refund_id=uuid4()),
        ]
        for index in order:
            shop.tell(news[index])
        page = shop.page(placed.booking_id)
        assert page.attendees[0].steps[0].text == "The payment was refunded."
        assert steps(shop, placed.booking_id)[0] == "problem"


def test_a_held_certificate_asks_the_office(shop: Shop) -> None:
    placed = shop.confirmed(shop.plan())
    person = placed.enrollment_ids[0]
    shop.tell(
        CertificateHeld(
            enrollment_id=person,
            booking_id=placed.booking_id,
            activation_id=uuid4(),
            course_code="CSPO",
            occurred_at=START,
            reason="uncovered",
        ),
        CertificateIssued(
            enrollment_id=person,
            booking_id=placed.booking_id,
            certificate_id=uuid4(),
            course_code="CSPO",
            occurred_at=START,
            issued_on=date(2027, 3, 3),
            expires_on=date(2029, 3, 3),
        ),
    )
    step = shop.page(placed.booking_id).attendees[0].steps[2]
    assert step.state == "problem"
    assert "office" in step.text


def test_the_join_link_is_for_confirmed_seats_only(shop: Shop) -> None:
    placed = shop.book(shop.plan())
    assert shop.page(placed.booking_id).join_link is None
    shop.tell(paid(placed))
    assert shop.page(placed.booking_id).join_link == "https://meet.example.com/room"
