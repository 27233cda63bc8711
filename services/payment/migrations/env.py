"""Alembic's environment; everything is in the kernel."""

from shared.db.migrate import run_migrations

run_migrations()
