"""A fresh clone for the commands that documents name."""

import pytest

from tests.system.documents.checkout import Checkout


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The clone; what a command leaves behind is there for the next."""
    return Checkout(tmp_path_factory.mktemp("checkout") / "clone")
