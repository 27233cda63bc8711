"""The latest moment to open the payment page, and when the workshop begins."""

import sqlalchemy as sa
from alembic import op

from shared.db.base import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; code that does not know them goes on working."""
    op.add_column("booking_account", sa.Column("starts_at", UtcDateTime))
    op.add_column("booking_account", sa.Column("pay_by", UtcDateTime))
