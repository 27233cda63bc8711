"""What all tests share: real servers, started when first asked for; the run ends by saying which."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.needs import Needs
from tests.support.postgres import Postgres
from tests.support.rabbitmq import RabbitMQ

# As root Chromium has no sandbox of its own, and a test needs nothing from Google.
BROWSER_OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NEEDS = pytest.StashKey[Needs]()


def pytest_configure(config: pytest.Config) -> None:
    """Read what this run requires."""
    config.stash[NEEDS] = Needs.from_environment(os.environ)


@pytest.fixture(scope="session")
def needs(pytestconfig: pytest.Config) -> Needs:
    """What this run found, for fixtures that look for one thing more."""
    return pytestconfig.stash[NEEDS]


@pytest.fixture(scope="session")
def rabbitmq(needs: Needs) -> Iterator[RabbitMQ]:
    """The run's broker. Tests take a virtual host each (`amqp_url`), since the names of queues are fixed."""
    broker = needs.rabbitmq()
    yield broker
    broker.close()


@pytest.fixture
def amqp_url(rabbitmq: RabbitMQ, needs: Needs) -> Iterator[str]:
    """The address of an empty virtual host of this test's own."""
    if rabbitmq.management_url is None or not rabbitmq.manages():
        needs.unmet("amqp", "a virtual host per test needs the management API; set TEST_AMQP_MANAGEMENT_URL")
    vhost = rabbitmq.create_vhost()
    yield rabbitmq.url_of(vhost)
    rabbitmq.delete_vhost(vhost)


@pytest.fixture
def killable_rabbitmq(rabbitmq: RabbitMQ, needs: Needs) -> Iterator[RabbitMQ]:
    """The run's broker, if a test may kill it; it runs again afterwards."""
    if not rabbitmq.can_be_killed:
        needs.unmet("amqp", "the broker at TEST_AMQP_URL is not ours to kill")
    yield rabbitmq
    if not rabbitmq.accepts():
        rabbitmq.start()


@pytest.fixture(scope="session")
def postgres(needs: Needs) -> Iterator[Postgres]:
    """The run's database server. Tests take a database each (`database_url`)."""
    server = needs.postgres()
    yield server
    server.close()


@pytest.fixture
def killable_postgres(postgres: Postgres, needs: Needs) -> Iterator[Postgres]:
    """The run's database server, if a test may stop it; it runs again afterwards."""
    if not postgres.can_be_killed:
        needs.unmet("postgres", "the server at TEST_DATABASE_URL is not ours to stop")
    yield postgres
    if not postgres.accepts():
        postgres.start()


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[Callable[[], str]]:
    """Makes an empty database per call and gives its address; all are dropped after the test."""
    names: list[str] = []

    def make() -> str:
        names.append(postgres.create_database())
        return postgres.url(names[-1])

    yield make
    for name in names:
        # A test that failed while the server was stopped must not fail again here.
        with contextlib.suppress(psycopg.OperationalError):
            postgres.drop_database(name)


@pytest.fixture(scope="session")
def chromium(needs: Needs) -> Path:
    """The browser's executable."""
    return needs.chromium()


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[Browser]:
    """One browser for the run; tests open pages in contexts of their own."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(chromium), args=BROWSER_OPTIONS)
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a fresh page: `open_page(width=320, javascript=False)`; all are closed after the test."""
    with contextlib.ExitStack() as stack:

        def make(*, width: int = 1280, height: int = 800, javascript: bool = True) -> Page:
            context = browser.new_context(
                viewport={"width": width, "height": height}, java_script_enabled=javascript
            )
            stack.callback(context.close)
            return context.new_page()

        yield make


@pytest.fixture(scope="session")
def compose(needs: Needs) -> str:
    """How Docker Compose is called here, where a daemon answers."""
    return needs.compose()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of a file share what they start: one process runs them all, unless they say otherwise."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist hands what it found to the process that prints."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        found = session.config.stash[NEEDS]
        output["needs_used"], output["needs_missing"] = found.used, found.missing


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of pytest-xdist found."""
    output: dict[str, Any] = getattr(node, "workeroutput", {})
    found = node.config.stash[NEEDS]
    found.used.update(output.get("needs_used", {}))
    found.missing.update(output.get("needs_missing", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which servers were used, from where, and what was skipped, why."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = [report.longrepr[2] for report in reports if isinstance(report.longrepr, tuple)]
    terminalreporter.section("outside the tests")
    for line in terminalreporter.config.stash[NEEDS].summary(reasons):
        terminalreporter.write_line(line)
