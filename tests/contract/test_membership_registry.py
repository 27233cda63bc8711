"""What every adapter of the registry of members promises; the HTTP one, against the sandbox over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import requests
from flask import Flask

from deploy.sandbox.scrum_alliance.app import create_app, stop
from deploy.sandbox.scrum_alliance.config import ScrumAllianceConfig
from deploy.sandbox.serving import Serving
from services.certification.gateways.base import MembershipRegistry, MembershipRequest, SubmissionRefused
from services.certification.gateways.scrum_alliance import ScrumAlliance
from shared.clock import FrozenClock
from shared.errors import Unavailable

KEY = "a-key-of-this-test"
NOW = datetime(2026, 3, 28, 3, 30, tzinfo=UTC)


class Sandbox:
    """The stand-in's address and its controls."""

    def __init__(self, url: str) -> None:
        self.url = url

    def misbehave(self, behaviour: str, **more: Any) -> None:
        """Do `behaviour` from now on."""
        wish = {"behaviour": behaviour, **more}
        requests.post(f"{self.url}/_sandbox/behaviour", json=wish, timeout=5).raise_for_status()

    def behave(self) -> None:
        """Behave again."""
        requests.delete(f"{self.url}/_sandbox/behaviour", timeout=5).raise_for_status()

    def accepted(self, reference: str) -> list[dict[str, Any]]:
        """Names accepted under a reference."""
        answer = requests.get(f"{self.url}/_sandbox/members", params={"reference": reference}, timeout=5)
        members: list[dict[str, Any]] = answer.json()["members"]
        return members

    def do(self, reference: str, action: str) -> None:
        """What the student does there."""
        (member,) = self.accepted(reference)
        address = f"{self.url}/_sandbox/members/{member['id']}/{action}"
        requests.post(address, timeout=5).raise_for_status()


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    """The sandbox on a port of its own."""
    app = create_app(ScrumAllianceConfig(api_key=KEY, clock=FrozenClock(NOW)))
    serving = Serving("127.0.0.1", 0).start(app)
    yield Sandbox(serving.url)
    serving.stop()
    stop(app)


@pytest.fixture
def sandbox(server: Sandbox) -> Iterator[Sandbox]:
    """The sandbox, behaving again afterwards."""
    yield server
    server.behave()


@pytest.fixture
def registry(sandbox: Sandbox) -> MembershipRegistry:
    """The adapter under test, with short patience."""
    return ScrumAlliance(sandbox.url, KEY, timeouts=(1.0, 0.5))


def request_for(course_code: str = "CSPO", **more: str) -> MembershipRequest:
    """A name, under a reference nobody used."""
    values = {
        "reference": str(uuid4()), "course_code": course_code, "given_name": "Ada", "family_name": "Lovelace",
        "email": "ada@home.example", **more,
    }  # fmt: skip
    return MembershipRequest(**values)


def test_an_unknown_reference_is_none(registry: MembershipRegistry) -> None:
    assert registry.look_up(str(uuid4())) is None


def test_what_was_submitted_is_found_by_our_reference(registry: MembershipRegistry) -> None:
    request = request_for()
    record = registry.submit(request)
    assert record.reference == request.reference
    assert (record.activated_at, record.issued_on) == (None, None)
    assert registry.look_up(request.reference) == record


def test_the_name_arrives_as_it_was_sent(registry: MembershipRegistry, sandbox: Sandbox) -> None:
    request = request_for(given_name="Žofie-Ann", family_name="O’Brien 王")
    registry.submit(request)
    (member,) = sandbox.accepted(request.reference)
    assert (member["given_name"], member["family_name"]) == ("Žofie-Ann", "O’Brien 王")
    assert (member["email"], member["course_code"]) == ("ada@home.example", "CSPO")


def test_a_reference_is_found_as_a_whole_only(registry: MembershipRegistry) -> None:
    request = request_for()
    registry.submit(request)
    assert registry.look_up(f"{request.reference}.2") is None


