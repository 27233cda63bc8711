"""docs/personal-data.md lists columns that exist, and no column that looks personal is missing from it."""

import re
from pathlib import Path

import pytest
from sqlalchemy import MetaData, Table

from shared.contracts import REGISTRY
from shared.db.kernel_tables import KERNEL_METADATA
from shared.messaging.shape import PERSON, Listing, Record, record_of
from tests.factories.services import SERVICES, composed
from tests.support.personal_data import listed_columns

LOOKS_PERSONAL = re.compile(
    r"name|email|person|phone|address|street|birth|note|reason|comment|locale|password|actor|payload|raw|ip\b"
)

HARMLESS = {
    # Names of things.
    ("enrollment", "course", "name"),
    ("certification", "course", "name"),
    ("payment", "event_cursor", "name"),
    # Codes, chosen by us or by the registry.
    ("enrollment", "booking", "unseated_reason"),
    ("enrollment", "progress", "failed_reason"),
    ("enrollment", "progress", "held_reason"),
    ("certification", "enrollment_join", "flag_reason"),
    ("certification", "enrollment_join", "assessment_reasons"),
    # Staff ids.
    ("certification", "correction", "actor_id"),
    ("certification", "resumption", "actor_id"),
}


def tables_of(metadata: MetaData) -> dict[str, Table]:
    return {table.name: table for table in (*metadata.tables.values(), *KERNEL_METADATA.tables.values())}


@pytest.mark.parametrize("name", SERVICES)
def test_every_listed_column_exists(name: str, tmp_path: Path) -> None:
    service = composed(name, tmp_path)
    tables = tables_of(service.metadata)
    missing = [
        f"{table}.{column}"
        for owner, table, column in sorted(listed_columns())
        if owner == name and (table not in tables or column not in tables[table].columns)
    ]
    service.engine.dispose()
    assert missing == [], "docs/personal-data.md names what is not there"


@pytest.mark.parametrize("name", SERVICES)
def test_no_column_that_looks_personal_is_unlisted(name: str, tmp_path: Path) -> None:
    service = composed(name, tmp_path)
    unlisted = [
        f"{table.name}.{column.name}"
        for table in tables_of(service.metadata).values()
        for column in table.columns
        if LOOKS_PERSONAL.search(column.name)
        and (name, table.name, column.name) not in listed_columns() | HARMLESS
    ]
    service.engine.dispose()
    assert unlisted == [], "say in docs/personal-data.md what removes it, or why it is harmless in this test"


def test_exceptions_are_still_needed(tmp_path: Path) -> None:
    there = set()
    for name in SERVICES:
        service = composed(name, tmp_path)
        there |= {
            (name, table.name, column.name)
            for table in tables_of(service.metadata).values()
            for column in table.columns
        }
        service.engine.dispose()
    assert there >= HARMLESS
    assert not HARMLESS & listed_columns()


@pytest.mark.parametrize("event", list(REGISTRY), ids=lambda event: event.TYPE)
def test_events_hold_personal_data_in_person_only(event: type) -> None:
    # Free text and addresses belong to people; titles, codes and references do not.
    personal = re.compile(r"email|(given|family|payer|first|last)_?name|phone|address|note\b|comment")
    assert [path for path in _paths(record_of(event)) if personal.search(path) and PERSON not in path] == []


def _paths(record: Record, above: str = "") -> list[str]:
    found = []
    for member in record.members:
        path = f"{above}{member.name}"
        found.append(path)
        shape = member.shape.item if isinstance(member.shape, Listing) else member.shape
        if isinstance(shape, Record):
            found += _paths(shape, f"{path}.")
    return found
