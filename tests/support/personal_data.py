"""The list in docs/personal-data.md, as tests read it."""

import re
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