def test_the_activation_comes_with_its_moment_and_the_date_of_issue(
    registry: MembershipRegistry, sandbox: Sandbox
) -> None:
    request = request_for()
    registry.submit(request)
    sandbox.do(request.reference, "activate")
    record = registry.look_up(request.reference)
    assert record is not None
    assert record.activated_at == NOW
    assert record.issued_on == NOW.date()


def test_a_course_with_an_exam_has_no_date_of_issue_before_it(
    registry: MembershipRegistry, sandbox: Sandbox
) -> None:
    request = request_for("CSM")
    registry.submit(request)
    sandbox.do(request.reference, "activate")
    record = registry.look_up(request.reference)
    assert record is not None
    assert record.issued_on is None
    sandbox.do(request.reference, "pass-exam")
    record = registry.look_up(request.reference)
    assert record is not None
    assert record.issued_on == NOW.date()


def test_the_same_request_again_is_answered_and_not_accepted_again(
    registry: MembershipRegistry, sandbox: Sandbox
) -> None:
    request = request_for()
    assert registry.submit(request) == registry.submit(request)
    assert len(sandbox.accepted(request.reference)) == 1


def test_an_unknown_address_is_refused_for_good_with_its_code(
    registry: MembershipRegistry, sandbox: Sandbox
) -> None:
    sandbox.misbehave("unknown_email")
    with pytest.raises(SubmissionRefused) as refusal:
        registry.submit(request_for())
    assert refusal.value.code == "unknown_email"


@pytest.mark.parametrize("behaviour", ["server_error", "too_many_requests"])
def test_trouble_on_their_side_is_unavailable(
    registry: MembershipRegistry, sandbox: Sandbox, behaviour: str
) -> None:
    request = request_for()
    registry.submit(request)
    sandbox.misbehave(behaviour, on="any")
    with pytest.raises(Unavailable):
        registry.submit(request_for())
    with pytest.raises(Unavailable):
        registry.look_up(request.reference)


def test_no_answer_in_time_is_unavailable(registry: MembershipRegistry, sandbox: Sandbox) -> None:
    sandbox.misbehave("slow", on="any", seconds=1.0)
    with pytest.raises(Unavailable):
        registry.submit(request_for())


def test_an_answer_lost_after_accepting_is_unavailable_and_the_name_is_found(
    registry: MembershipRegistry, sandbox: Sandbox
) -> None:
    sandbox.misbehave("no_deduplication")
    sandbox.misbehave("timeout_after_accepting", times=1)
    request = request_for()
    with pytest.raises(Unavailable):
        registry.submit(request)
    assert registry.look_up(request.reference) is not None
    assert len(sandbox.accepted(request.reference)) == 1


def test_a_wrong_key_is_mended_in_the_settings_so_it_is_unavailable(sandbox: Sandbox) -> None:
    stranger = ScrumAlliance(sandbox.url, "another-key")
    with pytest.raises(Unavailable):
        stranger.submit(request_for())


def test_nobody_there_is_unavailable_and_says_no_personal_data() -> None:
    nowhere = ScrumAlliance("http://127.0.0.1:1", KEY)
    with pytest.raises(Unavailable) as away:
        nowhere.submit(request_for())
    assert "ada" not in str(away.value).lower()


@pytest.mark.parametrize(
    "answer",
    ["<html>", "[]", "null", "17", "{}", '{"members": [{}]}', '{"reference": "r", "activated_at": "soon"}'],
)
def test_an_answer_that_cannot_be_read_is_no_answer(answer: str) -> None:
    """The name may have been accepted: it must be looked up again, and never be given up."""
    app = Flask("garbage")
    app.add_url_rule("/api/members", "members", lambda: answer, methods=["GET", "POST"])
    serving = Serving("127.0.0.1", 0).start(app)
    registry = ScrumAlliance(serving.url, KEY)
    with pytest.raises(Unavailable):
        registry.submit(request_for())
    with pytest.raises(Unavailable):
        registry.look_up("r")
    serving.stop()


def test_a_netrc_does_not_replace_our_key(
    registry: MembershipRegistry, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert registry.look_up(str(uuid4())) is None
