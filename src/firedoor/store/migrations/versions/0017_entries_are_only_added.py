"""Entries of journals: the database itself refuses to change one, to take one out, and to put another in its place."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ENTRIES = "entries of a journal are only ever added"
SECURITY = "the security journal is only ever added to"


def upgrade() -> None:
    """Bring the schema forward. Entries that exist stay as they are."""
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


def _not_twice(table: str, same: str, says: str) -> str:
    """INSERT OR REPLACE of SQLite takes the row out first, and fires no trigger on DELETE for it."""
    when = f"BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - our own words
    return f"CREATE TRIGGER {table}_replace {when} BEGIN SELECT RAISE(ABORT, '{says}'); END"


_SQLITE = [
    *(
        f"CREATE TRIGGER entry_{word.lower()} BEFORE {word} ON entry BEGIN SELECT RAISE(ABORT, '{ENTRIES}'); END"
        for word in ("UPDATE", "DELETE")
    ),
    _not_twice("entry", "incident = NEW.incident AND seq = NEW.seq", ENTRIES),
    _not_twice("security_entry", "seq = NEW.seq", SECURITY),
]
_POSTGRESQL = [
    f"""CREATE FUNCTION firedoor_entries_only_added() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{ENTRIES}'; END $$""",
    """CREATE TRIGGER entry_only_added BEFORE UPDATE OR DELETE ON entry
    FOR EACH ROW EXECUTE FUNCTION firedoor_entries_only_added()""",
    """CREATE TRIGGER entry_not_emptied BEFORE TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION firedoor_entries_only_added()""",
    """CREATE TRIGGER security_entry_not_emptied BEFORE TRUNCATE ON security_entry
    FOR EACH STATEMENT EXECUTE FUNCTION firedoor_only_added()""",
]
