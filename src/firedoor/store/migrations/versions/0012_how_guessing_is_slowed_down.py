"""How guessing at sign-in is slowed down: by slots that forget, in the place of a lock on the account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward. Locks that stand are lifted: they were what a stranger could set."""
    op.create_table(
        "sign_in_slot",
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("slot"),
    )
    op.create_table(
        "house_secret",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.drop_column("account", "failures")
    op.drop_column("account", "locked_until")
