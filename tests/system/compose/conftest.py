"""One site in containers for the whole folder."""

from collections.abc import Iterator

import pytest

from tests.support.compose_site import ComposeSite

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Note a failure, so that the logs are kept."""
    report = yield
    if report.failed:  # type: ignore[attr-defined]  # a hook's result has no type
        item.session.stash[FAILED] = True
    return report


@pytest.fixture(scope="session")
def compose_site(compose: str, request: pytest.FixtureRequest) -> Iterator[ComposeSite]:
    """The committed compose file, up; what its containers wrote is kept when a test failed."""
    with ComposeSite(compose) as site:
        yield site
        if request.session.stash.get(FAILED, False):
            print(f"the containers' logs are in {site.project.keep_logs()}")


@pytest.fixture
def site(compose_site: ComposeSite) -> ComposeSite:
    """The site, healthy at the start of each test."""
    compose_site.project.wait_until_well()
    return compose_site
