"""Embedded bus: outbox → handled in one loop; against a raw sqlite3 loop that writes the same rows.

The raw loop decodes each message and encodes the outgoing one with `json`, has the same durability (WAL,
synchronous=FULL) and the same batch of 200, but neither validates nor maps objects.
"""

import json
import re
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select

from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import inbox, message_reference, outbox
from shared.db.lock import singleton_lock
from shared.ids import new_id
from shared.messaging.desk import Desk
from shared.messaging.relay import Relay
from shared.messaging.subscriptions import Subscriptions
from shared.worker import settle
from tests.benchmarks.figures import Figure, paired
from tests.benchmarks.subject import SINK, Thing, ThingNoted, bodies, build, fill_outbox

MESSAGES = 10_000
BATCH = 200
# The bus looks for correlation and ids and does not read the body; the raw loop writes the same ids when it handles.
CORRELATION = re.compile(r'"correlationid":"([^"]+)"').search


def measure(*, rounds: int = 5, messages: int = MESSAGES) -> Figure:
    """The embedded bus's figure."""
    with tempfile.TemporaryDirectory(prefix="rostrum-bench-") as folder:
        files = {name: Path(folder) / f"{name}.db" for name in ("source", "sink")}
        databases = ",".join(f"{name}=sqlite:///{path}" for name, path in files.items())
        source, sink = (
            build(
                name,
                {"DATABASE_URL": f"sqlite:///{files[name]}", "EMBEDDED_DATABASES": databases},
                SINK if name == "sink" else Subscriptions(),
            )
            for name in ("source", "sink")
        )
        made = bodies(source, messages)
        bus = source.open_bus()
        relay = Relay(source.engine, bus, singleton_lock(source.engine, "relay"), batch=BATCH)
        desk = Desk(sink.transactions, sink.reader, policy=sink.policy, lease_seconds=60, batch=BATCH)

        settle()

        def empty() -> None:
            with write_connection(sink.engine) as connection:
                for table in (inbox, message_reference, outbox, Thing.__table__):
                    connection.execute(table.delete())  # type: ignore[attr-defined]  # Thing.__table__ is a Table

        def check() -> None:
            with read_connection(sink.engine) as connection:
                handled = select(func.count()).select_from(inbox).where(inbox.c.state == "handled")
                assert connection.scalar(handled) == messages
                assert connection.scalar(select(func.sum(Thing.times))) == messages

        def ours() -> float:
            empty()
            fill_outbox(source, made)
            began = time.perf_counter()
            done = 0
            while done < messages:
                relay.step()
                while taken := desk.step():
                    done += taken
            elapsed = time.perf_counter() - began
            check()
            return messages / elapsed

        def raw() -> float:
            empty()
            fill_outbox(source, made)
            rate = _raw_loop(files["source"], files["sink"], messages)
            check()
            return rate

        try:
            return paired("embedded bus", ours, raw, unit="messages/s", at_least=0.4, rounds=rounds)
        finally:
            relay.close()
            bus.close()
            source.engine.dispose()
            sink.engine.dispose()


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-16000"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _raw_loop(source_file: Path, sink_file: Path, messages: int) -> float:
    source, sink = _open(source_file), _open(sink_file)
    began = time.perf_counter()
    done = 0
    while done < messages:
        _carry(source, sink)
        done += _claim_and_handle(sink)
    elapsed = time.perf_counter() - began
    source.close()
    sink.close()
    return messages / elapsed


def _carry(source: sqlite3.Connection, sink: sqlite3.Connection) -> None:
    rows = source.execute(
        "SELECT seq, id, type, payload FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT ?", (BATCH,)
    ).fetchall()
    now = datetime.now(UTC).isoformat(" ")[:26]
    sink.execute("BEGIN IMMEDIATE")
    sink.executemany(
        "INSERT INTO inbox (consumer, message_id, type, payload, state, attempts, received_at, next_attempt_at, "
        "correlation_id) VALUES ('bus', ?, ?, ?, 'received', 0, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (str(UUID(id_)), type_, payload, now, now, found[1] if (found := CORRELATION(payload)) else None)
            for _, id_, type_, payload in rows
        ],
    )
    sink.execute("COMMIT")
    source.execute("BEGIN IMMEDIATE")
    source.executemany("UPDATE outbox SET published_at = ? WHERE seq = ?", [(now, row[0]) for row in rows])
    source.execute("COMMIT")


def _claim_and_handle(sink: sqlite3.Connection) -> int:
    now = datetime.now(UTC).isoformat(" ")[:26]
    sink.execute("BEGIN IMMEDIATE")
    rows = sink.execute(
        "SELECT message_id, payload FROM inbox WHERE state IN ('received', 'failed') AND next_attempt_at <= ? "
        "AND lease_until IS NULL ORDER BY next_attempt_at, message_id LIMIT ?",
        (now, BATCH),
    ).fetchall()
    token = str(new_id())
    sink.executemany(
        "UPDATE inbox SET attempts = attempts + 1, lease_token = ?, lease_until = ? "
        "WHERE consumer = 'bus' AND message_id = ?",
        [(token, now, row[0]) for row in rows],
    )
    sink.execute("COMMIT")
    marks, references, things, sayings = [], [], [], []
    for message_id, payload in rows:
        message = json.loads(payload)
        data = message["data"]
        marks.append((payload, now, message_id, token))
        ids = [data["thing_id"], data["order_id"], *(part["part_id"] for part in data["parts"])]
        references += [(message_id, each) for each in ids]
        things.append((data["thing_id"].replace("-", ""), data["amount_minor"]))
        out_id = str(new_id())
        saying = {
            "specversion": "1.0",
            "id": out_id,
            "type": ThingNoted.TYPE,
            "source": "/sink",
            "subject": data["thing_id"],
            "time": now,
            "datacontenttype": "application/json",
            "correlationid": message.get("correlationid"),
            "causationid": message_id,
            "data": {"thing_id": data["thing_id"], "total_minor": data["amount_minor"], "noted_at": now},
        }
        sayings.append((out_id.replace("-", ""), data["thing_id"], ThingNoted.TYPE, json.dumps(saying), now))
        references.append((out_id, data["thing_id"]))
    sink.execute("BEGIN IMMEDIATE")
    sink.executemany(
        "UPDATE inbox SET state = 'handled', payload = ?, finished_at = ?, lease_token = NULL, lease_until = NULL, "
        "next_attempt_at = NULL WHERE consumer = 'bus' AND message_id = ? AND lease_token = ?",
        marks,
    )
    sink.executemany("INSERT INTO message_reference VALUES (?, ?) ON CONFLICT DO NOTHING", references)
    sink.executemany(
        "INSERT INTO thing (thing_id, total_minor, times) VALUES (?, ?, 1) ON CONFLICT (thing_id) DO UPDATE SET "
        "total_minor = total_minor + excluded.total_minor, times = times + 1",
        things,
    )
    sink.executemany(
        "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, headers, created_at) "
        "VALUES (?, 'thing', ?, ?, ?, '{}', ?)",
        sayings,
    )
    sink.execute("COMMIT")
    return len(rows)
