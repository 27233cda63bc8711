"""What became of messages that a service said to itself, for many business ids at once, on both databases."""

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, event, insert

from shared.db.engine import read_connection, write_connection
from shared.db.kernel_tables import inbox, message_reference, outbox
from shared.db.moment import moment
from shared.ids import new_id
from shared.messaging.operations import OwnRequest, newest_own, newest_own_of_each

KIND = "parcel.wanted.v1"


def say(connection: Connection, reference: str, *, kind: str = KIND) -> UUID:
    """A message about this id, as a transaction leaves it."""
    said = new_id()
    connection.execute(
        insert(outbox).values(
            id=said,
            aggregatetype="parcel",
            aggregateid=reference,
            type=kind,
            payload="{}",
            headers=json.dumps({}),
            created_at=moment(),
        )
    )
    connection.execute(insert(message_reference).values(message_id=str(said), reference=reference))
    return said


def hear(connection: Connection, message_id: UUID | str, state: str, *, consumer: str = "bus") -> None:
    """It arrived, and this became of it."""
    connection.execute(
        insert(inbox).values(
            consumer=consumer,
            message_id=str(message_id),
            type=KIND,
            payload="{}",
            state=state,
            received_at=moment(),
        )
    )


def test_each_gets_its_newest_and_what_became_of_it(engine: Engine) -> None:
    with write_connection(engine) as connection:
        older, handled = say(connection, "one"), say(connection, "two")
        newer, on_its_way = say(connection, "one"), say(connection, "three")
        other = say(connection, "one", kind="parcel.lost.v1")
        for message_id, state in (
            (older, "discarded"),
            (newer, "dead"),
            (handled, "handled"),
            (other, "dead"),
        ):
            hear(connection, message_id, state)
        # Somebody else's message names the same id, and has no UUID.
        connection.execute(insert(message_reference).values(message_id="evt_1", reference="one"))
        hear(connection, "evt_1", "dead", consumer="stripe")
    with read_connection(engine) as connection:
        found = newest_own_of_each(connection, KIND, ["one", "two", "three", "four"])
        assert found == {
            "one": OwnRequest(message_id=str(newer), state="dead"),
            "two": OwnRequest(message_id=str(handled), state="handled"),
            "three": OwnRequest(message_id=str(on_its_way), state=None),
        }
        assert newest_own(connection, KIND, "one") == found["one"]
        assert newest_own(connection, KIND, "four") is None
        assert newest_own_of_each(connection, KIND, []) == {}


@pytest.mark.parametrize("many", [1, 300])
def test_however_many_there_are_it_is_three_statements_that_indexes_answer(engine: Engine, many: int) -> None:
    references = [f"parcel-{number}" for number in range(many)]
    with write_connection(engine) as connection:
        for reference in references:
            hear(connection, say(connection, reference), "failed")
    plans: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith("EXPLAIN"):
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append(" ".join(row[-1] for row in rows))

    def count(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        plans.append("")

    look = explain if engine.dialect.name == "sqlite" else count
    with read_connection(engine) as connection:
        event.listen(connection, "before_cursor_execute", look)
        assert len(newest_own_of_each(connection, KIND, references)) == many
    assert len(plans) == 3
    if engine.dialect.name == "sqlite":
        for table, plan in zip(("message_reference", "outbox", "inbox"), plans, strict=True):
            assert f"SEARCH {table} USING" in plan, plan
            assert f"SCAN {table}" not in plan, plan
