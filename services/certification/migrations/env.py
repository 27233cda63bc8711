"""Alembic's entry: the runner is the same for every service."""

from shared.db.migrate import run_migrations

run_migrations()
