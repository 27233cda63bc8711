"""The API of all three services: the main job by programs alone, and who may call what."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import requests

from tests.support.in_process import Visitor, WholeSite
from tests.support.whole_story import activate, body, book, end_workshop, new_key, pay_unnoticed, plan


def csrf(staff: Visitor, page: str) -> dict[str, str]:
    """The header that a script on this page would send."""
    staff.open(page)
    return {"X-CSRF-Token": staff.form("csrf_token").fields["csrf_token"], **new_key()}


def test_the_main_job_goes_through_the_api(rostrum: WholeSite) -> None:
    workshop = str(plan(rostrum))
    listed = rostrum.api("GET", "/enrollment/api/workshops").json()["workshops"]
    assert workshop in [each["workshop_id"] for each in listed]
    shown = rostrum.api("GET", f"/enrollment/api/workshops/{workshop}").json()
    assert (shown["seats_left"], shown["bookable"], shown["contact_minutes"]) == (10, True, 840)

    key = new_key()
    asked = body(UUID(workshop), expected_amount_minor=100_000)
    first, again = (
        rostrum.api("POST", "/enrollment/api/bookings", json=asked, headers=key) for _ in range(2)
    )
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    booked = first.json()
    assert rostrum.api("GET", f"/enrollment/api/workshops/{workshop}").json()["seats_left"] == 9
    (seat,) = booked["enrollments"]

    Visitor().open(booked["pay_url"])
    (session,) = rostrum.stripe.state()["checkout.session"]
    rostrum.stripe.pull("pay", session=session["id"])
    rostrum.deliver()
    booking = _get(rostrum, f"/enrollment/api/bookings/{booked['booking_token']}")
    assert booking["state"] == "confirmed"
    assert booking["attendees"][0]["coverage"] == "covered"

    finance = rostrum.staff("finance").session
    found = _get(rostrum, f"/payment/api/payments?booking_id={booked['booking_id']}", finance)
    (payment,) = found["items"]
    assert (payment["state"], payment["amount_minor"], payment["currency"]) == ("covering", 100_000, "EUR")
    assert _get(rostrum, f"/payment/api/payments/{payment['payment_id']}", finance)["refunds"] == []

    end_workshop(rostrum)
    trainer = rostrum.staff("trainer")
    roster = f"/trainer/workshops/{workshop}"
    completion = f"{rostrum.url}/enrollment/api/workshops/{workshop}/completion"
    headers = csrf(trainer, roster)
    early = trainer.session.post(completion, headers=headers, timeout=10)
    assert early.status_code == 409
    assert seat["enrollment_id"] in str(early.json()["errors"])
    trainer.submit({}, press=("step", "everyone"), having="step")
    decisions = {
        f"{subject}-{seat['enrollment_id']}": "yes" for subject in ("participation", "understanding")
    }
    trainer.submit(decisions, press=("step", "save"), having="step")
    done = trainer.session.post(completion, headers={**headers, **new_key()}, timeout=10)
    assert done.status_code == 200, done.text
    assert (done.json()["state"], done.json()["released"], done.json()["eligible"]) == ("completed", 1, 1)
    rostrum.carry()
    activate(rostrum)

    ops = rostrum.staff("ops").session
    (activation,) = _get(rostrum, f"/certification/api/activations?q={booked['reference']}", ops)["items"]
    assert activation["state"] == "activated"
    token = seat["certificate_url"].rsplit("/", 1)[1]
    path = f"/certification/api/certificates/{seat['enrollment_id']}"
    for progress in (_get(rostrum, f"{path}?token={token}"), _get(rostrum, path, ops)):
        assert progress["missing"] == []
        assert progress["certificate"]["standing"] == "valid"


def _get(rostrum: WholeSite, path: str, session: requests.Session | None = None) -> dict[str, Any]:
    answer = (session or requests).get(f"{rostrum.url}{path}", timeout=10)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


NOBODY = UUID(int=7)
STAFF_ONLY = {
    "/payment/api/payments": "finance",
    f"/payment/api/payments/{NOBODY}": "finance",
    "/certification/api/activations": "ops",
}


@pytest.mark.parametrize("path", STAFF_ONLY)
def test_staff_only(shared_rostrum: WholeSite, path: str) -> None:
    url = f"{shared_rostrum.url}{path}"
    nobody = requests.get(url, timeout=10)
    assert nobody.status_code == 401
    assert nobody.headers["WWW-Authenticate"].startswith("Cookie")
    stranger = shared_rostrum.staff("trainer").session.get(url, timeout=10)
    assert stranger.status_code == 403
    for answer in (nobody, stranger):
        assert answer.headers["Content-Type"] == "application/problem+json"
    for role in (STAFF_ONLY[path], "admin"):
        assert shared_rostrum.staff(role).session.get(url, timeout=10).status_code in (200, 404)
    forged = requests.get(url, cookies={"rostrum_staff": "e30.forged"}, timeout=10)
    assert forged.status_code == 401


def test_completion_needs_the_trainer_and_the_header(shared_rostrum: WholeSite) -> None:
    workshop = plan(shared_rostrum)
    url = f"{shared_rostrum.url}/enrollment/api/workshops/{workshop}/completion"
    assert requests.post(url, timeout=10).status_code == 401
    trainer = shared_rostrum.staff("trainer")
    headers = csrf(trainer, f"{shared_rostrum.url}/trainer/workshops/{workshop}")
    for wrong in (
        new_key(),
        {"X-CSRF-Token": "nonsense", **new_key()},
        csrf(shared_rostrum.staff("admin"), f"{shared_rostrum.url}/staff"),
    ):
        refused = trainer.session.post(url, headers=wrong, timeout=10)
        assert refused.status_code == 403
        assert refused.json()["code"] == "form_too_old"
    # Too early, but let in.
    assert trainer.session.post(url, headers=headers, timeout=10).status_code == 409
    finance = shared_rostrum.staff("finance")
    stranger = csrf(finance, f"{shared_rostrum.url}/finance")
    assert finance.session.post(url, headers=stranger, timeout=10).status_code == 403


def test_links_open_what_they_name_and_nothing_else(shared_rostrum: WholeSite) -> None:
    workshop = plan(shared_rostrum)
    one, other = book(shared_rostrum, workshop), book(shared_rostrum, workshop)
    pay_unnoticed(shared_rostrum, one)
    shared_rostrum.deliver()
    token = shared_rostrum.token("certificate", one.enrollment_ids[0])
    mine, theirs = (f"/certification/api/certificates/{each.enrollment_ids[0]}" for each in (one, other))
    assert shared_rostrum.api("GET", mine, headers={"X-Link-Token": token}).status_code == 200
    assert shared_rostrum.api("GET", mine).status_code == 401
    assert shared_rostrum.api("GET", theirs, headers={"X-Link-Token": token}).status_code == 404
    stale = shared_rostrum.token("certificate", one.enrollment_ids[0], version=0)
    assert shared_rostrum.api("GET", mine, headers={"X-Link-Token": stale}).status_code == 410
    for wrong in (token, shared_rostrum.token("pay", one.booking_id), "nonsense"):
        answer = shared_rostrum.api("GET", f"/enrollment/api/bookings/{wrong}")
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
    early = shared_rostrum.api("GET", f"/enrollment/api/bookings/{shared_rostrum.token('booking', uuid4())}")
    assert (early.status_code, early.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize("service", ["enrollment", "payment", "certification"])
def test_each_api_describes_itself(shared_rostrum: WholeSite, service: str) -> None:
    document = _get(shared_rostrum, f"/{service}/api/openapi.json")
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in ("get", "post"):
                assert operation["summary"], (path, method)
                assert "security" in operation, (path, method)
    assert shared_rostrum.api("GET", f"/{service}/docs").status_code == 200
