"""The security journal: a chain of its own, to which the database itself lets nobody do more than add."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from firedoor.core.journal import genesis

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ONLY_ADDED = "the security journal is only ever added to"


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "security_entry",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("prev", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ix_security_entry_at", "security_entry", ["at"])
    op.create_index("ix_security_entry_kind", "security_entry", ["kind"])
    head = op.create_table(
        "security_head",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.bulk_insert(head, [{"name": "security", "seq": 0, "hash": genesis("security").hash}])
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


_SQLITE = [
    f"CREATE TRIGGER security_entry_{word.lower()} BEFORE {word} ON security_entry "
    f"BEGIN SELECT RAISE(ABORT, '{ONLY_ADDED}'); END"
    for word in ("UPDATE", "DELETE")
]
_POSTGRESQL = [
    f"""CREATE FUNCTION firedoor_only_added() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{ONLY_ADDED}'; END $$""",
    """CREATE TRIGGER security_entry_only_added BEFORE UPDATE OR DELETE ON security_entry
    FOR EACH ROW EXECUTE FUNCTION firedoor_only_added()""",
]
