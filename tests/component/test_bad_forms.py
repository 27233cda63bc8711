"""Forms and API calls that are wrong: the answer names the field, and what was typed is still there."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import requests

from tests.support.in_process import Visitor, WholeSite
from tests.support.whole_story import attendee, body, book, end_workshop, new_key, pay, plan

NOBODY = UUID(int=7)


@pytest.fixture(scope="module")
def workshop(shared_rostrum: WholeSite) -> UUID:
    """A workshop with free seats."""
    return plan(shared_rostrum)


def shows_a_problem(visitor: Visitor, *fields: str) -> None:
    """The summary comes first, with a link to each wrong field; beside each field stands what is wrong."""
    assert visitor.status == 422
    html = visitor.answer.text
    assert html.index('role="alert"') < html.index("<h1")
    assert "<title>Error: " in html
    assert "There is a problem" in visitor.text
    for field in fields:
        assert f'href="#{field}"' in html, field
        assert f'id="{field}-error"' in html, field


def test_the_checkout_names_every_field_and_keeps_what_was_typed(
    shared_rostrum: WholeSite, workshop: UUID
) -> None:
    visitor = shared_rostrum.visitor()
    visitor.open(f"/workshops/{workshop}/book?seats=2")
    typed = {
        "payer_name": "",
        "payer_email": "pia at example.com",
        "attendees-0-given_name": "Zoë <b>",
        "attendees-0-family_name": "x" * 101,
        "attendees-0-email": "zoe@example.com",
        "attendees-1-given_name": "Ann",
        "attendees-1-family_name": "Lee",
        "attendees-1-email": "ZOE@example.com",
    }
    visitor.submit(typed, press=("step", "check"), having="payer_name")

    shows_a_problem(visitor, "payer_name", "payer_email", "attendees-0-family_name")
    assert "name@example.com" in visitor.text
    kept = visitor.form("payer_name").fields
    assert {name: kept[name] for name in typed} == typed

    visitor.submit(
        {"payer_name": "Pia", "payer_email": "pia@example.com", "attendees-0-family_name": "Li"},
        press=("step", "check"),
        having="payer_name",
    )
    shows_a_problem(visitor, "attendees-1-registry_email")
    assert "Attendee 1 has the same address" in visitor.text
    visitor.submit({"attendees-1-email": "ann@example.com"}, press=("step", "check"), having="payer_name")
    assert visitor.status == 200
    assert "Check your answers" in visitor.text


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [
        ("", "", "email"),
        ("trainer@example.com", "", "password"),
        ("nobody@example.com", "wrong", "email"),
        ('o\'brien+"x"@example.com', "wrong", "email"),
    ],
)
def test_the_sign_in_says_what_is_missing(
    shared_rostrum: WholeSite, email: str, password: str, field: str
) -> None:
    visitor = Visitor()
    visitor.open(f"{shared_rostrum.url}/staff/login?next=/trainer")
    visitor.submit({"email": email, "password": password}, having="password")

    shows_a_problem(visitor, field)
    kept = visitor.form("password").fields
    assert (kept["email"], kept["password"], kept["next"]) == (email, "", "/trainer")


def test_the_roster_keeps_what_was_typed(rostrum: WholeSite) -> None:
    workshop = plan(rostrum)
    order = book(rostrum, workshop, attendees=[attendee(given_name="Zoë", family_name="Li")])
    pay(rostrum, order)
    end_workshop(rostrum)
    trainer = rostrum.staff("trainer")
    trainer.open(f"/trainer/workshops/{workshop}")
    person = str(order.enrollment_ids[0])
    first, second = (name for name in trainer.form("step").fields if name.startswith("minutes-"))
    typed = {first: "many", second: "9999", f"participation-{person}": "yes"}
    trainer.submit(typed, press=("step", "complete"), having="step")

    shows_a_problem(trainer, first, second)
    kept = trainer.form("step").fields
    assert {name: kept[name] for name in typed} == typed

    trainer.submit({first: "420", second: "420"}, press=("step", "complete"), having="step")
    shows_a_problem(trainer)
    assert "Zoë Li" in trainer.text
    assert trainer.form("step").fields[first] == "420"


@pytest.mark.parametrize(
    "field", ["minutes-nonsense", "minutes-", "participation-nobody", f"minutes-{NOBODY}-nonsense"]
)
def test_a_roster_form_that_no_page_of_ours_made_is_refused(
    shared_rostrum: WholeSite, workshop: UUID, field: str
) -> None:
    trainer = shared_rostrum.staff("trainer")
    trainer.open(f"/trainer/workshops/{workshop}")
    fields = {**trainer.form("csrf_token").fields, field: "5"}
    for step in ("save", "correct-nobody"):
        trainer.open(f"/trainer/workshops/{workshop}")
        answer = trainer.session.post(trainer.url, data={**fields, "step": step}, timeout=10)
        assert answer.status_code == 400, answer.text
        assert "reload the page" in answer.text


def problem(answer: requests.Response, status: int) -> dict[str, Any]:
    """The problem document, whole."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["type"].startswith("http")
    assert document["title"]
    assert document["detail"].endswith(".")
    assert document["correlation_id"]
    return document


