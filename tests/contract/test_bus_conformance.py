"""What a bus must hold, the same for both: RabbitMQ with the inbox on PostgreSQL, and files of SQLite."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from shared.db.engine import write_connection
from shared.db.kernel_tables import inbox
from shared.errors import Conflict
from shared.ids import new_id
from shared.messaging import operations
from shared.messaging.bus import Manifest, OutgoingMessage
from shared.messaging.inbox import new_row
from shared.messaging.subscriptions import RetryPolicy
from tests.contract.bus_harness import Site, eventually, parcel
from tests.contract.bus_subject import NAMES, ErrandWanted, ParcelSent, Place, PostcardWritten, Tricks
from tests.support.broker import manage, vhost

BOTH = ("embedded", "rabbitmq")


@pytest.fixture(params=BOTH)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Three services with databases of their own, on one kind of bus."""
    made: Site
    if request.param == "embedded":
        made = Site(Place({name: f"sqlite:///{tmp_path / name}.db" for name in NAMES}, None))
    else:
        make_database: Callable[[], str] = request.getfixturevalue("database_url")
        amqp_url: str = request.getfixturevalue("amqp_url")
        made = Site(Place({name: make_database() for name in NAMES}, amqp_url))
        made.broker = request.getfixturevalue("rabbitmq")
        made.postgres = request.getfixturevalue("postgres")
    yield made
    made.close()


@pytest.fixture
def breakable(site: Site, request: pytest.FixtureRequest) -> Site:
    """A site whose servers may be killed."""
    if not site.embedded:
        request.getfixturevalue("killable_rabbitmq")
        request.getfixturevalue("killable_postgres")
    return site


def parcels(count: int, **more: Any) -> list[ParcelSent]:
    return [parcel(number, **more) for number in range(count)]


# --- carrying ----------------------------------------------------------------------------------------


def test_every_subscriber_gets_every_event_once(site: Site) -> None:
    for name in NAMES:
        site.start(name)
    sent = parcels(50)
    site.say(*sent)
    for name in ("left", "right"):
        site.expect_counted(name, sent)
    eventually(lambda: site.waiting_in_outbox() == 0, "the outbox is published")


def test_several_workers_share_the_work(site: Site) -> None:
    for name in ("source", "left", "left", "left"):
        site.start(name)
    sent = parcels(300)
    site.say(*sent)
    site.expect_counted("left", sent)


def test_one_relay_publishes_and_another_takes_over(site: Site) -> None:
    first, second = site.start("source"), site.start("source")
    site.start("left")
    eventually(lambda: first.relay.leading or second.relay.leading, "one leads")
    time.sleep(0.5)
    assert first.relay.leading != second.relay.leading
    leader = first if first.relay.leading else second
    site.stop(leader)
    sent = parcels(5)
    site.say(*sent)
    site.expect_counted("left", sent)


def test_messages_about_one_aggregate_keep_their_order(site: Site) -> None:
    ids = [new_id() for _ in range(5)]
    sent = [parcel(number, parcel_id=ids[number % 5]) for number in range(250)]
    for at in range(0, len(sent), 25):
        site.say(*sent[at : at + 25])
    for name in ("source", "left"):
        site.start(name)
    eventually(lambda: sum(site.counts("left").values()) == 250, "all are counted")
    for place, parcel_id in enumerate(ids):
        assert site.numbers("left", parcel_id) == list(range(place, 250, 5))


def test_what_was_published_before_a_subscribers_first_start_arrives(site: Site) -> None:
    site.start("source")
    sent = parcels(10)
    site.say(*sent)
    eventually(lambda: site.waiting_in_outbox() == 0, "the outbox is published")
    site.start("left")
    site.expect_counted("left", sent)


def test_what_nobody_reads_is_kept(site: Site) -> None:
    site.start("source")
    postcard = PostcardWritten(parcel_id=new_id())
    site.say(postcard)
    eventually(lambda: site.waiting_in_outbox() == 0, "the outbox is published")
    assert str(postcard.parcel_id) in "".join(site.outbox_payloads())
    if site.broker is not None and site.place.amqp_url is not None:
        order = {"count": 5, "ackmode": "ack_requeue_true", "encoding": "auto"}
        queue = f"/api/queues/{vhost(site.place.amqp_url)}/rostrum.unrouted/get"
        kept = manage(site.broker, "POST", queue, order)
        assert str(postcard.parcel_id) in str(kept)


