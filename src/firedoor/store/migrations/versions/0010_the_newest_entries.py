"""An index by time over the journal, so that whoever listens finds what is new without asking every incident."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_index("entry_by_time", "entry", ["at"])
