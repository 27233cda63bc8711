"""Buses on a virtual host of each test's own."""

from collections.abc import Callable, Iterator

import pytest

from shared.messaging.bus import Manifest
from shared.messaging.rabbitmq_bus import RabbitMQBus
from tests.support.broker import MANIFEST
from tests.support.rabbitmq import RabbitMQ


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
