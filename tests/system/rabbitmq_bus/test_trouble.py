"""Lost connections, a killed broker, a silent network, and a message that kills."""

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from shared.messaging.bus import BusUnavailable, Delivery, Manifest
from shared.messaging.rabbitmq_bus import RabbitMQBus
from shared.messaging.rabbitmq_bus.connection import BrokerConnection
from shared.messaging.rabbitmq_bus.publisher import RabbitMQPublisher
from tests.support.broker import (
    MANIFEST,
    depth,
    eventually,
    manage,
    message,
    names,
    publish,
    reader,
    take,
    vhost,
    works,
)
from tests.support.proxy import Proxy
from tests.support.rabbitmq import RabbitMQ

ROOT = Path(__file__).parents[3]


def test_acknowledgements_of_a_lost_connection_are_dropped(
    amqp_url: str, rabbitmq: RabbitMQ, make_bus: Callable[..., RabbitMQBus]
) -> None:
    bus = make_bus()
    consumer = reader(bus)
    publish(bus, *(message(f"m{n}") for n in range(5)))
    assert names(take(consumer, 1)) == ["m0"]
    held: list[Delivery] = []
    while len(held) < 4:
        held += consumer.receive(10, 5)
    _close_connections(rabbitmq, vhost(amqp_url), "alpha consumer")
    again = consumer.receive(1, 20)
    assert names(again) == ["m1"]
    assert again[0].redelivered
    assert again[0].epoch > held[0].epoch
    consumer.ack(held)
    consumer.ack(again)
    assert names(take(consumer, 3)) == ["m2", "m3", "m4"]
    eventually(lambda: depth(bus, "alpha.inbox") == 0)
    bus.check()


def _close_connections(broker: RabbitMQ, of_vhost: str, name: str) -> None:
    closed = 0

    def close() -> bool:
        nonlocal closed
        rows = manage(broker, "GET", f"/api/vhosts/{of_vhost}/connections")
        assert isinstance(rows, list)
        for row in rows:
            if row.get("client_properties", {}).get("connection_name") == name:
                manage(broker, "DELETE", f"/api/connections/{quote(row['name'])}")
                closed += 1
        return closed > 0

    eventually(close)


def test_the_broker_killed_and_back(
    killable_rabbitmq: RabbitMQ, make_bus: Callable[..., RabbitMQBus]
) -> None:
    bus = make_bus(management_url=None)
    publisher, consumer = bus.publisher(), reader(bus)
    bus.check()
    killable_rabbitmq.let_new_queues_settle()
    confirmed: set[str] = set()
    stop = threading.Event()

    def keep_publishing() -> None:
        number = 0
        while not stop.is_set():
            batch = [message(f"m{number + n}") for n in range(50)]
            number += 50
            try:
                publisher.publish(batch).result(60)
                confirmed.update(m.message_id for m in batch)
            except BusUnavailable:
                stop.wait(0.05)

    received: Counter[str | None] = Counter()
    thread = threading.Thread(target=keep_publishing)
    thread.start()
    try:
        eventually(lambda: len(confirmed) > 500, 60)
        killable_rabbitmq.kill()
        eventually(lambda: not works(bus))
        before = len(confirmed)
        killable_rabbitmq.start()
        received.update(names(take(consumer, 1, 60)))
        eventually(lambda: len(confirmed) > before + 500, 60)
    finally:
        stop.set()
        thread.join(60)
    received.update(names(take(consumer, len(confirmed) + 10_000, 5)))
    assert confirmed <= set(received)


def test_publishing_without_a_broker_fails_at_once(make_bus: Callable[..., RabbitMQBus]) -> None:
    bus = make_bus("amqp://127.0.0.1:1/")
    publisher = bus.publisher()
    with pytest.raises(BusUnavailable):
        bus.check()
    started = time.monotonic()
    with pytest.raises(BusUnavailable, match="refused"):
        publisher.publish([message("m")]).result(5)
    assert time.monotonic() - started < 1


def test_a_broker_that_never_confirms_is_given_up(amqp_url: str) -> None:
    with Proxy(amqp_url) as proxy:
        publisher = RabbitMQPublisher(
            lambda user: BrokerConnection(
                proxy.url, MANIFEST, user, name="stuck", reconnect_min=0.1, reconnect_max=0.2
            ),
            confirm_seconds=1.0,
        )
        publisher.publish([message("m")]).result(10)
        proxy.hold()
        with pytest.raises(BusUnavailable, match="did not confirm"):
            publisher.publish([message("m")]).result(15)
        proxy.release()
        eventually(lambda: publisher.publish([message("m")]).exception(10) is None)
        publisher.close()


# In every run one among a hundred kills its reader (bus_conformance); this shows to what it is owed.
@pytest.mark.long
@pytest.mark.parametrize("probation", ["on", "off"])
def test_a_killer_takes_no_neighbours_only_thanks_to_probation(
    amqp_url: str, probation: str, make_bus: Callable[..., RabbitMQBus]
) -> None:
    manifest = Manifest(subscriptions={"victim": frozenset({"thing.done.v1"})})
    bus = make_bus(manifest=manifest, service="victim")
    bodies = [b"fine"] * 20 + [b"poison"] + [b"fine"] * 79
    publish(bus, *(message(f"m{n}", body=body) for n, body in enumerate(bodies)))
    argv = [
        sys.executable,
        "-m",
        "tests.support.rabbitmq_reader",
        amqp_url,
        "victim",
        "thing.done.v1",
        probation,
    ]
    handled: list[str] = []
    for _ in range(40):
        run = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        handled += run.stdout.splitlines()
        if run.returncode == 0:
            break
    crashed = [line.split()[1] for line in handled if line.startswith("victim.crashed")]
    assert "m20" in crashed
    if probation == "on":
        assert crashed == ["m20"]
        assert len({line for line in handled if "inbox" in line}) == 99
    else:
        assert len(crashed) > 1, "without the guard neighbours go down with the killer"
