"""${message}."""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Work with the code that is already running: add first, remove in a later release."""
    ${upgrades if upgrades else "pass"}
