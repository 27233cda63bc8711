"""What fails is retried, buried with its reason, or waited for, and harms no neighbour."""

import time

import pytest

from shared.db.engine import write_connection
from shared.ids import new_id
from shared.messaging import operations
from shared.messaging.bus import Manifest, OutgoingMessage
from shared.messaging.subscriptions import RetryPolicy
from tests.contract.bus_conformance.harness import Site, eventually, parcel, parcels
from tests.contract.bus_conformance.subject import ParcelSent


def test_a_retry_does_not_come_early(site: Site) -> None:
    for name in ("source", "left"):
        site.start(name, policy=RetryPolicy(steps=(1.0, 0.5)))
    site.say(parcel(7, trick="fail"))
    site.expect_states("left", dead=1)
    first, second, third = site.tricks.times_of(7)
    assert 1.0 <= second - first < 3
    assert 0.5 <= third - second < 2.5


def test_a_failing_message_is_dead_with_its_reason_after_the_last_step(site: Site) -> None:
    for name in ("source", "left"):
        site.start(name)
    fine = parcels(20)
    site.say(*fine[:10], parcel(99, trick="fail"), *fine[10:])
    site.expect_counted("left", fine)
    site.expect_states("left", handled=20, dead=1)
    (dead,) = [row for row in site.inbox("left") if row.state == "dead"]
    assert "parcel 99 is broken" in dead.error
    assert (dead.attempts, len(site.tricks.times_of(99))) == (4, 4)


def test_what_can_never_succeed_is_dead_at_once(site: Site) -> None:
    for name in ("source", "left"):
        site.start(name)
    site.say(parcel(5, trick="refuse"))
    site.expect_states("left", dead=1)
    assert len(site.tricks.times_of(5)) == 1


def test_what_is_unavailable_is_never_dead(site: Site) -> None:
    for name in ("source", "left"):
        site.start(name, policy=RetryPolicy(steps=(0.05, 0.05)))
    sent = parcel(5, trick="away")
    site.say(sent)
    eventually(lambda: len(site.tricks.times_of(5)) >= 8, "it is tried far beyond the steps")
    assert site.states("left") == {"failed": 1}
    site.tricks.by_name["away"] = lambda number: None
    site.expect_counted("left", [sent])


def test_a_dead_message_runs_again_when_it_is_told_to(site: Site) -> None:
    for name in ("source", "left"):
        site.start(name)
    sent = parcel(5, trick="fail")
    site.say(sent)
    site.expect_states("left", dead=1)
    site.tricks.by_name["fail"] = lambda number: None
    (row,) = site.inbox("left")
    with write_connection(site.services["left"].engine) as connection:
        operations.retry_message(connection, "bus", row.message_id, actor="ops")
    site.expect_counted("left", [sent])
    site.expect_states("left", handled=1)


@pytest.mark.parametrize("body", [b"not json", b'{"specversion":"1.0"}', b"[" * 5000])
def test_an_unreadable_body_is_dead_with_its_bytes_and_stops_nobody(site: Site, body: bytes) -> None:
    worker = site.start("left")
    fine = parcel()
    site.carry(OutgoingMessage(message_id=str(new_id()), type=ParcelSent.TYPE, body=body), site.message(fine))
    site.expect_counted("left", [fine])
    site.expect_states("left", handled=1, dead=1)
    (dead,) = [row for row in site.inbox("left") if row.state == "dead"]
    assert body in (dead.raw, (dead.payload or "").encode())
    assert dead.error
    assert worker.alive()


@pytest.mark.parametrize("body", [b"\xff", '{"note":"größe"}'.encode("latin-1"), b'{"note":"\xed\xa0\x80"}'])
def test_a_body_that_is_no_text_is_dead_with_its_raw_bytes_and_stops_nobody(site: Site, body: bytes) -> None:
    worker = site.start("left")
    fine = parcels(2)
    unreadable = OutgoingMessage(message_id=str(new_id()), type=ParcelSent.TYPE, body=body)
    site.carry(site.message(fine[0]), unreadable, site.message(fine[1]))
    site.expect_counted("left", fine)
    site.expect_states("left", handled=2, dead=1)
    (dead,) = [row for row in site.inbox("left") if row.state == "dead"]
    assert (dead.raw, dead.payload) == (body, None)
    assert dead.error
    assert worker.alive()


def test_an_event_of_an_unknown_version_is_dead_and_can_be_found(site: Site) -> None:
    site.start("left")
    newer = Manifest(subscriptions={"left": frozenset({"parcel.sent.v2", ParcelSent.TYPE})})
    message = site.message(fine := parcel())
    unknown_id = str(new_id())
    body = message.body.replace(b"parcel.sent.v1", b"parcel.sent.v2").replace(
        message.message_id.encode(), unknown_id.encode()
    )
    unknown = OutgoingMessage(message_id=unknown_id, type="parcel.sent.v2", body=body)
    site.carry(unknown, message, manifest=newer)
    site.expect_counted("left", [fine])
    (dead,) = [row for row in site.inbox("left") if row.state == "dead"]
    assert "parcel.sent.v2" in dead.error
    assert dead.message_id == unknown.message_id, "after an upgrade it can be run again"
    assert dead.payload == body.decode()


def test_one_killer_among_a_hundred_takes_nobody_along(site: Site) -> None:
    fine = parcels(99)
    everyone = [*fine[:40], parcel(1000, trick="kill"), *fine[40:]]
    site.carry(*(site.message(one) for one in everyone))
    kills = 0
    deadline = time.monotonic() + 60
    while site.states("left") != {"handled": 99, "dead": 1} and time.monotonic() < deadline:
        process = site.spawn("left")
        while process.is_alive() and site.states("left") != {"handled": 99, "dead": 1}:
            time.sleep(0.05)
        kills += not process.is_alive()
    site.expect_states("left", 1, handled=99, dead=1)
    site.expect_counted("left", fine)
    (dead,) = [row for row in site.inbox("left") if row.state == "dead"]
    assert "vanished" in dead.error
    assert "in a process of its own" in dead.error
    assert 3 <= kills <= 6
