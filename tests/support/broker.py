"""Words of the tests that speak to a broker through the bus, and to its management interface."""

import base64
import json
import time
import urllib.request
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit, urlunsplit

from shared.messaging.bus import BusUnavailable, Delivery, Manifest, OutgoingMessage
from shared.messaging.rabbitmq_bus import RabbitMQBus
from shared.messaging.rabbitmq_bus.consumer import RabbitMQConsumer
from tests.support.rabbitmq import RabbitMQ

MANIFEST = Manifest(
    subscriptions={"alpha": frozenset({"thing.done.v1"}), "beta": frozenset({"thing.done.v1", "other.v1"})}
)


def message(name: str, event_type: str = "thing.done.v1", body: bytes = b"{}") -> OutgoingMessage:
    return OutgoingMessage(message_id=name, type=event_type, body=body)


def publish(bus: RabbitMQBus, *messages: OutgoingMessage) -> None:
    bus.publisher().publish(messages).result(30)


def reader(bus: RabbitMQBus) -> RabbitMQConsumer:
    """The consumer of a service that has a queue."""
    consumer = bus.consumer()
    assert consumer is not None
    return consumer


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


def as_user(url: str, user: str, password: str) -> str:
    """The same address for another broker user."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc.rpartition('@')[2]}"))


def manage(broker: RabbitMQ, method: str, path: str, body: object = None) -> object:
    request = urllib.request.Request(f"{broker.management_url}{path}", method=method)
    parts = urlsplit(broker.url)
    pair = f"{parts.username or 'guest'}:{parts.password or 'guest'}".encode()
    request.add_header("Authorization", f"Basic {base64.b64encode(pair).decode()}")
    request.add_header("Content-Type", "application/json")
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(request, data, timeout=10) as response:
        text = response.read()
    return json.loads(text) if text else None


def works(bus: RabbitMQBus) -> bool:
    """Whether the bus says that it can carry messages."""
    try:
        bus.check()
    except BusUnavailable:
        return False
    return True


def vhost(url: str) -> str:
    return urlsplit(url).path[1:]
