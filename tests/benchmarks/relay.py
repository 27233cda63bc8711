"""Relay: outbox → quorum queue, confirmed and marked; against raw pika with a window of 500 confirms."""

import time

from sqlalchemy import func, select

from shared.db.engine import read_connection
from shared.db.kernel_tables import outbox
from shared.db.lock import singleton_lock
from shared.messaging.rabbitmq_bus import RabbitMQBus
from shared.messaging.relay import Relay
from shared.messaging.subscriptions import Subscriptions
from tests.benchmarks import raw_pika
from tests.benchmarks.figures import Figure, paired
from tests.benchmarks.subject import MANIFEST, bodies, build, fill_outbox

MESSAGES = 20_000
RAW_QUEUE = "raw"


def measure(amqp_url: str, database_url: str, *, rounds: int = 5, messages: int = MESSAGES) -> Figure:
    """The relay's figure."""
    source = build("source", {"DATABASE_URL": database_url, "AMQP_URL": amqp_url}, Subscriptions())
    made = bodies(source, messages)
    bus = RabbitMQBus(amqp_url, MANIFEST, service="source")
    relay = Relay(source.engine, bus, singleton_lock(source.engine, "relay"))

    def ours() -> float:
        fill_outbox(source, made)
        raw_pika.purge(amqp_url, "sink.inbox")
        began = time.perf_counter()
        marked = 0
        while marked < messages:
            marked += relay.step()
        elapsed = time.perf_counter() - began
        with read_connection(source.engine) as connection:
            left = connection.scalar(
                select(func.count()).select_from(outbox).where(outbox.c.published_at.is_(None))
            )
        assert left == 0
        assert raw_pika.depth(amqp_url, "sink.inbox") == messages
        return messages / elapsed

    def raw() -> float:
        raw_pika.declare(amqp_url, RAW_QUEUE)
        rate = raw_pika.publish_all(amqp_url, RAW_QUEUE, made)
        assert raw_pika.depth(amqp_url, RAW_QUEUE) == messages
        raw_pika.purge(amqp_url, RAW_QUEUE)
        return rate

    fill_outbox(source, made[:500])
    while relay.step():
        pass
    try:
        return paired("relay", ours, raw, unit="messages/s", at_least=0.5, rounds=rounds)
    finally:
        relay.close()
        bus.close()
        source.engine.dispose()
