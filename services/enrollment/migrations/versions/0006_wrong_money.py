"""Money that is not what was asked: a fact with a revision, beside the newest failed attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, with what is known already; code that does not know them goes on working."""
    op.add_column("booking", sa.Column("wrong_money", sa.Text))
    op.add_column(
        "booking", sa.Column("wrong_money_revision", sa.Integer, nullable=False, server_default="0")
    )
    op.execute(
        "UPDATE booking SET wrong_money = payment_problem"
        " WHERE payment_problem IN ('wrong_amount', 'wrong_currency')"
    )
