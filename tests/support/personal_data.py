"""The list in docs/personal-data.md as tests read it, and where marked people are found."""

import re
import sqlite3
from collections import Counter
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

_DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "personal-data.md"
_ROW = re.compile(r"^\| `(\w+)\.(\w+)` \|", re.MULTILINE)
_EVERY_SERVICE = "In every service"

SERVICES = ("enrollment", "payment", "certification")

Column = tuple[str, str, str]
"""Service, table, column."""


def listed_columns() -> frozenset[Column]:
    """Every column that may hold personal data; the kernel's tables count once per service."""
    found: set[Column] = set()
    for section in _DOCUMENT.read_text().split("\n## ")[1:]:
        title = section.splitlines()[0].strip()
        owners = SERVICES if title == _EVERY_SERVICE else (title,)
        for table, column in _ROW.findall(section):
            found.update((owner, table, column) for owner in owners)
    return frozenset(found)


def columns_holding(database: Path, service: str, markers: Collection[str]) -> dict[Column, int]:
    """Where in a SQLite file any of the marked values stands, as text or as bytes, and in how many rows."""
    found: Counter[Column] = Counter()
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            table = name.decode()
            rows = connection.execute(f'SELECT * FROM "{table}"')
            columns = [description[0] for description in rows.description]
            for row in rows:
                for column, value in zip(columns, row, strict=True):
                    if _holds(value, markers):
                        found[service, table, column] += 1
    return dict(found)


def lines_holding(log: Path, markers: Collection[str]) -> list[str]:
    """The lines of a log in which a marked value stands."""
    return [line for line in log.read_text().splitlines() if _holds(line.encode(), markers)]


def _holds(value: object, markers: Collection[str]) -> bool:
    # Case and Unicode escapes of JSON are no hiding place: markers are plain ASCII.
    return isinstance(value, bytes) and any(marker.lower().encode() in value.lower() for marker in markers)
