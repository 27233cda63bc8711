"""All three services together, fresh for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.in_process import WholeSite, make_databases, whole_site


@pytest.fixture(scope="session")
def seeded_databases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrated and seeded files of the three services, to be copied."""
    folder = tmp_path_factory.mktemp("seeded")
    make_databases(folder)
    return folder


@pytest.fixture
def rostrum(seeded_databases: Path, tmp_path: Path) -> Iterator[WholeSite]:
    """The whole site in this process, driven by hand."""
    with whole_site(seeded_databases, tmp_path) as site:
        yield site


@pytest.fixture(scope="module")
def shared_rostrum(seeded_databases: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    """One site for all tests of a file that leave each other alone."""
    with whole_site(seeded_databases, tmp_path_factory.mktemp("site")) as site:
        yield site
