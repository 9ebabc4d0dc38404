"""The sign of life of each process that watches and recovers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "pulse",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("watched_at", sa.String(), nullable=False),
        sa.Column("recovered_at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("owner"),
    )
