"""Hash banks in the database, with what was withdrawn from them and what was put on blocklists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "hash_bank",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("withdrawals", sa.Integer(), nullable=False),
    )
    op.create_table(
        "hash_entry",
        sa.Column("bank", sa.String(), primary_key=True),
        sa.Column("digest", sa.String(), primary_key=True),
        sa.Column("algorithm", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("quality", sa.Integer()),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.String()),
        sa.Column("changed_at", sa.String()),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    )
    for name in ("value", "case_id", "version"):
        op.create_index(f"ix_hash_entry_{name}", "hash_entry", [name])
    op.create_table(
        "hash_withdrawn",
        sa.Column("bank", sa.String(), primary_key=True),
        sa.Column("digest", sa.String(), primary_key=True),
        sa.Column("hash_digest", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
    )
    op.create_index("ix_hash_withdrawn_hash_digest", "hash_withdrawn", ["hash_digest"])
    op.create_table(
        "hash_change",
        sa.Column("bank", sa.String(), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("replaced", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Integer(), nullable=False),
        sa.Column("kept_out", sa.Integer(), nullable=False),
    )
    op.create_table(
        "hash_blocked",
        sa.Column("store", sa.String(), primary_key=True),
        sa.Column("algorithm", sa.String(), primary_key=True),
        sa.Column("value", sa.String(), primary_key=True),
        sa.Column("hash_digest", sa.String(), nullable=False),
        sa.Column("incident", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("leaving", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_hash_blocked_hash_digest", "hash_blocked", ["hash_digest"])
