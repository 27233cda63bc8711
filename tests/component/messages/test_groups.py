"""Groups of failed messages: what makes one, and what acting on one does."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, select, update

from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import group_action, inbox
from shared.db.moment import moment
from shared.errors import Invalid, NotFound
from shared.ids import new_id
from shared.messaging import group_actions, groups
from shared.messaging.codec import Codec
from shared.messaging.event import EventRegistry
from shared.messaging.group_actions import discard_group, retry_group
from shared.messaging.inbox import store
from shared.messaging.reading import Reader
from shared.messaging.subscriptions import Subscriptions
from tests.support.failed_messages import (
    AWAY,
    BROKEN,
    KEY,
    dead,
    failing,
    read_group,
    read_outcome,
    row,
    set_states,
    states,
)

READER = Reader(codec=Codec(EventRegistry()), subscriptions=Subscriptions())


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


def test_every_action_leaves_a_trace(engine: Engine) -> None:
    dead(engine, "a")
    retry_group(engine, KEY, actor="staff:1")
    with read_connection(engine) as connection:
        assert connection.execute(select(group_action.c.actor, group_action.c.action)).all() == [
            ("staff:1", "retry")
        ]
