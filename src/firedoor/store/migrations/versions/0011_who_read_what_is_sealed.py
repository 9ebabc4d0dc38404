"""Who read facts about victims and witnesses, hour by hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "sealed_read",
        sa.Column("incident", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("hour", sa.String(), nullable=False),
        sa.Column("first_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("incident", "person", "hour"),
    )
