"""Payment and its Stripe, fresh for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.component.payment.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Payment alone, on SQLite."""
    site = Site(tmp_path)
    yield site
    site.close()
