"""Requests are recognised by their idempotency keys."""

from shared.db.kernel_migrations import create_idempotency_keys_v1

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the kernel's table of idempotency keys."""
    create_idempotency_keys_v1()
