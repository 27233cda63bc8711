"""The site of each test, on both kinds of bus: every case of this folder is written once and run on both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.bus_conformance.harness import Site
from tests.contract.bus_conformance.subject import NAMES, Place
from tests.support.postgres import Postgres

BOTH = ("embedded", "rabbitmq")


@pytest.fixture(scope="session")
def lasting_databases(postgres: Postgres) -> Iterator[dict[str, str]]:
    """Three PostgreSQL databases, emptied for each test: to make and to drop some takes seconds."""
    names = {name: postgres.create_database() for name in NAMES}
    yield {name: postgres.url(database) for name, database in names.items()}
    for database in names.values():
        postgres.drop_database(database)


@pytest.fixture(params=BOTH)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Three services with databases of their own, on one kind of bus."""
    made: Site
    if request.param == "embedded":
        made = Site(Place({name: f"sqlite:///{tmp_path / name}.db" for name in NAMES}, None))
    else:
        databases: dict[str, str] = request.getfixturevalue("lasting_databases")
        made = Site(Place(databases, request.getfixturevalue("amqp_url")))
        made.broker = request.getfixturevalue("rabbitmq")
        made.postgres = request.getfixturevalue("postgres")
    yield made
    made.close()


@pytest.fixture
def breakable(site: Site, request: pytest.FixtureRequest) -> Site:
    """A site whose servers may be killed."""
    if not site.embedded:
        request.getfixturevalue("killable_rabbitmq")
        request.getfixturevalue("killable_postgres")
    return site
