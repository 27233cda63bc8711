"""A submission remembers until when a call that was lost may still be accepted."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from shared.db.base import UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; a call whose answer is open just now is waited for as well."""
    op.add_column("submission", sa.Column("quiet_until", UtcDateTime, nullable=True))
    submission = sa.table("submission", sa.column("state", sa.Text), sa.column("quiet_until", UtcDateTime))
    op.execute(
        submission.update()
        .where(submission.c.state == "sending")
        .values(quiet_until=datetime.now(UTC) + timedelta(minutes=20))
    )
