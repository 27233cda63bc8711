"""The bus over a real RabbitMQ: what it declares, confirms, returns, and survives."""

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from shared.messaging.bus import BusUnavailable, Delivery, Manifest, OutgoingMessage
from shared.messaging.rabbitmq_bus import RabbitMQBus, apply_topology
from shared.messaging.rabbitmq_bus.connection import BrokerConnection
from shared.messaging.rabbitmq_bus.consumer import RabbitMQConsumer
from shared.messaging.rabbitmq_bus.publisher import RabbitMQPublisher
from tests.support.proxy import Proxy
from tests.support.rabbitmq import RabbitMQ

ROOT = Path(__file__).parents[2]
MANIFEST = Manifest(
    subscriptions={"alpha": frozenset({"thing.done.v1"}), "beta": frozenset({"thing.done.v1", "other.v1"})}
)


@pytest.fixture
def make_bus(amqp_url: str, rabbitmq: RabbitMQ) -> Iterator[Callable[..., RabbitMQBus]]:
    """Makes buses on this test's virtual host, with short pauses between attempts."""
    made: list[RabbitMQBus] = []

    def make(url: str = amqp_url, manifest: Manifest = MANIFEST, **more: object) -> RabbitMQBus:
        options = {"service": "alpha", "reconnect_min": 0.1, "reconnect_max": 0.5} | more
        options.setdefault("management_url", rabbitmq.management_url)
        made.append(RabbitMQBus(url, manifest, **options))  # type: ignore[arg-type]  # a dict of keywords
        return made[-1]

    yield make
    for bus in made:
        bus.close()


def message(name: str, event_type: str = "thing.done.v1", body: bytes = b"{}") -> OutgoingMessage:
    return OutgoingMessage(message_id=name, type=event_type, body=body)


def publish(bus: RabbitMQBus, *messages: OutgoingMessage) -> None:
    bus.publisher().publish(messages).result(30)


def take(consumer: RabbitMQConsumer, count: int, seconds: float = 20) -> list[Delivery]:
    """At least `count` deliveries, acknowledged one after the other."""
    found: list[Delivery] = []
    deadline = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        for delivery in consumer.receive(100, 0.2):
            found.append(delivery)
            consumer.ack([delivery])
    return found


def names(deliveries: Sequence[Delivery]) -> list[str | None]:
    return [delivery.message_id for delivery in deliveries]


def eventually(ready: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def depth(bus: RabbitMQBus, queue: str) -> int:
    depths = bus.depths()
    assert depths is not None
    return depths.get(queue, 0)


def manage(broker: RabbitMQ, method: str, path: str, body: object = None) -> object:
    request = urllib.request.Request(f"{broker.management_url}{path}", method=method)
    request.add_header("Authorization", "Basic Z3Vlc3Q6Z3Vlc3Q=")
    request.add_header("Content-Type", "application/json")
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(request, data, timeout=10) as response:
        text = response.read()
    return json.loads(text) if text else None


def vhost(url: str) -> str:
    return urlsplit(url).path[1:]


def test_declaring_again_changes_nothing(amqp_url: str, make_bus: Callable[..., RabbitMQBus]) -> None:
    apply_topology(amqp_url, MANIFEST)
    apply_topology(amqp_url, MANIFEST)
    bus = make_bus()
    bus.check()
    depths = bus.depths()
    assert depths is not None and set(depths) == {
        "alpha.inbox", "alpha.crashed", "beta.inbox", "beta.crashed", "rostrum.unrouted",
    }  # fmt: skip


def test_a_queue_with_other_arguments_is_refused_by_name(amqp_url: str, rabbitmq: RabbitMQ) -> None:
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 3}
    manage(
        rabbitmq,
        "PUT",
        f"/api/queues/{vhost(amqp_url)}/beta.inbox",
        {"durable": True, "arguments": arguments},
    )
    with pytest.raises(BusUnavailable, match=r"other arguments.*beta\.inbox.*topology apply"):
        apply_topology(amqp_url, MANIFEST)


def test_a_user_who_may_not_declare_looks(
    amqp_url: str, rabbitmq: RabbitMQ, make_bus: Callable[..., RabbitMQBus]
) -> None:
    manage(rabbitmq, "PUT", "/api/users/reader", {"password": "reader", "tags": ""})
    rights = {"configure": "^$", "write": ".*", "read": ".*"}
    manage(rabbitmq, "PUT", f"/api/permissions/{vhost(amqp_url)}/reader", rights)
    url = amqp_url.replace("guest:guest@", "reader:reader@")
    try:
        with pytest.raises(BusUnavailable, match="topology is incomplete.*topology apply"):
            make_bus(url).check()
        apply_topology(amqp_url, MANIFEST)
        bus = make_bus(url)
        publish(bus, message("m"))
        assert names(take(bus.consumer(), 1)) == ["m"]
    finally:
        manage(rabbitmq, "DELETE", "/api/users/reader")


def test_a_wrong_password_is_told_and_does_not_end_the_bus(
    amqp_url: str, make_bus: Callable[..., RabbitMQBus]
) -> None:
    publisher = make_bus(amqp_url.replace("guest:guest@", "guest:wrong@")).publisher()
    for _ in range(2):
        with pytest.raises(BusUnavailable, match="ACCESS_REFUSED"):
            publisher.publish([message("m")]).result(10)