def test_a_body_of_one_megabyte_arrives_whole(site: Site) -> None:
    for name in ("source", "left"):
        site.start(name)
    big = parcel(note="äö" * 500_000)
    site.say(big)
    site.expect_counted("left", [big])
    (row,) = site.inbox("left")
    assert big.note in row.payload


def test_personal_data_is_gone_once_it_is_handled(site: Site) -> None:
    for name in ("source", "left", "right"):
        site.start(name)
    sent = [parcel(1, person="Marker Miller"), parcel(2, trick="broken", person="Marker Miller")]

    def broken(number: int) -> None:
        raise RuntimeError("cannot deliver to Marker Miller")

    site.tricks.by_name["broken"] = broken
    site.say(*sent)
    site.expect_states("left", handled=1, dead=1)
    eventually(lambda: site.waiting_in_outbox() == 0, "the outbox is published")
    assert "Marker" not in "".join(site.outbox_payloads())
    for row in site.inbox("left"):
        assert "Marker" not in (row.error or "")
        assert ("Marker" in row.payload) == (row.state == "dead")


# --- repeats -----------------------------------------------------------------------------------------


def _publish_twice_at_once(site: Site, messages: list[OutgoingMessage]) -> None:
    """Two publishers, each with a copy of every message, one message after the other at the same instant."""
    together = threading.Barrier(2)
    publishers = [site.bus().publisher() for _ in range(2)]

    def publish(publisher: Any) -> None:
        for message in messages:
            together.wait(30)
            publisher.publish([message]).result(30)

    threads = [threading.Thread(target=publish, args=(publisher,)) for publisher in publishers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_two_copies_at_the_same_instant_count_once(site: Site) -> None:
    site.start("left")
    site.start("left")
    sent = parcels(60)
    _publish_twice_at_once(site, [site.message(one) for one in sent])
    site.expect_counted("left", sent)
    time.sleep(0.5)
    site.expect_counted("left", sent)


def test_without_the_inbox_two_copies_count_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the inbox does not recognise what it has seen."""

    def forgetful(**values: Any) -> dict[str, Any]:
        return new_row(**values) | {"message_id": str(uuid4())}

    for door in ("consumer", "embedded_bus"):
        monkeypatch.setattr(f"shared.messaging.{door}.new_row", forgetful)
    site.start("left")
    site.start("left")
    sent = parcels(20)
    _publish_twice_at_once(site, [site.message(one) for one in sent])
    eventually(lambda: sum(site.counts("left").values()) == 40, "every copy is counted")


def test_a_message_handled_before_has_no_effect_when_it_comes_again(site: Site) -> None:
    site.start("left")
    sent = parcel()
    message = site.message(sent)
    site.carry(message)
    site.expect_counted("left", [sent])
    site.carry(message, message)
    site.carry(site.message(marker := parcel(2)))
    site.expect_counted("left", [sent, marker])
    service = site.services["left"]
    with write_connection(service.engine) as connection, pytest.raises(Conflict):
        operations.retry_message(connection, "bus", message.message_id, actor="ops")


def test_a_relay_killed_repeats_but_loses_nothing(site: Site) -> None:
    site.start("left")
    sent = parcels(20)
    site.say(*sent)
    site.spawn("source", die_at="after_confirm_before_mark").join(30)
    assert site.waiting_in_outbox() == 20
    site.start("source")
    eventually(lambda: site.waiting_in_outbox() == 0, "the outbox is published")
    site.expect_counted("left", sent)


def test_a_reader_killed_after_the_effect_does_not_repeat_it(site: Site) -> None:
    sent = parcels(20)
    site.carry(*(site.message(one) for one in sent))
    moment = "after_effect_committed" if site.embedded else "after_effect_before_ack"
    site.spawn("left", die_at=moment).join(30)
    assert len(site.counts("left")) > 0
    site.start("left")
    site.expect_counted("left", sent)


# --- failing -----------------------------------------------------------------------------------------


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


def test_an_event_of_an_unknown_version_is_dead_and_can_be_found(site: Site) -> None:
    site.start("left")
    newer = Manifest(subscriptions={"left": frozenset({"parcel.sent.v2", ParcelSent.TYPE})})
    message = site.message(fine := parcel())
    body = message.body.replace(b"parcel.sent.v1", b"parcel.sent.v2")
    unknown = OutgoingMessage(message_id=str(new_id()), type="parcel.sent.v2", body=body)
    site.carry(unknown, message, manifest=newer)
    site.expect_counted("left", [fine])
    (dead,) = [row for row in site.inbox("left") if row.state == "dead"]
    assert "parcel.sent.v2" in dead.error


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
    assert 3 <= kills <= 6


# --- slow, stopped, late -----------------------------------------------------------------------------


def test_a_slow_handler_outlives_five_heartbeats(site: Site) -> None:
    if site.place.amqp_url is not None:
        site.place = Place(site.place.databases, f"{site.place.amqp_url}?heartbeat=1")
    site.tricks.by_name["slow"] = lambda number: time.sleep(5.5)
    site.start("left")
    sent = [parcel(1, trick="slow"), parcel(2)]
    site.carry(*(site.message(one) for one in sent))
    site.expect_counted("left", sent)
    assert len(site.tricks.times_of(1)) == 1


def test_a_graceful_stop_finishes_the_work_in_hand(site: Site) -> None:
    started = threading.Event()

    def slow(number: int) -> None:
        started.set()
        time.sleep(1)

    site.tricks.by_name["slow"] = slow
    worker = site.start("left")
    sent = parcel(1, trick="slow")
    site.carry(site.message(sent))
    assert started.wait(20)
    site.stop(worker)
    assert site.states("left") == {"handled": 1}
    site.start("left")
    site.carry(site.message(marker := parcel(2)))
    site.expect_counted("left", [sent, marker])
    assert len(site.tricks.times_of(1)) == 1


def test_a_late_finisher_changes_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, late = threading.Event(), Tricks()

    def wait(number: int) -> None:
        go_on.wait(30)

    late.by_name["wait"] = wait
    site.tricks.by_name["wait"] = lambda number: None
    monkeypatch.setattr("shared.messaging.tasks.TaskRunner.renew", lambda runner: None)
    slow = site.start("left", tricks=late, lease_seconds=1)
    errand = ErrandWanted(parcel_id=new_id(), number=1, trick="wait")
    site.carry(site.message(errand))
    eventually(lambda: bool(late.attempts), "the slow worker begins")
    site.start("left", lease_seconds=1)
    eventually(lambda: site.counts("left") == {errand.parcel_id: 1}, "the second worker does it")
    go_on.set()
    site.stop(slow)
    assert site.counts("left") == {errand.parcel_id: 1}
    assert site.states("left") == {"handled": 1}


def test_a_lost_lease_takes_the_effect_back(site: Site) -> None:
    """Somebody else holds the message by the time its task is done: only their work counts."""
    engine = site.services["left"].engine

    def lose(number: int) -> None:
        with write_connection(engine) as connection:
            connection.execute(update(inbox).values(lease_token="somebody else"))

    site.tricks.by_name["lose"] = lose
    worker = site.start("left")
    site.carry(site.message(ErrandWanted(parcel_id=new_id(), number=1, trick="lose")))
    eventually(lambda: bool(site.tricks.attempts), "it is tried")
    site.stop(worker)
    assert site.counts("left") == {}
    (row,) = site.inbox("left")
    assert (row.state, row.lease_token) == ("received", "somebody else")


# --- outages -----------------------------------------------------------------------------------------


def test_confirmed_means_durable(breakable: Site) -> None:
    site = breakable
    sent = parcels(300)
    site.say(*sent)
    process = site.spawn("source")
    eventually(lambda: site.waiting_in_outbox() == 0, "the outbox is published")
    if site.embedded:
        site.kill(process)
    else:
        with site.carrier_away():
            pass
    site.start("left")
    site.expect_counted("left", sent, 60)


def test_the_carrier_goes_away_and_comes_back(breakable: Site) -> None:
    site = breakable
    for name in NAMES:
        site.start(name)
    before, during = parcels(20), parcels(20)
    site.say(*before)
    site.expect_counted("right", before)
    with site.carrier_away():
        site.say(*during)
        time.sleep(1)
        assert site.waiting_in_outbox() == 20
    for name in ("left", "right"):
        site.expect_counted(name, [*before, *during], 60)
    site.expect_states("right", handled=40)


def test_the_database_goes_away_and_comes_back(breakable: Site) -> None:
    site = breakable
    worker = site.start("left")
    before, during = parcels(200), parcels(200)
    site.carry(*(site.message(one) for one in before))
    # The embedded bus writes into the very file that is away, so that it waits as well.
    carrying = threading.Thread(target=site.carry, args=[site.message(one) for one in during])
    with site.database_away("left"):
        carrying.start()
        time.sleep(1.5)
    carrying.join(60)
    site.expect_counted("left", [*before, *during], 60)
    site.expect_states("left", handled=400)
    assert worker.alive()
    assert {row.attempts for row in site.inbox("left")} == {1}
