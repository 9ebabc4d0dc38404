"""Requests of people without an account, under the numbers that they were given."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INDEXED = ("received_at", "person", "content", "incident")


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "takedown_request",
        sa.Column("number", sa.String(), primary_key=True),
        sa.Column("secret", sa.String(), nullable=False, unique=True),
        sa.Column("received_at", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("incident", sa.String()),
        sa.Column("request", sa.String()),
    )
    for name in INDEXED:
        op.create_index(f"ix_takedown_request_{name}", "takedown_request", [name])
