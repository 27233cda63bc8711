"""The Scrum Alliance sandbox over real HTTP: what it promises, and how it misbehaves when it is told to."""

import concurrent.futures
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from shared.clock import FrozenClock
from tests.support.sandboxes import ScrumAlliance, mailbox_sandbox, scrum_alliance_sandbox
from tests.support.stripe_sandbox import wait_until


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 3, 6, 23, 30, tzinfo=UTC))


@pytest.fixture
def registry(clock: FrozenClock) -> Iterator[ScrumAlliance]:
    with scrum_alliance_sandbox(clock=clock) as sandbox:
        yield sandbox


def test_a_name_is_submitted_looked_up_and_activated(registry: ScrumAlliance, clock: FrozenClock) -> None:
    assert registry.look_up() == []
    accepted = registry.submit()
    assert accepted.status_code == 201
    expected = {
        "member_id": "sa_1",
        "reference": "ref-1",
        "course_code": "CSPO",
        "status": "submitted",
        "submitted_at": "2026-03-06T23:30:00+00:00",
        "activated_at": None,
        "issued_on": None,
    }
    assert accepted.json() == expected
    assert registry.look_up() == [expected]

    clock.advance(timedelta(hours=1))
    page = registry.activation_url()
    before = requests.get(page, timeout=5)
    assert "Accept the licence" in before.text
    assert "Zoë Li" in before.text
    assert "Certified Scrum Product Owner" in before.text
    after = requests.post(page, timeout=5)
    assert after.url == page
    assert "Your membership is active" in after.text
    assert "Accept the licence" not in after.text
    activated = {
        "status": "activated",
        "activated_at": "2026-03-07T00:30:00+00:00",
        "issued_on": "2026-03-07",
    }
    assert registry.look_up() == [{**expected, **activated}]

    clock.advance(timedelta(days=9))
    requests.post(page, timeout=5)
    assert registry.look_up() == [{**expected, **activated}], "a second press changes nothing"


def test_the_same_name_again_is_answered_not_accepted_twice(registry: ScrumAlliance) -> None:
    first, again = registry.submit(), registry.submit()
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    other = registry.submit(email="somebody.else@example.com")
    assert (other.status_code, other.json()["code"]) == (409, "reference_in_use")
    assert registry.submit(reference="ref-2").status_code == 201
    assert registry.counters() == {
        "requests": 4,
        "submissions": 4,
        "look_ups": 0,
        "accepted": 2,
        "references": {
            "ref-1": {"submissions": 3, "look_ups": 0, "accepted": 1},
            "ref-2": {"submissions": 1, "look_ups": 0, "accepted": 1},
        },
    }


def test_twenty_at_once_are_one(registry: ScrumAlliance) -> None:
    with concurrent.futures.ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: registry.submit().status_code, range(20)))
    assert sorted(answers) == [200] * 19 + [201]
    assert registry.counters()["accepted"] == 1


def test_a_certificate_with_an_exam_is_issued_when_it_is_passed(
    registry: ScrumAlliance, clock: FrozenClock
) -> None:
    registry.submit(course_code="CSM")
    member = f"{registry.url}/_sandbox/members/1"
    assert requests.post(f"{member}/pass-exam", timeout=5).json()["issued_on"] is None, (
        "not before activation"
    )
    answer = requests.post(registry.activation_url(), timeout=5)
    assert "Next step: the exam" in answer.text
    assert (registry.look_up()[0]["status"], registry.look_up()[0]["issued_on"]) == ("activated", None)
    clock.advance(timedelta(days=3))
    assert requests.post(f"{member}/pass-exam", timeout=5).json()["issued_on"] == "2026-03-09"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"reference": None}, "reference"),
        ({"reference": ""}, "reference"),
        ({"given_name": "  "}, "given_name"),
        ({"family_name": "Li\r\nBcc: everybody@example.com"}, "family_name"),
        ({"family_name": "L" * 201}, "family_name"),
        ({"given_name": 7}, "given_name"),
        ({"email": "not an address"}, "email"),
        ({"course_code": "cspo!"}, "course_code"),
        ({"course_ended_on": "yesterday"}, "course_ended_on"),
        ({"phone": "1"}, "phone"),
    ],
)
def test_wrong_fields_are_named_and_nothing_is_accepted(
    registry: ScrumAlliance, fields: dict[str, object], field: str
) -> None:
    answer = registry.submit(**fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert list(answer.json()["errors"]) == [field]
    assert registry.counters()["accepted"] == 0


def test_the_end_of_the_course_may_be_left_out(registry: ScrumAlliance) -> None:
    assert registry.submit(course_ended_on=None).status_code == 201


def test_only_the_holder_of_the_key_may_ask(registry: ScrumAlliance) -> None:
    for header in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer wröng".encode("latin-1")},
    ):
        for method in ("GET", "POST"):
            answer = requests.request(method, f"{registry.url}/api/members", headers=header, timeout=5)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert registry.counters()["requests"] == 0
    body = requests.post(f"{registry.url}/api/members", data="{", headers=registry.key, timeout=5)
    assert body.status_code == 400
    assert requests.get(f"{registry.url}/api/members", headers=registry.key, timeout=5).status_code == 422


