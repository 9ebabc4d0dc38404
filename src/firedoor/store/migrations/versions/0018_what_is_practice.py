"""Which incidents are practice: labelled wherever they are shown, and in no figure."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.add_column("incident", sa.Column("practice", sa.Boolean(), nullable=False, server_default=sa.false()))
