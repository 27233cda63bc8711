"""An inbox of its own for each test, on both kinds of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from shared.db.engine import make_engine
from shared.db.kernel_tables import KERNEL_METADATA


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with the kernel's tables."""
    if request.param == "postgresql":
        url = request.getfixturevalue("database_url")()
    else:
        url = f"sqlite:///{tmp_path / 'groups.db'}"
    engine = make_engine(url)
    KERNEL_METADATA.create_all(engine)
    yield engine
    engine.dispose()
