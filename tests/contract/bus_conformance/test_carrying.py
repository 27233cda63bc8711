"""What is said arrives: everywhere, once, whole, in order, and without the people in it."""

import time

from shared.ids import new_id
from tests.contract.bus_conformance.harness import Site, eventually, parcel, parcels
from tests.contract.bus_conformance.subject import NAMES, PostcardWritten
from tests.support.broker import manage, vhost


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
