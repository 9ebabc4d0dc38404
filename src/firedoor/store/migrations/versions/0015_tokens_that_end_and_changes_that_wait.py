"""How long tokens live, and changes that a second administrator approves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward. Tokens that exist go on to count, and say from their next use on when it was."""
    op.create_table(
        "token_life",
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=True),
        sa.Column("first_used_at", sa.String(), nullable=True),
        sa.Column("last_used_at", sa.String(), nullable=True),
        sa.Column("expired_at", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("waits_for", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_index("ix_token_life_expires_at", "token_life", ["expires_at"])
    op.create_table(
        "proposed_change",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("roles", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposer", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.String(), nullable=False),
        sa.Column("expires_at", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("settled_by", sa.String(), nullable=False),
        sa.Column("settled_at", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_proposed_change_expires_at", "proposed_change", ["expires_at"])
    op.create_index("ix_proposed_change_state", "proposed_change", ["state"])
