"""Whatever is repeated, by publishers, brokers or people, has its effect once."""

import threading
import time
from typing import Any
from uuid import uuid4

import pytest

from shared.db.engine import write_connection
from shared.errors import Conflict
from shared.messaging import operations
from shared.messaging.bus import OutgoingMessage
from shared.messaging.inbox import new_row
from tests.contract.bus_conformance.harness import Site, eventually, parcel, parcels


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
    eventually(lambda: 2 in site.counts("left").values(), "a copy is counted")


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
