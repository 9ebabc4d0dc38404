"""What leaves through messengers, where an incident is spoken about, and which signed requests were taken in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward; what was said before is not sent after the fact."""
    op.create_table(
        "delivery",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("incident", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("roles", sa.String(), nullable=False),
        sa.Column("messenger", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("made_at", sa.String(), nullable=False),
        sa.Column("next_at", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.String(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("delivery_due", "delivery", ["state", "next_at"])
    op.create_index("ix_delivery_handle", "delivery", ["handle"], unique=True)
    op.create_index("ix_delivery_incident", "delivery", ["incident"])
    op.create_table(
        "channel",
        sa.Column("messenger", sa.String(), nullable=False),
        sa.Column("incident", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("messenger", "incident"),
    )
    op.create_index("ix_channel_address", "channel", ["address"])
    op.create_table(
        "taken_in",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_taken_in_at", "taken_in", ["at"])