def test_the_letter_brings_the_student_to_the_activation_page() -> None:
    with mailbox_sandbox() as post, scrum_alliance_sandbox(smtp_port=post.smtp_port) as registry:
        registry.submit()
        registry.submit()
        wait_until(lambda: bool(post.messages("zoe@example.com")))
        (letter,) = post.messages("zoe@example.com")
        assert letter["subject"] == "Activate your membership: Certified Scrum Product Owner"
        assert letter["text"].startswith("Hello Zoë,")
        (link,) = letter["links"]
        assert "Your membership is active" in requests.post(link, timeout=5).text
        assert registry.look_up()[0]["status"] == "activated"


def test_letters_wait_for_a_mailbox_that_is_away_and_survive_a_restart(tmp_path: Path) -> None:
    state_file = tmp_path / "state" / "scrum_alliance.sqlite"
    with scrum_alliance_sandbox(smtp_port=1, state_file=state_file) as registry:
        registry.submit()
        registry.submit(reference="odd", email="ö@exa,mple.example")
        token = registry.activation_url().rsplit("/", 1)[1]
    with (
        mailbox_sandbox() as post,
        scrum_alliance_sandbox(smtp_port=post.smtp_port, state_file=state_file) as registry,
    ):
        wait_until(lambda: bool(post.messages("zoe@example.com")))
        assert registry.counters()["references"]["ref-1"] == {"submissions": 1, "look_ups": 0, "accepted": 1}
        assert registry.submit().status_code == 200
        assert registry.activation_url().endswith(token)
        members = requests.get(f"{registry.url}/_sandbox/members", timeout=5).json()["members"]
        assert {m["reference"]: m["letter"] for m in members}["ref-1"] == "sent"


def test_hostile_names_stay_text(registry: ScrumAlliance) -> None:
    registry.submit(given_name="<script>alert(1)</script>", family_name="{{ 7*7 }}", reference="<b>r</b>")
    for url in (registry.url, registry.activation_url("<b>r</b>")):
        page = requests.get(url, timeout=5)
        assert "<script>" not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7*7 }}" in page.text
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_an_unknown_link_says_what_to_do(registry: ScrumAlliance) -> None:
    for method in ("GET", "POST"):
        answer = requests.request(method, f"{registry.url}/activate/nobody", timeout=5)
        assert answer.status_code == 404
        assert "Open the link from our letter again" in answer.text


def test_the_dashboard_shows_and_changes(registry: ScrumAlliance) -> None:
    assert "No name was submitted yet" in requests.get(registry.url, timeout=5).text
    registry.submit(course_code="CSM")
    requests.post(registry.activation_url(), timeout=5)
    form = {"behaviour": "slow", "times": "2", "seconds": ""}
    page = requests.post(f"{registry.url}/_sandbox/behaviour", data=form, timeout=5)
    assert page.url == f"{registry.url}/"
    assert "the next 2 calls" in page.text
    assert "Pass the exam" in page.text
    again = requests.post(f"{registry.url}/_sandbox/behaviour/reset", data={"reset": "1"}, timeout=5)
    assert "It behaves" in again.text


def test_another_site_cannot_press_the_buttons(registry: ScrumAlliance) -> None:
    for header in (
        {"Origin": "https://evil.example"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        answer = requests.post(f"{registry.url}/_sandbox/reset", headers=header, timeout=5)
        assert answer.status_code == 403
    for own in ({"Origin": registry.url}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}):
        assert requests.post(f"{registry.url}/_sandbox/reset", headers=own, timeout=5).status_code == 200
