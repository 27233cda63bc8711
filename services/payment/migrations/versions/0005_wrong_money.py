"""What was told of money that is not what was asked, and how often."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, with what is told already; code that does not know them goes on working."""
    op.add_column("booking_account", sa.Column("wrong_money", sa.Text))
    op.add_column(
        "booking_account", sa.Column("wrong_money_revision", sa.Integer, nullable=False, server_default="0")
    )
    # Whatever became of such money, that it came was told; what became of it is told anew by a timer.
    op.execute(
        "UPDATE booking_account SET wrong_money = (SELECT min(CASE WHEN payment.currency <> payable.currency"
        " THEN 'wrong_currency' ELSE 'wrong_amount' END)"
        " FROM payment JOIN payable ON payable.payable_id = payment.payable_id"
        " WHERE payment.booking_id = booking_account.booking_id"
        " AND (payment.currency <> payable.currency OR payment.amount_minor <> payable.amount_minor))"
        " WHERE state IN ('open', 'closed')"
    )
