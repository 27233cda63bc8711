"""A process that is killed from outside says nothing about the message it was working on."""

import time

import pytest
from sqlalchemy import select

from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import inbox
from shared.ids import new_id
from shared.messaging.inbox import BUS, new_row, store
from tests.contract.bus_conformance.harness import Site, eventually, parcel
from tests.contract.bus_conformance.subject import ErrandWanted, ParcelSent

KILLS = 4
"""More than a message may be interrupted before it is suspected."""


def receive(site: Site, event: ParcelSent | ErrandWanted) -> None:
    """As a process that was killed right after it had stored the message leaves it."""
    message = site.message(event)
    row = new_row(
        consumer=BUS,
        message_id=message.message_id,
        type=message.type,
        payload=message.body.decode(),
        correlation_id=None,
    )
    with write_connection(site.services["left"].engine) as connection:
        store(connection, [row])


def kill_while_it_is_worked_on(site: Site, *, isolates: bool = True) -> None:
    """Kill the worker from outside, four times, each time in the middle of the work, unless that ends before."""
    seen: set[str | None] = {None}
    for _ in range(KILLS):
        worker = site.spawn("left", isolates=isolates)

        def in_work_again() -> bool:
            with read_connection(site.services["left"].engine) as connection:
                row = connection.execute(select(inbox.c.lease_token, inbox.c.state)).one()
            return row.lease_token not in seen or row.state in ("handled", "dead")

        eventually(in_work_again, "somebody works on it", 60)
        with read_connection(site.services["left"].engine) as connection:
            seen.add(connection.scalars(select(inbox.c.lease_token)).one())
        time.sleep(0.3)
        site.kill(worker)


def test_a_handler_killed_from_outside_again_and_again_is_not_buried(site: Site) -> None:
    sent = parcel(1, trick="slow")
    receive(site, sent)
    kill_while_it_is_worked_on(site)
    site.spawn("left")
    site.expect_counted("left", [sent], 90)
    site.expect_states("left", handled=1)


@pytest.mark.long
def test_a_task_killed_from_outside_again_and_again_is_not_buried(site: Site) -> None:
    sent = ErrandWanted(parcel_id=new_id(), number=1, trick="slow")
    receive(site, sent)
    kill_while_it_is_worked_on(site)
    site.spawn("left")
    eventually(lambda: site.counts("left") == {sent.parcel_id: 1}, "the errand is run", 90)
    site.expect_states("left", handled=1)


def test_negative_control_without_a_process_of_its_own_the_unlucky_one_is_buried(site: Site) -> None:
    receive(site, parcel(1, trick="slow"))
    kill_while_it_is_worked_on(site, isolates=False)
    site.spawn("left", isolates=False)
    site.expect_states("left", 60, dead=1)


def test_a_task_that_ends_its_process_is_buried(site: Site) -> None:
    receive(site, ErrandWanted(parcel_id=new_id(), number=1, trick="kill"))
    deadline = time.monotonic() + 90
    while site.states("left") != {"dead": 1} and time.monotonic() < deadline:
        worker = site.spawn("left")
        while worker.is_alive() and site.states("left") != {"dead": 1}:
            time.sleep(0.05)
    (dead,) = site.inbox("left")
    assert dead.state == "dead"
    assert "in a process of its own" in dead.error
