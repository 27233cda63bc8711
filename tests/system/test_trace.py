"""One booking, followed through three services by their logs alone: from the request that placed it to the
registry's answer, without a gap, on both stacks."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.contracts.manifest import MANIFEST
from shared.observability.trace import Line, Trace, read_lines, trace
from tests.support.regulars import Regulars
from tests.support.site import RABBITMQ, STACKS, Site, Stack, real_servers

ROOT = Path(__file__).resolve().parents[2]


# Where each service has a process of its own in every test run; the other one in the long programme.
@pytest.fixture(
    scope="module",
    params=[each if each == RABBITMQ else pytest.param(each, marks=pytest.mark.long) for each in STACKS],
)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A whole site on each stack: its processes write the logs."""
    if request.param == RABBITMQ:
        servers = real_servers(request.getfixturevalue("rabbitmq"), request.getfixturevalue("postgres"))
        with servers as stack, Site(stack) as site:
            yield site
    else:
        with Site(Stack()) as site:
            yield site


@pytest.fixture(scope="module")
def booking(site: Site) -> str:
    """A booking that only webhooks told of, completed and submitted beside another one; gives its id."""
    regulars = Regulars(site)
    workshop = site.open_workshop("Followed through the logs")
    followed = regulars.book(workshop, ("Ada", "Lovelace"))
    other = regulars.book(workshop, ("Charles", "Babbage"))
    for each in (followed, other):
        regulars.pay(each)
    regulars.wait_until_over(workshop)
    regulars.complete(workshop)
    regulars.until(lambda: site.registry_counters()["accepted"] == 2)
    regulars.until(lambda: not any((*site.unhandled().values(), *site.unpublished().values())))
    return str(followed["booking_id"])


def all_lines(site: Site) -> list[Line]:
    """What every process of ours has written."""
    found: list[Line] = []
    for path in sorted((site.folder / "logs").glob("*.log")):
        if path.name != "sandboxes.log":
            found += read_lines(path.read_text().splitlines())
    return found


@pytest.fixture(scope="module")
def story(site: Site, booking: str) -> Trace:
    """What the logs tell of it, once the last lines are written."""
    found: list[Trace] = []

    def complete() -> bool:
        found.append(trace(all_lines(site), booking))
        return not gaps(found[-1])

    # What never becomes complete is told by the tests, in words.
    with contextlib.suppress(AssertionError):
        Regulars(site).until(complete)
    return found[-1]


def gaps(story: Trace) -> list[str]:
    """What is missing between the first line and the last."""
    missing = []
    published = {each for line in story.of("messages_published") for each in line["message_ids"]}
    handled = {(line["service"], line["message_id"]) for line in story.of("message_handled")}
    for said in story.of("message_said"):
        kind, message_id = said["event_type"], said["message_id"]
        if message_id not in published:
            missing.append(f"{kind} was said, but not published")
        missing += [
            f"{kind} did not reach {reader}"
            for reader, types in MANIFEST.subscriptions.items()
            if kind in types and (reader, message_id) not in handled
        ]
        cause = said["causation_id"]
        if cause is None:
            if not story.of("request", correlation_id=said["correlation_id"]):
                missing.append(f"nobody asked for {kind}")
        elif (said["service"], cause) not in handled:
            missing.append(f"what caused {kind} was not handled in {said['service']}")
    missing += [
        f"webhook {line['event_type']} was stored, but not handled"
        for line in story.of("message_received")
        if (line["service"], line["message_id"]) not in handled
    ]
    return missing


def only(lines: list[Line]) -> Line:
    """The one there must be."""
    (line,) = lines
    return line


def causes(story: Trace, message_id: str) -> list[str]:
    """From a message back to the request or webhook behind it: types, and at last the request's endpoint."""
    chain: list[str] = []
    at: str | None = message_id
    while at is not None:
        said = story.of("message_said", message_id=at)
        line = only(said or story.of("message_received", message_id=at))
        chain.append(str(line["event_type"]))
        at = line["causation_id"] if said else None
    chain += [str(r["endpoint"]) for r in story.of("request", correlation_id=line["correlation_id"])]
    return chain


