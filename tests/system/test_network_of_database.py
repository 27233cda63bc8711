"""A network that vanishes without a word is noticed within half a minute, on both of its ends."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from shared.db.engine import make_engine, read_connection, write_connection
from shared.db.lock import AdvisoryLock, singleton_lock

EXPECTED = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
SAID_BY_US = {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}


def test_the_pool_asks_for_it_and_a_rollback_does_not_undo_it(database_url: Callable[[], str]) -> None:
    engine = make_engine(database_url(), pool_size=1)
    with pytest.raises(ZeroDivisionError), write_connection(engine):
        raise ZeroDivisionError
    with read_connection(engine) as connection:
        told = {name: connection.scalar(text(f"SELECT current_setting('{name}')")) for name in EXPECTED}
        raw = connection.connection.driver_connection
        assert raw is not None
        ours = raw.info.get_parameters()
    engine.dispose()
    assert told == EXPECTED
    assert ours.items() >= SAID_BY_US.items()


def test_the_relays_lock_asks_for_it(database_url: Callable[[], str]) -> None:
    engine = make_engine(database_url(), pool_size=1)
    lock = singleton_lock(engine, "relay")
    assert isinstance(lock, AdvisoryLock)
    assert lock.held()
    # Only a session itself tells its settings.
    session = lock._connection
    assert session is not None
    for name, value in EXPECTED.items():
        row = session.execute(f"SELECT current_setting('{name}')".encode()).fetchone()
        assert row is not None
        assert row[0] == value
    lock.close()
    engine.dispose()
