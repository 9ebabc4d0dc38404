"""Bring a database to the schema of this version.

Decides when migrations run: when the stored revision is not the newest. The
check is one query, so that an up-to-date database costs no import of Alembic.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, inspect, text

from firedoor.core.problems import Problem, Refused

NEWEST = "0001"
_FOLDER = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> bool:
    """Run what is missing. Returns whether anything was run. Raises Refused for a database from the future."""
    if _current(engine) == NEWEST:
        return False
    from alembic import command  # late: costs start-up time, and is needed once a version
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    with engine.connect().execution_options(firedoor_write=True) as connection, connection.begin():
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


def _current(engine: Engine) -> str | None:
    if not inspect(engine).has_table("firedoor_version"):
        return None
    with engine.connect() as connection:
        return connection.execute(text("SELECT version_num FROM firedoor_version")).scalar()
