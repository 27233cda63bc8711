"""Why a late payment got no seats."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; until now there was one reason, which an empty one still means."""
    op.add_column("booking", sa.Column("unseated_reason", sa.Text))
