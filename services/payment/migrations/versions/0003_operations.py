"""The kernel's tables for what is done about groups of failed messages, and for depths over time."""

from shared.db.kernel_migrations import create_operations_tables_v1

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    create_operations_tables_v1()
