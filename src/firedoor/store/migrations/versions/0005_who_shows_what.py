"""Who shows an incident in Prefect now, and an index of all that are behind, ended or not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    behind = sa.text("head_seq > shown_seq")
    op.drop_index("drive_unshown", "drive")
    op.add_column("drive", sa.Column("show_after", sa.String(), nullable=True))
    op.create_index("drive_behind", "drive", ["incident"], sqlite_where=behind, postgresql_where=behind)
