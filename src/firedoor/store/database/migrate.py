"""Bring a database to the schema of this version.

Decides when migrations run: when the stored revision is not the newest. The
check is one query, so that an up-to-date database costs no import of Alembic.
"""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from firedoor.core.problems import Problem, Refused

NEWEST = "0021"
_LOCK = 0x66697265646F6F72  # "firedoor": the lock under which one process of all migrates
_one_at_a_time = threading.Lock()  # Alembic keeps its state in globals
_FOLDER = Path(__file__).parents[1] / "migrations"


def migrate(engine: Engine) -> bool:
    """Run what is missing. Returns whether anything was run. Raises Refused for a database from the future."""
    with engine.connect() as connection:
        if _current(connection) == NEWEST:
            return False
    from alembic import command  # late: costs start-up time, and is needed once a version
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    with _one_at_a_time, engine.connect().execution_options(firedoor_write=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":  # SQLite has taken its one write lock already
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if _current(connection) == NEWEST:  # another process was quicker
            return False
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            problem = Problem(
                code="S104",
                message=f"the database belongs to a newer Firedoor: {error}",
                do="use that version, or restore an older backup",
            )
            raise Refused(problem) from None
    return True


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("firedoor_version"):
        return None
    return connection.execute(text("SELECT version_num FROM firedoor_version")).scalar()
