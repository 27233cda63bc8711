"""Groups of failed messages: what makes one, and that acting on one is safe against everybody else."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, literal, select, update

from shared.db.engine import make_engine, read_connection, write_connection
from shared.db.kernel_tables import KERNEL_METADATA, group_action, inbox
from shared.db.moment import moment
from shared.errors import Invalid, NotFound
from shared.ids import new_id
from shared.messaging import group_actions, groups, leases
from shared.messaging.codec import Codec
from shared.messaging.event import EventRegistry
from shared.messaging.group_actions import discard_group, retry_group
from shared.messaging.groups import Group, Key, Outcome
from shared.messaging.inbox import Failure, new_row, store, store_dead, store_failed
from shared.messaging.reading import Reader
from shared.messaging.subscriptions import RetryPolicy, Subscriptions

READER = Reader(codec=Codec(EventRegistry()), subscriptions=Subscriptions())
POLICY = RetryPolicy()
PAYLOAD = json.dumps({"data": {"order_id": "o-1", "person": {"name": "Ada"}}})
BROKEN = Failure(kind="failed", error="ValueError: no such workshop 7", fingerprint="f1")
AWAY = Failure(kind="unavailable", error="Unavailable: refused", fingerprint="f2")
KEY = Key(type="thing.happened.v1", fingerprint="f1")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with the kernel's tables."""
    if request.param == "postgresql":
        url = request.getfixturevalue("database_url")()
    else:
        url = f"sqlite:///{tmp_path / 'groups.db'}"
    engine = make_engine(url)
    KERNEL_METADATA.create_all(engine)
    yield engine
    engine.dispose()


def row(message_id: str, type: str = KEY.type, **more: Any) -> dict[str, Any]:
    values = {"consumer": "bus", "payload": PAYLOAD, "correlation_id": None, **more}
    return new_row(message_id=message_id, type=type, **values)


def dead(engine: Engine, *ids: str, failure: Failure = BROKEN, **more: Any) -> None:
    """Messages that are dead."""
    with write_connection(engine) as connection:
        for message_id in ids:
            store_dead(connection, row(message_id, **more), failure)


def failing(engine: Engine, *ids: str, failure: Failure = BROKEN) -> None:
    """Messages that are tried again."""
    with write_connection(engine) as connection:
        for message_id in ids:
            store_failed(connection, row(message_id), failure, POLICY)


def states(engine: Engine) -> dict[str, str]:
    """Message id → state."""
    with read_connection(engine) as connection:
        return {r.message_id: r.state for r in connection.execute(select(inbox))}


def set_states(engine: Engine, **by_id: str) -> None:
    """What a worker made of them."""
    with write_connection(engine) as connection:
        for message_id, state in by_id.items():
            connection.execute(
                update(inbox)
                .where(inbox.c.message_id == message_id)
                .values(state=state, failed_at=moment(), error="ValueError: something else")
            )


def read_group(engine: Engine, key: Key = KEY) -> Group | None:
    with read_connection(engine) as connection:
        return groups.get_group(connection, key)


def read_outcome(engine: Engine, action_id: UUID) -> Outcome:
    with read_connection(engine) as connection:
        return groups.outcome(connection, action_id)


def test_messages_of_one_type_with_one_fingerprint_are_a_group(engine: Engine) -> None:
    dead(engine, "a", "b")
    failing(engine, "c")
    failing(engine, "d", failure=AWAY)
    dead(engine, "e", type="other.happened.v1")
    with write_connection(engine) as connection:
        store(connection, [row("f")])
        store(connection, [row("g", state="handled")])
    with read_connection(engine) as connection:
        found = {(g.key.type, g.key.fingerprint): g for g in groups.groups(connection, limit=10)}
        rows = groups.messages_of(connection, KEY, limit=10)
    assert {key: (g.dead, g.failed, g.kind) for key, g in found.items()} == {
        ("thing.happened.v1", "f1"): (2, 1, "failed"),
        ("thing.happened.v1", "f2"): (0, 1, "unavailable"),
        ("other.happened.v1", "f1"): (1, 0, "failed"),
    }
    group = found["thing.happened.v1", "f1"]
    assert group.error == BROKEN.error
    assert group.most_attempts == 1
    assert group.first_seen <= group.last_seen
    assert {r.message_id for r in rows} == {"a", "b", "c"}


