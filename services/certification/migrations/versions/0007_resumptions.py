"""A discarded request can be made once more, with a reason."""

import sqlalchemy as sa
from alembic import op

from shared.db.base import UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table; nothing else knows of it."""
    op.create_table(
        "resumption",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("activation_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("resumed_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_resumption"),
    )
    op.create_index("ix_resumption_activation_id", "resumption", ["activation_id"])
