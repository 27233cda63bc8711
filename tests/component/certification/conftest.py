"""The line of certification, fresh for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.component.certification.line import Line


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    """Certification alone, in process."""
    line = Line(tmp_path)
    yield line
    line.close()
