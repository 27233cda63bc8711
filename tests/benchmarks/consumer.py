"""Consumer: RabbitMQ → inbox, effect by a handler, outbox row committed → ack.

Against a raw loop on pika and psycopg that writes the same rows (inbox, references, aggregate, outbox with
its references) in batches of 20, decoding the message and encoding the outgoing one.
"""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pika
import psycopg
from sqlalchemy import func, select

from shared.db.engine import psycopg_dsn, read_connection, write_connection
from shared.db.kernel_tables import inbox, message_reference, outbox
from shared.ids import new_id
from shared.messaging.consumer import DeliveryDesk
from shared.messaging.rabbitmq_bus import RabbitMQBus
from tests.benchmarks import raw_pika
from tests.benchmarks.figures import Figure, paired
from tests.benchmarks.subject import MANIFEST, SINK, Thing, ThingNoted, bodies, build

MESSAGES = 10_000
RAW_BATCH = 20
RAW_QUEUE = "raw-consumer"


def measure(amqp_url: str, database_url: str, *, rounds: int = 3, messages: int = MESSAGES) -> Figure:
    """The consumer's figure."""
    sink = build("sink", {"DATABASE_URL": database_url, "AMQP_URL": amqp_url}, SINK)
    made = bodies(sink, messages)
    dsn = psycopg_dsn(sink.engine)
    bus = RabbitMQBus(amqp_url, MANIFEST, service="sink")
    consumer = bus.consumer()
    assert consumer is not None
    desk = DeliveryDesk(sink.transactions, sink.reader, consumer, policy=sink.policy)
    raw_pika.wait_for(amqp_url, "sink.inbox")

    def empty() -> None:
        with write_connection(sink.engine) as connection:
            for table in (inbox, message_reference, outbox, Thing.__table__):
                connection.execute(table.delete())  # type: ignore[attr-defined]  # Thing.__table__ is a Table

    def check() -> None:
        with read_connection(sink.engine) as connection:
            assert connection.scalar(select(func.count()).select_from(outbox)) == messages
            assert connection.scalar(select(func.sum(Thing.times))) == messages

    def ours() -> float:
        empty()
        # The publisher feeds the queue first, so that only consuming is timed.
        done = 0
        raw_pika.publish_all(amqp_url, "sink.inbox", made)
        began = time.perf_counter()
        while done < messages:
            done += desk.step()
        elapsed = time.perf_counter() - began
        check()
        return messages / elapsed

    def raw() -> float:
        empty()
        raw_pika.declare(amqp_url, RAW_QUEUE)
        raw_pika.publish_all(amqp_url, RAW_QUEUE, made)
        rate = _raw_loop(amqp_url, dsn, messages)
        check()
        return rate

    raw_pika.publish_all(amqp_url, "sink.inbox", bodies(sink, 50))
    warmed = 0
    while warmed < 50:
        warmed += desk.step()
    try:
        return paired(
            "consumer",
            ours,
            raw,
            unit="messages/s",
            at_least=0.5,
            rounds=rounds,
            note="ours in batches of up to 100, raw of 20",
        )
    finally:
        consumer.close()
        bus.close()
        sink.engine.dispose()


_INBOX = (
    "INSERT INTO inbox (consumer, message_id, type, payload, state, attempts, received_at, finished_at, "
    "correlation_id) VALUES ('bus', %s, %s, %s, 'handled', 1, clock_timestamp(), clock_timestamp(), %s) "
    "ON CONFLICT DO NOTHING"
)
_REFERENCE = "INSERT INTO message_reference (message_id, reference) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_THING = (
    "INSERT INTO thing AS t (thing_id, total_minor, times) VALUES (%s, %s, 1) ON CONFLICT (thing_id) "
    "DO UPDATE SET total_minor = t.total_minor + excluded.total_minor, times = t.times + 1"
)
_OUTBOX = (
    "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, headers, created_at) "
    "VALUES (%s, 'thing', %s, %s, %s, '{}', %s)"
)


def _raw_loop(url: str, dsn: str, messages: int) -> float:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.basic_qos(prefetch_count=300)
    done = 0
    batch: list[tuple[Any, bytes]] = []
    with psycopg.connect(dsn) as database:
        began = time.perf_counter()
        for method, _properties, body in channel.consume(RAW_QUEUE):
            batch.append((method, body))
            if len(batch) < RAW_BATCH and done + len(batch) < messages:
                continue
            _write(database, [raw for _, raw in batch])
            channel.basic_ack(batch[-1][0].delivery_tag, multiple=True)
            done += len(batch)
            batch = []
            if done >= messages:
                break
        elapsed = time.perf_counter() - began
    channel.cancel()
    connection.close()
    return messages / elapsed


def _write(database: "psycopg.Connection[Any]", batch: list[bytes]) -> None:
    now = datetime.now(UTC)
    inboxes, references, things, sayings = [], [], [], []
    for raw in batch:
        message = json.loads(raw)
        data = message["data"]
        inboxes.append((message["id"], message["type"], raw.decode(), message.get("correlationid")))
        ids = [data["thing_id"], data["order_id"], *(part["part_id"] for part in data["parts"])]
        references += [(message["id"], each) for each in ids]
        things.append((data["thing_id"], data["amount_minor"]))
        out_id = str(new_id())
        saying = {
            "specversion": "1.0",
            "id": out_id,
            "type": ThingNoted.TYPE,
            "source": "/sink",
            "subject": data["thing_id"],
            "time": now.isoformat(),
            "datacontenttype": "application/json",
            "correlationid": message.get("correlationid"),
            "causationid": message["id"],
            "data": {
                "thing_id": data["thing_id"],
                "total_minor": data["amount_minor"],
                "noted_at": now.isoformat(),
            },
        }
        sayings.append((out_id, data["thing_id"], ThingNoted.TYPE, json.dumps(saying), now))
        references.append((out_id, data["thing_id"]))
    with database.transaction(), database.cursor() as cursor:
        cursor.executemany(_INBOX, inboxes)
        cursor.executemany(_REFERENCE, references)
        cursor.executemany(_THING, things)
        cursor.executemany(_OUTBOX, sayings)
