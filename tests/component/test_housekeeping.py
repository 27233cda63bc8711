"""Personal data of failed messages goes after 30 days, whatever stands in front of it; the rest stays."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select

from shared.clock import SystemClock
from shared.db.engine import make_engine, read_connection, write_connection
from shared.db.kernel_tables import KERNEL_METADATA, inbox
from shared.db.transaction import Transactions
from shared.messaging import housekeeping
from shared.messaging.inbox import BUS
from shared.messaging.reading import Reader
from shared.messaging.subscriptions import Subscriptions
from tests.factories.orders import CODEC, ORDER_ID, OrderClosed, Plain, an_order, encode

READER = Reader(codec=CODEC, subscriptions=Subscriptions())
OLD = datetime.now(UTC) - timedelta(days=31)
YOUNG = datetime.now(UTC) - timedelta(days=29)
PERSONAL = encode(an_order()).body
IMPERSONAL = encode(OrderClosed(order_id=ORDER_ID, plain=Plain(parcel_id=None, colour="red"))).body


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{tmp_path / 'one'}.db")
    KERNEL_METADATA.create_all(engine)
    yield engine
    engine.dispose()


def failed(engine: Engine, message_id: str, payload: str | None, **changes: Any) -> None:
    row = {
        "consumer": BUS,
        "message_id": message_id,
        "type": "order.placed.v1",
        "payload": payload,
        "state": "dead",
        "received_at": OLD,
        "first_failed_at": OLD,
        **changes,
    }
    with write_connection(engine) as connection:
        connection.execute(insert(inbox), [row])


def stored(engine: Engine, message_id: str) -> tuple[str | None, bytes | None]:
    with read_connection(engine) as connection:
        row = connection.execute(
            select(inbox.c.payload, inbox.c.raw).where(inbox.c.message_id == message_id)
        ).one()
    return row.payload, row.raw


def forget(engine: Engine) -> int:
    return housekeeping.forget_failed_people(Transactions(engine, _never, SystemClock()), READER)


def _never(*_: Any, **__: Any) -> Any:
    raise AssertionError("housekeeping says nothing")


def test_after_thirty_days_a_dead_message_names_nobody_and_stays_readable(engine: Engine) -> None:
    failed(engine, "m-1", PERSONAL)
    assert forget(engine) == 1
    payload, _ = stored(engine, "m-1")
    assert payload == encode(an_order()).redacted
    assert forget(engine) == 0
    assert stored(engine, "m-1")[0] == payload


def test_before_that_it_is_left_alone(engine: Engine) -> None:
    failed(engine, "m-1", PERSONAL, first_failed_at=YOUNG)
    assert forget(engine) == 0
    assert stored(engine, "m-1")[0] == PERSONAL


def test_the_bytes_of_an_unreadable_body_go(engine: Engine) -> None:
    failed(engine, "unreadable:1", None, raw=b'{"person": "Zo')
    assert forget(engine) == 1
    assert stored(engine, "unreadable:1") == (None, None)


def test_rows_without_people_do_not_hide_those_behind_them(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "_BATCH", 2)
    for number in range(5):
        failed(engine, f"m-{number}", IMPERSONAL)
    failed(engine, "m-9", PERSONAL)
    assert forget(engine) == 1
    assert stored(engine, "m-0")[0] == IMPERSONAL
