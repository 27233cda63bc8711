"""A submission remembers its last call: a name that was given up is watched from there."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from shared.db.base import UtcDateTime

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; nobody knows the last call of what is open just now, so it counts as made now.

    A name that was given up is looked for once more, because its watch may have ended too early.
    """
    op.add_column("submission", sa.Column("called_at", UtcDateTime, nullable=True))
    submission = sa.table(
        "submission",
        sa.column("state", sa.Text),
        sa.column("called_at", UtcDateTime),
        sa.column("next_check_at", UtcDateTime),
    )
    now, open_ones = datetime.now(UTC), submission.c.state.in_(["sending", "abandoned"])
    op.execute(submission.update().where(open_ones).values(called_at=now))
    op.execute(submission.update().where(submission.c.state == "abandoned").values(next_check_at=now))
