"""How often a payer asked for more time, and until when the payment page is open."""

import sqlalchemy as sa
from alembic import op

from shared.db.base import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; code that does not know them goes on working."""
    op.add_column("booking", sa.Column("extensions", sa.Integer, nullable=False, server_default="0"))
    op.add_column("booking", sa.Column("page_open_until", UtcDateTime))
