"""Malformed events among good ones: each is dead with its reason and its bytes, the good ones do not notice.

The real workers read them, from RabbitMQ into PostgreSQL and over the embedded bus; the good ones are real
bookings. RabbitMQ carries them with whatever properties a stranger may write beside them. No worker ends, and no
name that stands in a bad body reaches an error or a log.
"""

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine, func, select

from deploy.embedded.plan import Plan
from services.__main__ import ROOTS
from services.enrollment import handlers
from services.enrollment.app import build
from services.enrollment.commands import PlaceBooking
from services.enrollment.domain.people import AttendeeDetails, PayerDetails
from services.enrollment.settings import Settings
from shared.config import load_settings
from shared.contracts.manifest import MANIFEST
from shared.db.engine import make_engine
from shared.db.kernel_tables import inbox, outbox
from shared.messaging.bus import Bus, OutgoingMessage
from shared.messaging.embedded_bus import EmbeddedBus
from shared.messaging.rabbitmq_bus import RabbitMQBus
from shared.service import Service
from tests.support.malformed import CHANGES, TEXTS, TRACES, Bad, bad_events
from tests.support.site import EMBEDDED, RABBITMQ, STACKS, Site, Stack, real_servers
from tests.support.stranger import properties, say

SEED = 20261127
TOGETHER = 20
"""Bad events published in one batch, with one booking placed beside them."""
SETTINGS = {"RETRY_SECONDS": "0.2,0.2,0.2,0.2,0.2"}


@dataclass
class Flood:
    """A site, and what was poured into it."""

    site: Site
    bus: Bus
    engines: dict[str, Engine]
    pids: dict[str, int]

    def open_messages(self) -> int:
        """Messages on their way: not published, or neither handled nor dead."""
        found = 0
        for engine in self.engines.values():
            with engine.connect() as connection:
                waiting = select(func.count()).where(outbox.c.published_at.is_(None))
                open_ones = select(func.count()).where(inbox.c.state.in_(["received", "failed"]))
                found += (connection.scalar(waiting) or 0) + (connection.scalar(open_ones) or 0)
        return found

    def dead(self, service: str) -> dict[bytes, str]:
        """The bytes of each dead message and its error."""
        query = select(inbox.c.raw, inbox.c.payload, inbox.c.error).where(inbox.c.state == "dead")
        with self.engines[service].connect() as connection:
            return {
                row.payload.encode() if row.raw is None else row.raw: row.error
                for row in connection.execute(query)
            }

    def handled(self, service: str) -> set[str]:
        """The ids of the messages that took effect."""
        query = select(inbox.c.message_id).where(inbox.c.state == "handled")
        with self.engines[service].connect() as connection:
            return set(connection.scalars(query))

    def logs(self) -> str:
        """What all processes wrote."""
        return "".join(path.read_text(errors="replace") for path in (self.site.folder / "logs").glob("*.log"))


def pids(site: Site) -> dict[str, int]:
    return {program.name: site.supervisor.process(program.name).pid for program in site.plan.programs()}


def open_bus(plan: Plan) -> Bus:
    """Somebody else who may publish to all three."""
    if plan.amqp_url:
        return RabbitMQBus(plan.amqp_url, MANIFEST, service="stranger")
    return EmbeddedBus({name: plan.database(name) for name in ROOTS}, MANIFEST)


@contextlib.contextmanager
def flooded(stack: Stack) -> Iterator[Flood]:
    with Site(stack, settings=SETTINGS) as site:
        bus = open_bus(site.plan)
        engines = {name: make_engine(site.plan.database(name), pool_size=1) for name in ROOTS}
        try:
            yield Flood(site, bus, engines, pids(site))
        finally:
            bus.close()
            for engine in engines.values():
                engine.dispose()


def book(service: Service, workshop_id: object, number: int) -> None:
    """A real booking: what it says goes through outbox, relay and bus like everything else."""
    person = {"given_name": "Grace", "family_name": "Hopper", "email": f"grace{number}@example.com"}
    command = PlaceBooking(
        workshop_id=workshop_id,  # type: ignore[arg-type]  # the site gives a UUID
        payer=PayerDetails(name="Grace Hopper", email=person["email"]),
        attendees=(AttendeeDetails(registry_email=person["email"], **person),),
        hold=load_settings(Settings, {"ROSTRUM_MODE": "sandbox", "DATABASE_URL": "sqlite:///x"}).hold_policy,
        submission_id=None,
        expected_amount_minor=None,
    )
    with service.transactions.begin() as tx:
        handlers.place_booking(command, tx)


