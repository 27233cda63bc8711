"""The Scrum Alliance sandbox misbehaves when it is told to, for as long as it is told to, and no longer."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support.sandboxes import ScrumAlliance, scrum_alliance_sandbox


@pytest.fixture
def registry() -> Iterator[ScrumAlliance]:
    with scrum_alliance_sandbox() as sandbox:
        yield sandbox


def test_accepted_but_never_answered(registry: ScrumAlliance) -> None:
    registry.behave(behaviour="timeout_after_accepting", times=1)
    with pytest.raises(requests.ConnectionError):
        registry.submit()
    assert registry.counters()["accepted"] == 1
    assert len(registry.look_up()) == 1
    assert registry.submit().status_code == 200, "the time is used up"


def test_accepted_but_answered_too_late_for_the_caller(registry: ScrumAlliance) -> None:
    registry.behave(behaviour="timeout_after_accepting", seconds=5, times=1)
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{registry.url}/api/members",
            json={
                "reference": "r",
                "course_code": "CSM",
                "given_name": "A",
                "family_name": "B",
                "email": "a@b.example",
            },
            headers=registry.key,
            timeout=0.3,
        )
    assert len(registry.look_up("r")) == 1


def test_errors_for_the_next_calls_accept_nothing(registry: ScrumAlliance) -> None:
    registry.behave(behaviour="server_error", times=2)
    registry.behave(behaviour="too_many_requests", seconds=7, times=1)
    assert [registry.submit().status_code for _ in range(2)] == [500, 500]
    limited = registry.submit()
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert registry.counters()["accepted"] == 0
    assert registry.submit().status_code == 201
    assert registry.counters()["references"]["ref-1"]["submissions"] == 4


def test_a_behaviour_may_hit_look_ups_and_last_until_reset(registry: ScrumAlliance) -> None:
    registry.behave(behaviour="server_error", on="look_up")
    url = f"{registry.url}/api/members?reference=ref-1"
    assert [requests.get(url, headers=registry.key, timeout=5).status_code for _ in range(3)] == [500] * 3
    assert registry.submit().status_code == 201
    assert requests.delete(f"{registry.url}/_sandbox/behaviour", timeout=5).json()["behaviours"] == []
    assert len(registry.look_up()) == 1


def test_slow_means_slow(registry: ScrumAlliance) -> None:
    registry.behave(behaviour="slow", seconds=0.4, times=1, on="any")
    started = time.monotonic()
    registry.look_up()
    assert time.monotonic() - started >= 0.4
    assert requests.get(f"{registry.url}/_sandbox/behaviour", timeout=5).json()["behaviours"] == []


def test_an_unknown_email_is_refused(registry: ScrumAlliance) -> None:
    registry.behave(behaviour="unknown_email", email="zoe@example.com")
    refused = registry.submit()
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_email")
    assert registry.submit(reference="ref-2", email="other@example.com").status_code == 201
    assert registry.look_up() == []


def test_without_deduplication_each_call_makes_another_member(registry: ScrumAlliance) -> None:
    registry.behave(behaviour="no_deduplication")
    assert [registry.submit().status_code for _ in range(3)] == [201] * 3
    assert len(registry.look_up()) == 3
    assert registry.counters()["references"]["ref-1"]["accepted"] == 3
    requests.post(f"{registry.url}/_sandbox/reset", timeout=5)
    assert registry.counters() == {
        "requests": 0, "submissions": 0, "look_ups": 0, "accepted": 0, "references": {},
    }  # fmt: skip
    assert [registry.submit().status_code for _ in range(2)] == [201, 200]


def test_students_may_activate_by_themselves(registry: ScrumAlliance) -> None:
    registry.behave(auto_activate=True)
    assert registry.submit().json()["status"] == "activated"
    registry.behave(auto_activate=False)
    assert registry.submit(reference="ref-2").json()["status"] == "submitted"


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"behaviour": "lazy"},
        {"behaviour": "slow", "seconds": -1},
        {"behaviour": "slow", "seconds": "many"},
        {"behaviour": "slow", "times": 0},
        {"behaviour": "slow", "on": "sundays"},
        {"behaviour": "unknown_email", "on": "look_up"},
        {"behaviour": "slow", "second": 1},
        ["slow"],
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(registry: ScrumAlliance, wish: Any) -> None:
    answer = requests.post(f"{registry.url}/_sandbox/behaviour", json=wish, timeout=5)
    assert answer.status_code == 422
    assert answer.json()["message"]
    assert requests.get(f"{registry.url}/_sandbox/behaviour", timeout=5).json()["behaviours"] == []
