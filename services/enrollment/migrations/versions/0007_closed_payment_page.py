"""Which payment page closed before its end, and since when money that is not what was asked came or went back."""

import sqlalchemy as sa
from alembic import op

from shared.db.base import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, with what is known already; code that does not know them goes on working."""
    op.add_column("booking", sa.Column("page_closed_until", UtcDateTime))
    op.add_column("booking", sa.Column("wrong_money_at", UtcDateTime))
    op.execute("UPDATE booking SET wrong_money_at = payment_problem_at WHERE wrong_money IS NOT NULL")