def test_a_confirmed_message_arrives_whole_in_every_queue(make_bus: Callable[..., RabbitMQBus]) -> None:
    big = bytes(range(256)) * 4096
    publish(make_bus(), message("big", body=big), message("other", "other.v1"))
    alpha = take(make_bus().consumer(), 1)
    beta = take(make_bus(service="beta").consumer(), 2)
    assert [(d.message_id, d.type, d.body) for d in alpha] == [("big", "thing.done.v1", big)]
    assert [(d.redelivered, d.delivery_count, d.queue) for d in alpha] == [(False, 0, "alpha.inbox")]
    assert names(beta) == ["big", "other"] and beta[0].body == big


def test_what_nobody_reads_is_kept_and_counts_as_confirmed(
    amqp_url: str, rabbitmq: RabbitMQ, make_bus: Callable[..., RabbitMQBus]
) -> None:
    publish(make_bus(), message("m", "nobody.reads.v1", b'{"kept":1}'))
    order = {"count": 5, "ackmode": "ack_requeue_true", "encoding": "auto"}
    kept = manage(rabbitmq, "POST", f"/api/queues/{vhost(amqp_url)}/rostrum.unrouted/get", order)
    assert isinstance(kept, list)
    assert [(row["routing_key"], row["payload"], row["properties"]["message_id"]) for row in kept] == [
        ("nobody.reads.v1", '{"kept":1}', "m")
    ]
    assert kept[0]["properties"]["delivery_mode"] == 2
    assert kept[0]["properties"]["content_type"] == "application/cloudevents+json"


def test_what_no_queue_can_keep_is_not_confirmed(
    amqp_url: str, rabbitmq: RabbitMQ, make_bus: Callable[..., RabbitMQBus]
) -> None:
    publisher = make_bus().publisher()
    publisher.publish([message("m")]).result(10)
    manage(rabbitmq, "DELETE", f"/api/queues/{vhost(amqp_url)}/rostrum.unrouted")
    lost = publisher.publish([message("a"), message("b", "nobody.reads.v1"), message("c")])
    with pytest.raises(BusUnavailable, match=r"no queue for messages of type nobody\.reads\.v1"):
        lost.result(10)
    publisher.publish([message("d")]).result(10)


def test_a_full_queue_refuses_the_batch(
    amqp_url: str, rabbitmq: RabbitMQ, make_bus: Callable[..., RabbitMQBus]
) -> None:
    bus = make_bus()
    bus.check()
    policy = f"/api/policies/{vhost(amqp_url)}/short"
    manage(rabbitmq, "PUT", policy, {"pattern": "^alpha.inbox$", "definition": {"max-length": 2}})
    publisher = bus.publisher()

    def refused() -> bool:
        try:
            publisher.publish([message("filler")]).result(10)
        except BusUnavailable as error:
            return "a queue is full" in str(error)
        return False

    eventually(refused)
    consumer = bus.consumer()
    eventually(lambda: take(consumer, 2, 1) is not None and not refused())


def test_a_message_not_acknowledged_comes_again_and_counts(make_bus: Callable[..., RabbitMQBus]) -> None:
    bus = make_bus()
    publish(bus, message("m1"), message("m2"))
    first = bus.consumer()
    assert names(first.receive(10, 10)) == ["m1"]
    first.close()
    again = take(make_bus().consumer(), 2)
    assert [(d.message_id, d.redelivered, d.delivery_count) for d in again] == [
        ("m1", True, 1),
        ("m2", False, 0),
    ]


def test_acknowledgements_of_a_lost_connection_are_dropped(
    amqp_url: str, rabbitmq: RabbitMQ, make_bus: Callable[..., RabbitMQBus]
) -> None:
    bus = make_bus()
    consumer = bus.consumer()
    publish(bus, *(message(f"m{n}") for n in range(5)))
    assert names(take(consumer, 1)) == ["m0"]
    held: list[Delivery] = []
    eventually(lambda: bool(held.extend(consumer.receive(10, 0.2)) or len(held) == 4))
    _close_connections(rabbitmq, vhost(amqp_url), "alpha consumer")
    again = consumer.receive(1, 20)
    assert names(again) == ["m1"] and again[0].redelivered and again[0].epoch > held[0].epoch
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
    publisher, consumer = bus.publisher(), bus.consumer()
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
        started = time.monotonic()
        with pytest.raises(BusUnavailable):
            while time.monotonic() < started + 10:
                bus.check()
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


def test_heartbeats_go_on_while_a_reader_is_slow(amqp_url: str, make_bus: Callable[..., RabbitMQBus]) -> None:
    bus = make_bus(f"{amqp_url}?heartbeat=1")
    consumer = bus.consumer()
    publish(bus, message("slow"))
    (delivery,) = consumer.receive(1, 10)
    time.sleep(6)
    consumer.ack([delivery])
    publish(bus, message("next"))
    (following,) = consumer.receive(1, 10)
    assert (following.message_id, following.redelivered) == ("next", False)
    # Only the end of the probation made a new channel: the connection was never lost.
    assert following.epoch == delivery.epoch + 1


def test_closing_waits_for_confirms_and_is_quick(make_bus: Callable[..., RabbitMQBus]) -> None:
    bus = make_bus()
    publisher = bus.publisher()
    futures = [publisher.publish([message(f"{n}-{m}") for m in range(500)]) for n in range(10)]
    started = time.monotonic()
    bus.close()
    assert time.monotonic() - started < 5
    assert all(future.exception(0) is None for future in futures)
    with pytest.raises(BusUnavailable, match="closed"):
        publisher.publish([message("late")]).result(1)


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
        assert crashed == ["m20"] and len({line for line in handled if "inbox" in line}) == 99
    else:
        assert len(crashed) > 1, "without the guard neighbours go down with the killer"
