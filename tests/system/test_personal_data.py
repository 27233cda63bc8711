"""Marked people go through the whole story on both stacks and are found in the listed columns and nowhere else."""

import time
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import requests

from shared.clock import OffsetClock
from tests.support.marked_people import MARK, MarkedPeople, Place
from tests.support.personal_data import SERVICES, Column, columns_holding, lines_holding, listed_columns
from tests.support.site import EMBEDDED, RABBITMQ, Site, Stack, real_servers

KERNEL = {"outbox", "inbox", "message_reference", "staff_refusal"}
KEPT: set[Column] = {("payment", "inbox", "note")}
"""Of the kernel's tables only the words of whoever discarded a message are kept."""

QUICK = {"RETRY_SECONDS": "1,1,1,1,1", "ACTIVATION_POLL_SECONDS": "0.5"}


@pytest.fixture(scope="module", params=[pytest.param(EMBEDDED, marks=pytest.mark.long), RABBITMQ])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site on each stack that marked people have left."""
    if request.param == RABBITMQ:
        servers = real_servers(request.getfixturevalue("rabbitmq"), request.getfixturevalue("postgres"))
        with servers as stack, Site(stack, settings=QUICK) as site:
            _visit(site)
            yield site
    else:
        with Site(Stack(), settings=QUICK) as site:
            _visit(site)
            yield site


def _visit(site: Site) -> None:
    clock = OffsetClock(site.plan.clock_file)

    def advance(length: timedelta) -> None:
        clock.advance(length)

    place = Place(
        site_url=site.plan.site_url,
        stripe_url=site.plan.stripe_url,
        scrum_alliance_url=site.plan.scrum_alliance_url,
        webhook_secret=site.plan.common()["STRIPE_WEBHOOK_SECRETS"],
        advance=advance,
        settle=lambda: time.sleep(0.1),
        now=clock.now,
    )
    people = MarkedPeople(place)
    people.go()
    assert MARK not in people.shown_to_ops
    place.until(
        "everything is published and handled",
        lambda: not any(site.unpublished().values()) and not any(site.unhandled().values()),
    )


def _found(site: Site) -> dict[Column, int]:
    return columns_holding({name: site.plan.database(name) for name in SERVICES}, [MARK])


def test_marked_people_stand_in_listed_columns_only(site: Site) -> None:
    found = _found(site)
    assert found.keys() <= listed_columns()
    # The search is not blind: whoever needs somebody's data has it.
    for table, columns in {
        ("enrollment", "booking"): ("payer_name", "payer_email"),
        ("enrollment", "enrollment"): ("given_name", "family_name", "email", "registry_email"),
        ("enrollment", "assessment"): ("participation_note", "understanding_note"),
        ("payment", "booking_account"): ("payer_name", "payer_email"),
        ("certification", "enrollment_join"): ("given_name", "family_name", "email", "registry_email"),
        ("certification", "submission"): ("given_name", "family_name", "registry_email"),
        ("certification", "correction"): ("registry_email", "reason"),
    }.items():
        for column in columns:
            assert (*table, column) in found


def test_messages_that_are_done_hold_nobody(site: Site) -> None:
    assert {column for column in _found(site) if column[1] in KERNEL} == KEPT


def test_logs_name_nobody(site: Site) -> None:
    # The sandboxes stand for somebody else's systems; what they log is theirs.
    names = [program.name for program in site.plan.programs() if program.name != "sandboxes"]
    assert len(names) >= 2
    for name in names:
        assert lines_holding(site.folder / "logs" / f"{name}.log", [MARK]) == []
    written = "".join(site.log(name) for name in names)
    assert '"path": "/finance"' in written, "requests are logged"
    assert "task_failed" in written, "what fails is logged"


def test_no_queue_holds_anybody(site: Site) -> None:
    if site.plan.amqp_url is None:
        assert site.unpublished() == site.unhandled() == dict.fromkeys(SERVICES, 0)
        return
    broker = urlsplit(site.plan.amqp_url)
    address = f"{site.plan.amqp_management_url}/api/queues{broker.path}"
    auth = (broker.username or "guest", broker.password or "guest")

    def waiting() -> dict[str, int]:
        queues = requests.get(address, auth=auth, timeout=10).json()
        return {queue["name"]: queue.get("messages", -1) for queue in queues}

    # The broker counts every few seconds.
    deadline = time.monotonic() + 15
    while set(waiting().values()) != {0} and time.monotonic() < deadline:
        time.sleep(0.2)
    assert waiting().keys() >= {f"{name}.inbox" for name in SERVICES} | {"rostrum.unrouted"}
    assert set(waiting().values()) == {0}
