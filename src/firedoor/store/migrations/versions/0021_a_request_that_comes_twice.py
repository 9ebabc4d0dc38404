"""The same submission under the same key of its sender is kept once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.add_column("takedown_request", sa.Column("once", sa.String()))
    op.add_column("takedown_request", sa.Column("said", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_takedown_request_once", "takedown_request", ["once"], unique=True)
