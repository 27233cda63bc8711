"""What is confirmed, what arrives, and what is handed out again."""

import time
from collections.abc import Callable

import pytest

from shared.messaging.bus import BusUnavailable
from shared.messaging.rabbitmq_bus import RabbitMQBus
from tests.support.broker import eventually, manage, message, names, publish, reader, take, vhost
from tests.support.rabbitmq import RabbitMQ


def test_a_confirmed_message_arrives_whole_in_every_queue(make_bus: Callable[..., RabbitMQBus]) -> None:
    big = bytes(range(256)) * 4096
    publish(make_bus(), message("big", body=big), message("other", "other.v1"))
    alpha = take(reader(make_bus()), 1)
    beta = take(reader(make_bus(service="beta")), 2)
    assert [(d.message_id, d.type, d.body) for d in alpha] == [("big", "thing.done.v1", big)]
    assert [(d.redelivered, d.delivery_count, d.queue) for d in alpha] == [(False, 0, "alpha.inbox")]
    assert names(beta) == ["big", "other"]
    assert beta[0].body == big


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
    consumer = reader(bus)
    eventually(lambda: take(consumer, 2, 1) is not None and not refused())


def test_a_message_not_acknowledged_comes_again_and_counts(make_bus: Callable[..., RabbitMQBus]) -> None:
    bus = make_bus()
    publish(bus, message("m1"), message("m2"))
    first = reader(bus)
    assert names(first.receive(10, 10)) == ["m1"]
    first.close()
    again = take(reader(make_bus()), 2)
    assert [(d.message_id, d.redelivered, d.delivery_count) for d in again] == [
        ("m1", True, 1),
        ("m2", False, 0),
    ]


def test_heartbeats_go_on_while_a_reader_is_slow(amqp_url: str, make_bus: Callable[..., RabbitMQBus]) -> None:
    bus = make_bus(f"{amqp_url}?heartbeat=1")
    consumer = reader(bus)
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
