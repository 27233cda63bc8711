"""When the workshop ends: from then on results are released."""

import sqlalchemy as sa
from alembic import op

from shared.db.base import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; code that does not know them goes on working."""
    op.add_column("enrollment_join", sa.Column("workshop_ends_at", UtcDateTime))