def test_nothing_is_missing(story: Trace) -> None:
    assert gaps(story) == []


def test_the_registrys_answer_leads_back_to_every_request_behind_it(story: Trace) -> None:
    answered = only(story.of("registry_answered", call="submit"))
    assert (answered["service"], answered["status"]) == ("certification", 201)
    assert causes(story, answered["message_id"]) == [
        "membership.activation_requested.v1",
        "enrollment.assessed.v1",
        "trainer.change_roster",
    ]
    # The other two facts of the join came before it, each from where it began.
    paid = only(story.of("message_said", event_type="payment.confirmed.v1"))
    assert causes(story, paid["message_id"])[-1] == "webhooks.stripe_webhook"
    seated = only(story.of("message_said", event_type="booking.confirmed.v1"))
    assert causes(story, seated["message_id"])[:2] == ["booking.confirmed.v1", "payment.confirmed.v1"]
    placed = only(story.of("message_said", event_type="booking.placed.v1"))
    (endpoint,) = causes(story, placed["message_id"])[1:]
    assert endpoint.startswith("bookings")


def test_it_happened_in_this_order(story: Trace) -> None:
    steps = [
        ("message_said", "enrollment", "booking.placed.v1"),
        ("message_handled", "payment", "booking.placed.v1"),
        ("message_said", "payment", "checkout.opened.v1"),
        ("message_received", "payment", "charge.succeeded"),
        ("message_said", "payment", "payment.confirmed.v1"),
        ("message_handled", "enrollment", "payment.confirmed.v1"),
        ("message_said", "enrollment", "booking.confirmed.v1"),
        ("message_handled", "certification", "booking.confirmed.v1"),
        ("message_said", "enrollment", "enrollment.assessed.v1"),
        ("message_handled", "certification", "enrollment.assessed.v1"),
        ("message_said", "certification", "membership.activation_requested.v1"),
        ("registry_answered", "certification", "membership.activation_requested.v1"),
        ("message_handled", "certification", "membership.activation_requested.v1"),
        ("message_said", "certification", "membership.submitted.v1"),
        ("message_handled", "enrollment", "membership.submitted.v1"),
    ]
    happened = [(line["event"], line.get("service"), line.get("event_type")) for line in story.lines]
    positions = [happened.index(step) for step in steps]
    assert positions == sorted(positions), [str(steps[n]) for n in range(len(steps))]
    assert {line["service"] for line in story.lines if line["event"] == "message_handled"} == {
        "enrollment",
        "payment",
        "certification",
    }


def test_of_another_booking_it_tells_nothing(site: Site, story: Trace, booking: str) -> None:
    mine = {line["message_id"] for line in story.of("message_said")}
    others = [
        line
        for line in all_lines(site)
        if line["event"] == "message_said"
        and line["event_type"] == "booking.placed.v1"
        and booking not in line["references"]
    ]
    assert others
    assert not mine & {line["message_id"] for line in others}


def test_a_line_that_is_gone_is_a_gap(story: Trace) -> None:
    """The negative control: without any one of the steps, the check says that something is missing."""
    for event in ("messages_published", "message_handled", "request"):
        without = Trace(lines=[line for line in story.lines if line["event"] != event])
        assert gaps(without), event


def test_the_command_tells_it_to_people(site: Site, booking: str) -> None:
    logs = [str(path) for path in sorted((site.folder / "logs").glob("*.log"))]
    told = subprocess.run(
        [sys.executable, "-m", "services", "trace", booking, *logs],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert "said booking.placed.v1" in told
    assert "handled membership.activation_requested.v1 (submit_membership)" in told
    assert "registry_answered" in told