def pour(flood: Flood, bad: Sequence[Bad]) -> None:
    """Publish the bad ones in batches, a booking before each; at a broker every second batch is a stranger's."""
    service = build(load_settings(Settings, flood.site.plan.environment("enrollment")))
    publisher = flood.bus.publisher()
    workshop_id = None
    batches = [bad[at : at + TOGETHER] for at in range(0, len(bad), TOGETHER)]
    for number, batch in enumerate(batches):
        if number % 4 == 0:
            # Four seats in each.
            workshop_id = flood.site.open_workshop()
        book(service, workshop_id, number)
        if flood.site.plan.amqp_url and number % 2:
            first = number * TOGETHER
            strange = [(one.type, one.body, properties(n)[1]) for n, one in enumerate(batch, first)]
            say(flood.site.plan.amqp_url, strange)
            continue
        messages = [OutgoingMessage(message_id=one.message_id, type=one.type, body=one.body) for one in batch]
        publisher.publish(messages).result(60)
    service.engine.dispose()


def settle(flood: Flood, bad: Sequence[Bad], seconds: float) -> None:
    """Wait until nothing is on its way and every reader has what was meant for it."""
    expected = wanted(bad)
    deadline = time.monotonic() + seconds
    while any(len(flood.dead(name)) < len(expected[name]) for name in ROOTS) or flood.open_messages():
        assert time.monotonic() < deadline, {
            name: (len(flood.dead(name)), len(expected[name])) for name in ROOTS
        }
        time.sleep(0.3)


def wanted(bad: Sequence[Bad]) -> dict[str, dict[bytes, Bad]]:
    """Which bad bodies each service receives."""
    found: dict[str, dict[bytes, Bad]] = defaultdict(dict)
    for one in bad:
        for service, types in MANIFEST.subscriptions.items():
            if one.type in types:
                found[service][one.body] = one
    return found


def check(flood: Flood, bad: Sequence[Bad]) -> None:
    for name, expected in wanted(bad).items():
        dead = flood.dead(name)
        missing = {one.kind for body, one in expected.items() if body not in dead}
        assert not missing, f"{name} does not keep the bytes of: {missing}"
        assert set(dead) <= set(expected), f"{name}: something good is dead"
        assert all(dead.values()), "every dead message has a reason"
        leaking = {
            expected[body].kind for body, error in dead.items() if any(trace in error for trace in TRACES)
        }
        assert not leaking, f"errors quote what stood in: {leaking}"
    with flood.engines["enrollment"].connect() as connection:
        said = {str(row.id): row.type for row in connection.execute(select(outbox.c.id, outbox.c.type))}
    assert said, "there were good ones among them"
    for name in ROOTS:
        good = {key for key, event_type in said.items() if event_type in MANIFEST.subscriptions[name]}
        assert good <= flood.handled(name), f"{name}: the good ones are handled"
    logs = flood.logs()
    assert not [trace for trace in TRACES if trace in logs], "names in the logs"
    assert pids(flood.site) == flood.pids, "the same processes as in the beginning"
    assert flood.site.supervisor.restarts == 0


def play(stack: Stack, count: int, seconds: float) -> None:
    bad = list(bad_events(SEED, count, MANIFEST))
    assert {one.kind for one in bad} == {*TEXTS, *CHANGES}
    assert sum(TRACES[0].encode() in one.body for one in bad) > count / 20, "names stand in many of them"
    with flooded(stack) as flood:
        pour(flood, bad)
        settle(flood, bad, seconds)
        check(flood, bad)


@pytest.mark.parametrize(
    ("count", "seconds"),
    [
        pytest.param(100, 90, id="100"),
        pytest.param(5000, 900, id="5000", marks=[pytest.mark.long, pytest.mark.timeout(1200)]),
    ],
)
@pytest.mark.parametrize("name", STACKS)
def test_malformed_events_are_dead_and_stop_nobody(
    name: str, count: int, seconds: float, request: pytest.FixtureRequest
) -> None:
    if name == EMBEDDED:
        play(Stack(), count, seconds)
        return
    assert name == RABBITMQ
    with real_servers(request.getfixturevalue("rabbitmq"), request.getfixturevalue("postgres")) as stack:
        play(stack, count, seconds)
