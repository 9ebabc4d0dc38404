"""What is in a journal without having the form of its kind: asked of journals that the product wrote in other tests.

Decides nothing about forms; the registry does. A journal that holds an entry of another form could not be read by the
code that reads forms, and nobody would hear of it before an upgrade.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from sqlalchemy import Engine, select

from firedoor.core.entries.registry import read_body
from firedoor.store.database.sql import table
from firedoor.store.database.tables import EntryRow


def strange(engine: Engine) -> list[str]:
    """Each entry that has not the form of its kind, in words."""
    entries = table(EntryRow).c
    with engine.connect() as connection:
        found = connection.execute(select(entries.incident, entries.seq, entries.kind, entries.body)).all()
    return [words for row in found if (words := _fault(*row))]


def strange_in(database: Path) -> list[str]:
    """The same for the file of a process that has ended."""
    connection = sqlite3.connect(database)
    try:
        found = connection.execute("SELECT incident, seq, kind, body FROM entry").fetchall()
    finally:
        connection.close()
    return [words for row in found if (words := _fault(*row))]


def _fault(incident: str, seq: int, kind: str, body: str) -> str:
    try:
        read_body(kind, json.loads(body))
    except ValueError as error:
        return f"{incident} entry {seq}: {error}"
    return ""
