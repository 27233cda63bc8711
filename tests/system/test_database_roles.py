"""One database per service and two roles each: the owner migrates, the application can change no table."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, OperationalError
from sqlalchemy import make_url

from services.__main__ import ROOTS, build_all, read_all_settings
from shared.db import migrate
from shared.db.kernel_tables import outbox
from shared.messaging.operations import outbox_depth
from tests.support.needs import Needs
from tests.support.postgres import PrivatePostgres, find_postgres_binaries

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "postgres" / "10-databases.sh"
Address = Callable[[str, str], str]


@pytest.fixture(scope="module")
def address(needs: Needs) -> Iterator[Address]:
    """Gives the address of a service's database for one of its roles: the names are those of the whole server."""
    if find_postgres_binaries() is None:
        needs.unmet("postgres", "no PostgreSQL binaries on this machine")
    with PrivatePostgres() as server:
        base = make_url(server.url())
        roles = {
            f"{name.upper()}_{role}_PASSWORD": f"{name}-{role}:&%"
            for name in ROOTS
            for role in ("OWNER", "APP")
        }
        where = {"PGHOST": str(base.host), "PGPORT": str(base.port), "POSTGRES_USER": str(base.username)}
        subprocess.run(["bash", str(SCRIPT)], env={**os.environ, **where, **roles}, check=True)

        def url(service: str, role: str) -> str:
            password = f"{service}-{role.upper()}:&%"
            found = base.set(username=f"{service}_{role}", password=password, database=f"rostrum_{service}")
            return found.set(drivername="postgresql").render_as_string(hide_password=False)

        _migrate(url)
        yield url


def _environment(address: Address, role: str) -> dict[str, str]:
    own = {f"{name.upper()}__DATABASE_URL": address(name, role) for name in ROOTS}
    return {"ROSTRUM_MODE": "sandbox", **own}


def _migrate(address: Address) -> None:
    for service in build_all(_environment(address, "owner")).values():
        migrate.upgrade(service.engine, service.migrations, service.metadata)
        if service.seed is not None:
            service.seed(service)
        service.engine.dispose()


def test_the_application_works_with_rows(address: Address) -> None:
    for service in build_all(_environment(address, "app")).values():
        with service.transactions.begin() as tx:
            for table in service.metadata.sorted_tables:
                tx.session.execute(table.select().limit(1))
            outbox_depth(tx.session.connection())
        assert migrate.is_current(service.engine, service.migrations)
        service.engine.dispose()
    # Writing, with the numbers that the table gives itself, and the wake-up call of the worker.
    with psycopg.connect(address("enrollment", "app")) as connection:
        connection.execute("UPDATE workshop SET title = title")
        connection.execute("NOTIFY rostrum_work")


def test_settings_take_both_roles(address: Address) -> None:
    assert set(read_all_settings(_environment(address, "app"))) == set(ROOTS)


FORBIDDEN = (
    "CREATE TABLE more (id int)",
    "CREATE TEMPORARY TABLE more (id int)",
    "CREATE SCHEMA more",
    f"ALTER TABLE {outbox.name} ADD COLUMN more int",
    f"DROP TABLE {outbox.name}",
    f"TRUNCATE {outbox.name}",
    f"CREATE INDEX more ON {outbox.name} (id)",
    "CREATE ROLE more",
    "SET ROLE enrollment_owner",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_application_changes_no_table(statement: str, address: Address) -> None:
    with psycopg.connect(address("enrollment", "app")) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize("role", ["owner", "app"])
def test_no_role_reaches_another_service(role: str, address: Address) -> None:
    for other in ("payment", "certification"):
        foreign = make_url(address("enrollment", role)).set(database=f"rostrum_{other}")
        with pytest.raises(OperationalError, match="permission denied for database"):
            psycopg.connect(foreign.render_as_string(hide_password=False))


def test_the_owner_may_do_what_the_application_may_not(address: Address) -> None:
    """Without this the refusals above could have any reason."""
    with psycopg.connect(address("enrollment", "owner")) as connection:
        connection.execute("CREATE TABLE more (id int)")
        connection.execute(f"ALTER TABLE {outbox.name} ADD COLUMN more int")
        connection.rollback()
