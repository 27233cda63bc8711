"""The line of certification, fresh for each test, and its site on the same database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.component.certification.line import Line
from tests.component.certification.site import Site


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    """Certification alone, in process."""
    line = Line(tmp_path)
    yield line
    line.close()


@pytest.fixture
def site(line: Line) -> Iterator[Site]:
    """Its pages and API."""
    site = Site(line)
    yield site
    site.close()
