"""Migrations: one Alembic environment per service, one runner for all.

A migration must work with the code that is already running: add first, deploy, remove later.
"""

from pathlib import Path
from typing import Any

from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, text

from shared.db.engine import read_connection, write_lock
from shared.db.kernel_tables import KERNEL_METADATA

_LOCK = 0x0052_6F73_7472_756D


def _config(migrations: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations))
    return config


def upgrade(engine: Engine, migrations: Path, metadata: MetaData) -> None:
    """Bring the database to the newest version; safe when several processes start at once."""
    config = _config(migrations)
    config.attributes["metadata"] = [KERNEL_METADATA, metadata]
    with write_lock(engine), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine, migrations: Path) -> bool:
    """Whether the database has every migration this code knows."""
    newest = ScriptDirectory.from_config(_config(migrations)).get_current_head()
    with read_connection(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision() == newest


def differences(engine: Engine, metadata: MetaData) -> list[Any]:
    """What autogenerate would change: empty when migrations and tables agree."""
    with engine.connect() as connection:
        migration = MigrationContext.configure(connection, opts=_options())
        return list(compare_metadata(migration, _merged(metadata)))


def revise(engine: Engine, migrations: Path, metadata: MetaData, message: str, revision: str) -> None:
    """Write a new migration from the difference between tables and database."""
    config = _config(migrations)
    config.attributes["metadata"] = [KERNEL_METADATA, metadata]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.revision(config, message, autogenerate=True, rev_id=revision)


def run_migrations() -> None:
    """The whole of every service's `migrations/env.py`."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection, target_metadata=context.config.attributes["metadata"], **_options()
    )
    with context.begin_transaction():
        context.run_migrations()


def _options() -> dict[str, Any]:
    return {"compare_type": False, "render_as_batch": False, "transaction_per_migration": False}


def _merged(metadata: MetaData) -> MetaData:
    merged = MetaData(naming_convention=metadata.naming_convention)
    for source in (KERNEL_METADATA, metadata):
        for table in source.sorted_tables:
            table.to_metadata(merged)
    return merged
