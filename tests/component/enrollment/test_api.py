"""The API: what callers get, and what they are told when something is wrong."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from services.enrollment.domain import BookingState, WorkshopState
from shared.contracts.enrollment import EnrollmentAssessed
from tests.component.enrollment.browser import Browser
from tests.component.enrollment.shop import Shop

API = "/enrollment/api"


def body(workshop_id: UUID, **changes: Any) -> dict[str, Any]:
    """A booking as a program sends it."""
    return {
        "workshop_id": str(workshop_id),
        "payer_name": "Charles Babbage",
        "payer_email": "charles@example.com",
        "attendees": [{"given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.com"}],
        **changes,
    }


def refusal(answer: Any) -> tuple[int, str]:
    """Status and code of a problem."""
    assert answer.mimetype == "application/problem+json"
    return answer.status_code, answer.json["code"]


def fields_of(answer: Any) -> set[str]:
    """The fields a problem names."""
    assert answer.mimetype == "application/problem+json"
    return {error["field"] for error in answer.json["errors"]}


def test_the_catalogue_lists_what_can_be_booked(shop: Shop) -> None:
    later = shop.plan(title="Later", capacity=3)
    shop.plan(title="Draft", publish=False)
    shop.book(later, 1)
    client = Browser(shop).client
    listing = client.get(f"{API}/workshops").json
    assert listing is not None
    (entry,) = listing["workshops"]
    assert (entry["title"], entry["seats_left"], entry["price_minor"]) == ("Later", 2, 100_001)
    page = client.get(f"{API}/workshops/{later}").json
    assert page is not None
    assert page["contact_minutes"] == page["required_minutes"] == 840
    assert page["bookable"] is True
    assert len(page["blocks"]) == 2
    assert "join_link" not in page
    shop.clock.advance(timedelta(days=8))
    assert client.get(f"{API}/workshops").json == {"workshops": []}
    page = client.get(f"{API}/workshops/{later}").json
    assert page is not None
    assert page["closed_because"] == "This workshop has already begun."
    missing = client.get(f"{API}/workshops/{uuid4()}")
    assert refusal(missing) == (404, "unknown_workshop")


def test_a_booking_is_placed_and_read_by_its_link(shop: Shop) -> None:
    browser = Browser(shop)
    client = browser.client
    answer = client.post(f"{API}/bookings", json=body(shop.plan()), headers=browser.headers)
    assert answer.status_code == 201
    placed = answer.json
    assert placed is not None
    assert placed["pay_url"].endswith(f"/pay/{placed['pay_token']}")
    assert placed["booking_url"].endswith(f"/bookings/{placed['booking_token']}")
    assert placed["enrollments"][0]["certificate_url"].startswith("http://127.0.0.1:8000/certificates/")
    links = shop.service.links
    assert str(links.verify("pay", placed["pay_token"]).subject_id) == placed["booking_id"]

    seen = client.get(f"{API}/bookings/{placed['booking_token']}").json
    assert seen is not None
    assert (seen["reference"], seen["state"]) == (placed["reference"], "held")
    assert seen["attendees"][0]["registry_email"] == "ada@example.com"
    assert [step["state"] for step in seen["attendees"][0]["steps"]] == ["current", "todo", "todo", "todo"]
    assert seen["join_link"] is None


def test_links_for_other_things_do_not_open_a_booking(shop: Shop) -> None:
    client = Browser(shop).client
    placed = shop.book(shop.plan())
    links = shop.service.links
    good = links.issue("booking", placed.booking_id, 1)
    for token in (good[:-1], good + "x", links.issue("pay", placed.booking_id, 1), "x" * 600):
        assert client.get(f"{API}/bookings/{token}").status_code == 404
    replaced = client.get(f"{API}/bookings/{links.issue('booking', placed.booking_id, 0)}")
    assert replaced.status_code == 410
    ahead = client.get(f"{API}/bookings/{links.issue('booking', placed.booking_id, 2)}")
    assert ahead.status_code == 503
    assert ahead.headers["Retry-After"] == "2"


def test_a_full_workshop_is_a_conflict_that_names_the_seats_left(shop: Shop) -> None:
    workshop_id = shop.plan(capacity=2)
    shop.book(workshop_id, 1)
    two = [{"given_name": "A", "family_name": "B", "email": f"{name}@example.com"} for name in "ab"]
    browser = Browser(shop)
    answer = browser.client.post(
        f"{API}/bookings", json=body(workshop_id, attendees=two), headers=browser.headers
    )
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["code"] == "workshop_full"
    assert "1 seat is left" in answer.json["detail"]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"payer_email": "nobody"}, {"payer_email"}),
        ({"payer_name": ""}, {"payer_name"}),
        ({"payer_name": "Eve\nBcc: all@example.com"}, {"payer_name"}),
        ({"payer_name": 7, "payer_email": None}, {"payer_name", "payer_email"}),
        ({"attendees": []}, {"attendees"}),
        ({"attendees": [{}]}, {f"attendees.0.{name}" for name in ("given_name", "family_name", "email")}),
        ({"surprise": 1}, {"surprise"}),
        ({"expected_amount_minor": 1.5}, {"expected_amount_minor"}),
        (
            {"attendees": [{"given_name": "A", "family_name": "B", "email": "a@example.com"}] * 2},
            {"attendees.1.registry_email"},
        ),
    ],
)
def test_what_is_wrong_is_named_by_field(shop: Shop, changes: dict[str, Any], fields: set[str]) -> None:
    browser = Browser(shop)
    answer = browser.client.post(
        f"{API}/bookings", json=body(shop.plan(), **changes), headers=browser.headers
    )
    assert answer.status_code == 422
    assert fields_of(answer) == fields
    assert shop.count("booking") == 0


def test_a_body_that_is_not_json_is_malformed(shop: Shop) -> None:
    browser = Browser(shop)
    answer = browser.client.post(
        f"{API}/bookings", data=b"{", headers={**browser.headers, "Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"


def test_the_price_that_was_shown_is_the_price(shop: Shop) -> None:
    workshop_id = shop.plan(price_minor=500)
    browser = Browser(shop)
    for shown, status in ((499, 409), (500, 201)):
        answer = browser.client.post(
            f"{API}/bookings", json=body(workshop_id, expected_amount_minor=shown), headers=browser.headers
        )
        assert answer.status_code == status
        assert status == 201 or refusal(answer) == (409, "price_changed")


def test_the_trainer_completes_through_the_api(shop: Shop) -> None:
    workshop_id = shop.plan()
    placed = shop.confirmed(workshop_id, 2)
    browser = Browser(shop, staff_id=shop.trainer_id)
    address = f"{API}/workshops/{workshop_id}/completion"

    early = browser.client.post(address, headers=browser.headers)
    assert refusal(early) == (409, "workshop_not_over")
    shop.clock.advance(timedelta(days=9))
    incomplete = browser.client.post(address, headers=browser.headers)
    assert incomplete.status_code == 409
    assert fields_of(incomplete) == {str(one) for one in placed.enrollment_ids}
    shop.fill_roster(workshop_id)
    done = browser.client.post(address, headers=browser.headers)
    assert done.status_code == 200
    assert done.json is not None
    assert (done.json["state"], done.json["released"], done.json["eligible"]) == ("completed", 2, 2)
    assert shop.workshop(workshop_id).state is WorkshopState.COMPLETED
    assert len(shop.said(EnrollmentAssessed)) == 2


def test_who_may_not_complete(shop: Shop) -> None:
    workshop_id = shop.plan()
    address = f"{API}/workshops/{workshop_id}/completion"
    shop.clock.advance(timedelta(days=9))
    assert Browser(shop).client.post(address).status_code == 401
    finance = Browser(shop, staff_id=uuid4(), roles=("finance",))
    assert finance.client.post(address, headers=finance.headers).status_code == 403
    stranger = Browser(shop, staff_id=uuid4())
    answer = stranger.client.post(address, headers=stranger.headers)
    assert refusal(answer) == (403, "not_your_workshop")
    trainer = Browser(shop, staff_id=shop.trainer_id)
    assert trainer.client.post(address).status_code == 403
    assert shop.workshop(workshop_id).state is WorkshopState.PUBLISHED


def test_the_description_names_every_operation(shop: Shop) -> None:
    document = Browser(shop).client.get(f"{API}/openapi.json").json
    assert document is not None
    assert {f"{API}{path}" for path in (
        "/workshops", "/workshops/{workshop_id}", "/workshops/{workshop_id}/completion", "/bookings",
        "/bookings/{token}",
    )} <= set(document["paths"])  # fmt: skip
    assert document["paths"][f"{API}/bookings"]["post"]["responses"].keys() >= {"201", "404", "409", "422"}


def test_placing_a_booking_stays_within_its_round_trips(shop: Shop) -> None:
    """The busiest path: one guarded update, two inserts, and the two of the outbox."""
    workshop_id = shop.plan()
    statements: list[str] = []
    engine = shop.service.engine
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2].split()[0]))
    placed = shop.book(workshop_id, 5)
    assert statements == ["BEGIN", "UPDATE", "INSERT", "INSERT", "INSERT", "INSERT"]
    assert shop.booking(placed.booking_id).state is BookingState.HELD
