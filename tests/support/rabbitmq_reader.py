"""A process that reads one service's queue and dies of a message whose body is `poison`.

Run as `python -m tests.support.rabbitmq_reader URL SERVICE TYPE PROBATION`. It prints what it acknowledged
and ends with code 0 after two idle seconds. PROBATION `off` takes the guard away: the negative control.
"""

import os
import signal
import sys

from shared.messaging.bus import Manifest
from shared.messaging.rabbitmq_bus import RabbitMQBus
from shared.messaging.rabbitmq_bus.consumer import RabbitMQConsumer


class Reckless(RabbitMQConsumer):
    """Takes the full prefetch from the first message on."""

    def opened(self) -> None:
        self._subscribe(on_probation=False)


def main() -> None:
    """Read until nothing comes, or a message kills."""
    url, service, event_type, probation = sys.argv[1:]
    bus = RabbitMQBus(url, Manifest(subscriptions={service: frozenset({event_type})}), service=service)
    consumer: RabbitMQConsumer | None
    if probation == "off":
        consumer = Reckless(lambda user: bus._connection(user, "reader"), service=service, prefetch=300)
    else:
        consumer = bus.consumer()
    assert consumer is not None
    while deliveries := consumer.receive(100, 2.0):
        for delivery in deliveries:
            if delivery.queue == f"{service}.inbox" and delivery.body == b"poison":
                os.kill(os.getpid(), signal.SIGKILL)
            print(delivery.queue, delivery.message_id, flush=True)
            consumer.ack([delivery])
    consumer.close()


if __name__ == "__main__":
    main()