WRONG_BODIES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "nothing": ({"workshop_id": None, "payer_name": None, "attendees": []}, {"workshop_id", "payer_name", "attendees"}),
    "names": (
        {"payer_name": "A\r\nBcc: x@example.com", "attendees": [attendee(given_name="\u202eevil")]},
        {"payer_name", "attendees.0.given_name"},
    ),
    "addresses": (
        {"payer_email": "a@b", "attendees": [attendee(email="@"), attendee(registry_email="x y@example.com")]},
        {"payer_email", "attendees.0.email", "attendees.1.registry_email"},
    ),
    "kinds": (
        {"payer_name": 7, "attendees": "all", "expected_amount_minor": "free", "workshop_id": "W1"},
        {"payer_name", "attendees", "expected_amount_minor", "workshop_id"},
    ),
    "too many": ({"attendees": [attendee() for _ in range(51)]}, {"attendees"}),
    "unknown": ({"discount": 100, "attendees": [{**attendee(), "role": "admin"}]}, {"discount", "attendees.0.role"}),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_BODIES)
def test_the_api_names_every_wrong_field(shared_rostrum: WholeSite, workshop: UUID, case: str) -> None:
    changes, fields = WRONG_BODIES[case]
    answer = shared_rostrum.api(
        "POST", "/enrollment/api/bookings", json=body(workshop, **changes), headers=new_key()
    )
    errors = problem(answer, 422)["errors"]
    assert {error["field"] for error in errors} == fields
    assert all(error["detail"] for error in errors)


@pytest.mark.parametrize(
    ("role", "path", "field"),
    [
        ("finance", "/payment/api/payments?state=lost+somehow", "state"),
        ("finance", "/payment/api/payments?booking_id=R-1", "booking_id"),
        ("finance", "/payment/api/payments?page=0", "page"),
        ("finance", "/payment/api/payments?colour=red", "colour"),
        ("ops", "/certification/api/activations?state=happy", "state"),
        ("ops", "/certification/api/activations?page=-1", "page"),
        ("ops", "/certification/api/activations?sate=waiting", "sate"),
        ("ops", f"/certification/api/certificates/{NOBODY}?token={'x' * 513}", "token"),
    ],
)
def test_the_staff_api_names_the_wrong_parameter(
    shared_rostrum: WholeSite, role: str, path: str, field: str
) -> None:
    answer = shared_rostrum.staff(role).session.get(f"{shared_rostrum.url}{path}", timeout=10)
    assert [error["field"] for error in problem(answer, 422)["errors"]] == [field]


def test_what_is_no_request_at_all_is_a_problem_too(shared_rostrum: WholeSite, workshop: UUID) -> None:
    path, json_type = "/enrollment/api/bookings", {"Content-Type": "application/json", **new_key()}
    for text in ("{", '{"payer_name": "\\ud800"}', "[" * 5000, '"\\u0000"'):
        problem(shared_rostrum.api("POST", path, data=text, headers=json_type), 400)
    problem(shared_rostrum.api("POST", path, data="x" * 1_100_000, headers=json_type), 413)
    assert "Allow" in shared_rostrum.api("DELETE", path).headers
    problem(shared_rostrum.api("DELETE", path), 405)
    problem(shared_rostrum.api("GET", f"/enrollment/api/workshops/{uuid4()}"), 404)
    problem(shared_rostrum.api("GET", "/payment/api/nothing"), 404)
    key = {"Idempotency-Key": "k" * 256}
    answer = shared_rostrum.api("POST", path, json=body(workshop), headers=key)
    assert [error["field"] for error in problem(answer, 400)["errors"]] == ["Idempotency-Key"]
