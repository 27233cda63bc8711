"""Whatever state a message is in, and whatever became of it, the business ids in it find it."""

from dataclasses import replace
from uuid import UUID

import pytest

from shared.db.engine import read_connection
from shared.ids import new_id
from shared.messaging import operations
from shared.messaging.bus import Manifest, OutgoingMessage
from shared.messaging.event import Event
from shared.messaging.subscriptions import RetryPolicy
from tests.contract.bus_conformance.harness import Site, eventually, parcel
from tests.contract.bus_conformance.subject import ErrandWanted, ParcelSent


def errand(trick: str) -> ErrandWanted:
    return ErrandWanted(parcel_id=new_id(), number=1, trick=trick)


def found(site: Site, business_id: UUID | str) -> list[tuple[str, str]]:
    """Message id and state of what left received and a search for this id finds."""
    with read_connection(site.services["left"].engine) as connection:
        rows = operations.find_messages(connection, str(business_id))
        return [(row.message_id, row.state) for row in rows]


@pytest.mark.parametrize("kind", ["handler", "task"])
@pytest.mark.parametrize(
    ("trick", "state"), [("", "handled"), ("away", "failed"), ("fail", "dead"), ("refuse", "dead")]
)
def test_a_message_is_found_by_the_ids_in_it(site: Site, kind: str, trick: str, state: str) -> None:
    site.start("left", policy=RetryPolicy(steps=(0.05,) if state == "dead" else (60,)))
    event: Event = parcel(trick=trick) if kind == "handler" else errand(trick)
    message = site.message(event)
    site.carry(message)
    site.expect_states("left", **{state: 1})
    assert found(site, event.aggregate_id) == [(message.message_id, state)]


@pytest.mark.parametrize(("trick", "state"), [("", "handled"), ("away", "failed"), ("refuse", "dead")])
def test_an_id_that_is_no_uuid_finds_what_has_been_read(site: Site, trick: str, state: str) -> None:
    site.start("left", policy=RetryPolicy(steps=(60,)))
    message = site.message(replace(parcel(trick=trick), shelf_id="shelf 12"))
    site.carry(message)
    site.expect_states("left", **{state: 1})
    assert found(site, "shelf 12") == [(message.message_id, state)]


def test_a_task_is_found_while_it_runs(site: Site) -> None:
    site.start("left")
    event = errand("slow")
    message = site.message(event)
    site.carry(message)
    eventually(lambda: bool(site.tricks.times_of(1)), "the task begins")
    assert found(site, event.parcel_id) == [(message.message_id, "received")]


def test_one_that_ends_its_process_is_found(site: Site) -> None:
    event = parcel(trick="kill")
    message = site.message(event)
    site.carry(message)

    def dead() -> bool:
        site.spawn("left").join(5)
        return site.states("left") == {"dead": 1}

    eventually(dead, "it is buried", 60)
    assert found(site, event.parcel_id) == [(message.message_id, "dead")]


@pytest.mark.parametrize("spoiled", [b'"number":"many"', b'"number":\xff'])
def test_an_unreadable_one_is_found_by_what_can_be_seen_in_it(site: Site, spoiled: bytes) -> None:
    site.start("left")
    event = parcel(7)
    message = site.message(event)
    body = message.body.replace(b'"number":7', spoiled)
    assert body != message.body
    site.carry(OutgoingMessage(message_id=message.message_id, type=ParcelSent.TYPE, body=body))
    site.expect_states("left", dead=1)
    ((_, state),) = found(site, event.parcel_id)
    assert state == "dead"


def test_one_of_an_unknown_version_is_found(site: Site) -> None:
    site.start("left")
    event = parcel()
    message = site.message(event)
    newer = Manifest(subscriptions={"left": frozenset({"parcel.sent.v2"})})
    body = message.body.replace(b"parcel.sent.v1", b"parcel.sent.v2")
    unknown = OutgoingMessage(message_id=message.message_id, type="parcel.sent.v2", body=body)
    site.carry(unknown, manifest=newer)
    site.expect_states("left", dead=1)
    assert found(site, event.parcel_id) == [(message.message_id, "dead")]
