"""What is held closed, and how many targets were suspended without asking."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward; what earlier versions closed and did not open again is held from now on."""
    hold = op.create_table(
        "hold",
        sa.Column("incident", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("op", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("since", sa.String(), nullable=False),
        sa.Column("seen_at", sa.String(), nullable=False),
        sa.Column("next_look", sa.String(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("drifts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("incident", "target"),
    )
    op.create_index("ix_hold_next_look", "hold", ["next_look"])
    op.create_index("ix_hold_target", "hold", ["target"])
    op.create_table(
        "automatic_suspension",
        sa.Column("incident", sa.String(), nullable=False),
        sa.Column("op", sa.String(), nullable=False),
        sa.Column("playbook", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("incident", "op"),
    )
    op.create_index("ix_automatic_suspension_at", "automatic_suspension", ["at"])
    rows = list(_held(op.get_bind()).values())
    if rows:
        op.bulk_insert(hold, rows)


def _held(connection: sa.Connection) -> dict[tuple[str, str], dict[str, object]]:
    query = sa.text(
        "SELECT incident, at, body FROM entry WHERE kind = 'operation.finished'"
        " AND (body LIKE '%\"doors\"%' OR body LIKE '%\"receipts\"%') ORDER BY incident, seq"
    )
    held: dict[tuple[str, str], dict[str, object]] = {}
    for incident, at, text in connection.execute(query):
        body = json.loads(text)
        result = body.get("result", {})
        key = (incident, result.get("target"))
        if key[1] and result.get("doors"):
            row = {"state": "held", "every": 600, "since": at, "seen_at": at, "next_look": at, "looks": 0, "drifts": 0}
            held[key] = {"incident": incident, "target": key[1], "op": body["op"], **row}
        elif key[1] and result.get("receipts"):
            held.pop(key, None)
    return held
