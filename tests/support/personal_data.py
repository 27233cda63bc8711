"""The list in docs/personal-data.md as tests read it, and where marked people are found."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

from sqlalchemy import inspect

from shared.db.engine import make_engine

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


def columns_holding(databases: Mapping[str, str], markers: Collection[str]) -> dict[Column, int]:
    """Where in these databases (service → URL) a marked value stands, in every column of every table, how often."""
    found: Counter[Column] = Counter()
    for service, url in databases.items():
        engine = make_engine(url, pool_size=1)
        with engine.connect() as connection:
            for table in inspect(connection).get_table_names():
                for row in connection.exec_driver_sql(f'SELECT * FROM "{table}"').mappings():
                    for column, value in row.items():
                        if _holds(value, markers):
                            found[service, table, column] += 1
        engine.dispose()
    return dict(found)


def lines_holding(log: Path, markers: Collection[str]) -> list[str]:
    """The lines of a log in which a marked value stands."""
    return [line for line in log.read_text(errors="replace").splitlines() if _holds(line, markers)]


def _holds(value: object, markers: Collection[str]) -> bool:
    # Case and Unicode escapes of JSON are no hiding place: markers are plain ASCII.
    text = bytes(value).decode(errors="replace") if isinstance(value, bytes | memoryview) else str(value)
    return any(marker.lower() in text.lower() for marker in markers)
