"""Enrollment, fresh for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.component.enrollment.shop import Shop, sqlite_url


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Enrollment alone, on SQLite."""
    shop = Shop(sqlite_url(tmp_path))
    yield shop
    shop.close()