def test_a_retry_takes_all_of_the_group_and_nothing_else(engine: Engine) -> None:
    dead(engine, "a", "b")
    failing(engine, "c")
    failing(engine, "d", failure=AWAY)
    action_id = retry_group(engine, KEY, actor="staff:1")
    assert states(engine) == {"a": "received", "b": "received", "c": "received", "d": "failed"}
    assert read_group(engine) is None
    with read_connection(engine) as connection:
        retried = connection.execute(select(inbox).where(inbox.c.message_id == "a")).one()
    assert (retried.attempts, retried.actor, retried.note) == (0, "staff:1", "retried")
    first = read_outcome(engine, action_id)
    assert (first.taken, first.waiting, first.handled, first.failed_again) == (3, 3, 0, 0)

    set_states(engine, a="handled", b="failed")
    later = read_outcome(engine, action_id)
    assert (later.taken, later.waiting, later.handled, later.failed_again) == (3, 1, 1, 1)
    with read_connection(engine) as connection:
        again = groups.failed_again(connection, action_id, limit=10)
        history = groups.outcomes(connection, KEY, limit=10)
    assert [r.message_id for r in again] == ["b"]
    assert [each.action_id for each in history] == [action_id]
    assert history[0].error == BROKEN.error


def test_what_is_in_work_or_unreadable_is_left_alone_and_told(engine: Engine) -> None:
    dead(engine, "a")
    dead(engine, "blob", payload=None, raw=b"\xff")
    failing(engine, "busy")
    with write_connection(engine) as connection:
        connection.execute(
            update(inbox).where(inbox.c.message_id == "busy").values(lease_token="t", lease_until=moment(60))
        )
    outcome = read_outcome(engine, retry_group(engine, KEY, actor="x"))
    assert (outcome.taken, outcome.left_in_work, outcome.left_unreadable) == (1, 1, 1)
    assert states(engine) == {"a": "received", "blob": "dead", "busy": "failed"}
    outcome = read_outcome(engine, discard_group(engine, READER, KEY, actor="x", reason="not ours"))
    assert (outcome.taken, outcome.left_in_work, outcome.left_unreadable) == (1, 1, 0)
    assert states(engine) == {"a": "received", "blob": "discarded", "busy": "failed"}


def test_a_discard_needs_a_reason_and_takes_the_people_along(engine: Engine) -> None:
    dead(engine, "a", "b")
    with pytest.raises(Invalid):
        discard_group(engine, READER, KEY, actor="x", reason="  ")
    assert states(engine) == {"a": "dead", "b": "dead"}
    action_id = discard_group(engine, READER, KEY, actor="staff:1", reason=" refunded by hand ")
    outcome = read_outcome(engine, action_id)
    assert (outcome.action, outcome.reason, outcome.discarded) == ("discard", "refunded by hand", 2)
    with read_connection(engine) as connection:
        rows = connection.execute(select(inbox)).all()
    assert {(r.state, r.note, r.actor) for r in rows} == {("discarded", "refunded by hand", "staff:1")}
    assert all("Ada" not in r.payload for r in rows)


def test_a_large_group_is_taken_whole_in_several_transactions(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_actions, "_CHUNK", 3)
    dead(engine, *(f"m-{n:02}" for n in range(10)))
    outcome = read_outcome(engine, retry_group(engine, KEY, actor="x"))
    assert outcome.taken == 10


def test_a_message_that_fails_again_at_once_is_taken_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_actions, "_CHUNK", 2)
    dead(engine, "a", "b", "c", "d")

    @contextmanager
    def and_fail_at_once(engine: Engine) -> Iterator[Connection]:
        # A worker that is faster than our next transaction.
        with write_connection(engine) as connection:
            yield connection
        with write_connection(engine) as connection:
            connection.execute(update(inbox).where(inbox.c.state == "received").values(state="dead"))

    monkeypatch.setattr(group_actions, "write_connection", and_fail_at_once)
    outcome = read_outcome(engine, retry_group(engine, KEY, actor="x"))
    assert (outcome.taken, outcome.failed_again) == (4, 4)


def test_an_action_nobody_took_is_unknown(engine: Engine) -> None:
    with pytest.raises(NotFound):
        read_outcome(engine, new_id())


def together(*acts: Callable[[], Any]) -> list[Any]:
    """All at the same instant, each on a thread."""
    barrier, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number: int, act: Callable[[], Any]) -> None:
        barrier.wait()
        results[number] = act()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def shared_between_two(engine: Engine) -> list[int]:
    """Two operators retry the same sixty messages at the same instant, a few times: how many both took together."""
    sums = []
    for number in range(4):
        key = Key(type=KEY.type, fingerprint=f"f-{number}")
        failure = Failure(kind="failed", error="ValueError: no", fingerprint=key.fingerprint)
        dead(engine, *(f"{number}-{each:02}" for each in range(60)), failure=failure)
        actions = together(
            partial(retry_group, engine, key, actor="staff:1"),
            partial(retry_group, engine, key, actor="staff:2"),
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
        _, action_id = together(
            partial(finish, engine, claimed), partial(retry_group, engine, KEY, actor="x")
        )
        taken += read_outcome(engine, action_id).taken
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


def test_every_action_leaves_a_trace(engine: Engine) -> None:
    dead(engine, "a")
    retry_group(engine, KEY, actor="staff:1")
    with read_connection(engine) as connection:
        assert connection.execute(select(group_action.c.actor, group_action.c.action)).all() == [
            ("staff:1", "retry")
        ]
