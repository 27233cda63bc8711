"""One site for all of these tests: what one changes, the others allow for."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.component.authorization.world import World
from tests.support.in_process import whole_site


@pytest.fixture(scope="session")
def world(seeded_databases: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The site with something of everything on it."""
    with whole_site(seeded_databases, tmp_path_factory.mktemp("authorization")) as site, ExitStack() as stack:
        yield World(site, stack)
