"""Enrollment's whole story on PostgreSQL: what SQLite forgives shows here."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Thread
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.enrollment import handlers, queries
from services.enrollment.commands import CompleteWorkshop, CorrectAssessment, Decision, MendSeats
from services.enrollment.domain import BookingState
from shared.contracts.certification import MembershipActivated, MembershipSubmitted
from shared.contracts.enrollment import EnrollmentAssessed, WorkshopCompleted
from tests.component.enrollment.browser import Browser
from tests.component.enrollment.news import START, opened, paid
from tests.component.enrollment.shop import Shop


@pytest.fixture
def shop(database_url: Callable[[], str]) -> Iterator[Shop]:
    """Enrollment alone, on PostgreSQL."""
    shop = Shop(database_url())
    yield shop
    shop.close()


def test_from_the_catalogue_to_the_activation(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=4)
    placed = shop.book(workshop_id, 2, submission_id=uuid4())
    late = shop.book(workshop_id, 1)
    shop.tell(opened(placed, START + timedelta(minutes=31)), paid(placed))
    shop.do_tasks()
    assert len(shop.mail.sent) == 4
    shop.clock.advance(timedelta(minutes=40))
    shop.end_holds()
    shop.tell(paid(late))
    assert {shop.booking(one.booking_id).state for one in (placed, late)} == {BookingState.CONFIRMED}

    shop.clock.advance(timedelta(days=9))
    shop.fill_roster(workshop_id, understanding=False)
    with shop.service.transactions.begin() as tx:
        handlers.complete_workshop(CompleteWorkshop(workshop_id=workshop_id, actor_id=shop.trainer_id), tx)
    person = placed.enrollment_ids[0]
    with shop.service.transactions.begin() as tx:
        decision = Decision(enrollment_id=person, subject="understanding", value=True)
        assert handlers.correct_assessment(
            CorrectAssessment(
                enrollment_id=person, actor_id=shop.trainer_id, reason="misread", decisions=(decision,)
            ),
            tx,
        )
    assert len(shop.said(WorkshopCompleted)) == 1
    assert sorted(event.revision for event in shop.said(EnrollmentAssessed)) == [1, 1, 1, 2]
    submitted = MembershipSubmitted(
        enrollment_id=person,
        booking_id=placed.booking_id,
        activation_id=uuid4(),
        course_code="CSPO",
        occurred_at=shop.clock.now(),
    )
    shop.tell(MembershipActivated(**vars(submitted)), submitted)

    first, second = shop.page(placed.booking_id).attendees
    assert [step.state for step in first.steps] == ["done"] * 4
    assert [step.state for step in second.steps] == ["done", "problem", "todo", "todo"]
    roster = shop.roster(workshop_id)
    assert (len(roster.entries), roster.held_seats, roster.is_complete) == (3, 0, True)
    with shop.service.transactions.read() as session:
        (line,) = queries.trainer_workshops(session, shop.trainer_id)
        assert (line.confirmed, line.reserved) == (3, 3)
        assert [row.name for row in queries.staff_list(session)] == ["Mira Lindqvist"]
    assert shop.seats_add_up()


def test_the_api_answers(shop: Shop) -> None:
    workshop_id = shop.plan()
    browser = Browser(shop)
    client = browser.client
    answer = client.post(
        "/enrollment/api/bookings",
        headers=browser.headers,
        json={
            "workshop_id": str(workshop_id),
            "payer_name": "Charles Babbage",
            "payer_email": "charles@example.com",
            "attendees": [{"given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.com"}],
        },
    )
    assert answer.status_code == 201
    assert answer.json is not None
    seen = client.get(f"/enrollment/api/bookings/{answer.json['booking_token']}")
    assert seen.json is not None
    assert seen.json["state"] == "held"
    catalogue = client.get("/enrollment/api/workshops").json
    assert catalogue is not None
    assert catalogue["workshops"][0]["seats_left"] == 9


def test_a_counter_is_mended_behind_the_holds_that_are_under_way(shop: Shop) -> None:
    """What has its seats and has not committed is waited for, and counted."""
    workshop_id = shop.plan()
    shop.book(workshop_id, 2)
    with shop.service.engine.begin() as connection:
        connection.execute(text("UPDATE workshop SET reserved = 6"))
    mended: list[queries.SeatDifference | None] = []

    def mend() -> None:
        with shop.service.transactions.begin() as tx:
            mended.append(handlers.mend_seats(MendSeats(workshop_id=workshop_id), tx))

    beside = Thread(target=mend)
    with shop.service.transactions.begin() as tx:
        handlers.place_booking(shop.command(workshop_id, 3), tx)
        beside.start()
        beside.join(0.5)
        assert beside.is_alive(), "the row is the lock"
    beside.join(30)

    (difference,) = mended
    assert difference is not None
    assert (difference.reserved, difference.live) == (9, 5)
    assert shop.workshop(workshop_id).reserved == 5
    assert shop.seats_add_up()
