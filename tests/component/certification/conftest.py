"""The line of certification, fresh for each test, and its site on the same database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.sandbox.scrum_alliance.app import create_app, stop
from deploy.sandbox.scrum_alliance.config import ScrumAllianceConfig
from deploy.sandbox.scrum_alliance.sandbox import Sandbox, sandbox_of
from deploy.sandbox.serving import Serving
from tests.component.certification.line import Line
from tests.component.certification.site import Site
from tests.component.certification.stage import Stage


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


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Its whole worker, stepped by hand, with a registry that gives odd answers."""
    stage = Stage(tmp_path)
    yield stage
    stage.close()


@pytest.fixture
def sandbox() -> Iterator[tuple[Sandbox, str]]:
    """The registry's sandbox and its address."""
    app = create_app(ScrumAllianceConfig())
    serving = Serving("127.0.0.1", 0).start(app)
    yield sandbox_of(app), serving.url
    serving.stop()
    stop(app)
