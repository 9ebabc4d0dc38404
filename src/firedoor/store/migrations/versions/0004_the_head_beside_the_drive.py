"""The head beside the drive, and indexes of those rows only that need a look: looking costs nothing for who sleeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    going_on, ended = ("ended IS 0", "ended IS 1") if sqlite else ("ended IS false", "ended IS true")
    op.drop_index("ix_drive_ended", "drive")  # half of all rows: whoever asked it read them all
    op.drop_index("ix_task_state", "task")
    op.add_column("drive", sa.Column("head_seq", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE drive SET head_seq = (SELECT incident.head_seq FROM incident WHERE incident.id = drive.incident)"
    )
    for name, column, where in (
        ("drive_awake", "incident", f"head_seq > slept_seq AND {going_on}"),
        ("drive_wake_at", "wake_at", f"wake_at IS NOT NULL AND {going_on}"),
        ("drive_owned", "owner", f"owner != '' AND {going_on}"),
        ("drive_unshown", "incident", f"head_seq > shown_seq AND {ended}"),
    ):
        op.create_index(name, "drive", [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.create_index("task_by_state", "task", ["state", "due_at"])
