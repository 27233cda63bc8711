"""Slow handlers, graceful stops, and those who come too late."""

import threading
import time

import pytest
from sqlalchemy import update

from shared.db.engine import write_connection
from shared.db.kernel_tables import inbox
from shared.ids import new_id
from tests.contract.bus_conformance.harness import Site, eventually, parcel
from tests.contract.bus_conformance.subject import (
    ErrandWanted,
    Place,
    Tricks,
)


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
