"""Two operators at once, or one and a worker: a message is never taken twice, and what was handled stays so."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, literal, select, update

from shared.db.engine import write_connection
from shared.db.kernel_tables import inbox
from shared.db.moment import moment
from shared.messaging import group_actions, leases
from shared.messaging.group_actions import retry_group
from shared.messaging.groups import Key
from shared.messaging.inbox import Failure
from tests.support.at_once import at_once
from tests.support.failed_messages import KEY, POLICY, dead, failing, read_outcome, states


def shared_between_two(engine: Engine) -> list[int]:
    """Two operators retry the same sixty messages at the same instant, a few times: how many both took together."""
    sums = []
    for number in range(4):
        key = Key(type=KEY.type, fingerprint=f"f-{number}")
        failure = Failure(kind="failed", error="ValueError: no", fingerprint=key.fingerprint)
        dead(engine, *(f"{number}-{each:02}" for each in range(60)), failure=failure)
        actions = at_once(
            [
                partial(retry_group, engine, key, actor="staff:1"),
                partial(retry_group, engine, key, actor="staff:2"),
            ]
        )
        sums.append(sum(read_outcome(engine, each).taken for each in actions))
    return sums


def test_two_operators_at_once_share_the_messages_between_them(engine: Engine) -> None:
    assert shared_between_two(engine) == [60] * 4
    assert set(states(engine).values()) == {"received"}


def retried_while_handled(engine: Engine) -> int:
    """A worker finishes messages while somebody retries them all: how many of them the retry took."""
    taken = 0
    for number in range(5):
        ids = [f"{number}-{n}" for n in range(20)]
        failing(engine, *ids)
        with write_connection(engine) as connection:
            connection.execute(
                update(inbox).where(inbox.c.state == "failed").values(next_attempt_at=moment(-1))
            )
            claimed = [
                one for _ in ids for one in leases.claim(connection, lease_seconds=60, policy=POLICY, limit=1)
            ]
        assert len(claimed) == 20
        action_id: list[UUID] = []

        def retry(found: list[UUID] = action_id) -> None:
            found.append(retry_group(engine, KEY, actor="x"))

        acts: list[Callable[[], None]] = [partial(finish, engine, claimed), retry]
        at_once(acts)
        taken += read_outcome(engine, action_id[0]).taken
    return taken


def finish(engine: Engine, claimed: Sequence[leases.Claimed]) -> None:
    """What a worker does at the end of each message."""
    for one in claimed:
        with write_connection(engine) as connection:
            leases.finish(connection, [(one, "{}")])


def test_a_message_that_is_handled_meanwhile_is_not_run_again(engine: Engine) -> None:
    assert retried_while_handled(engine) == 0
    assert set(states(engine).values()) == {"handled"}


class TestWithoutTheGuard:
    """The same two, where whoever acts neither locks nor looks whether somebody is at work: both must fail."""

    @pytest.fixture(autouse=True)
    def unguarded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def seen(connection: Connection, keys: Sequence[Any]) -> Sequence[Any]:
            free = literal(False).label("in_work")
            rows = connection.execute(
                select(inbox.c.consumer, inbox.c.message_id, inbox.c.payload, free)
                .where(inbox.c.message_id.in_([key[1] for key in keys]))
                .order_by(inbox.c.consumer, inbox.c.message_id)
            ).all()
            # Long enough for the other one to look as well.
            time.sleep(0.2)
            return rows

        monkeypatch.setattr(group_actions, "_locked", seen)

    def test_two_operators_take_the_same_messages(self, engine: Engine) -> None:
        taken = sum(shared_between_two(engine))
        # SQLite lets one write at a time: there is no other guard to remove.
        assert taken > 240 if engine.dialect.name == "postgresql" else taken == 240

    def test_a_message_that_somebody_works_on_is_run_again(self, engine: Engine) -> None:
        assert retried_while_handled(engine) > 0
