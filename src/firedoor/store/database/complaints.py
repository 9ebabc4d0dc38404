"""What a database complains of, in words that may go to anybody.

Decides which causes are named: those that whoever runs Firedoor can do something about. The driver's own words quote
statements, values and addresses, so they go into the log and never into an answer.
"""

from __future__ import annotations

from collections.abc import Mapping

UNNAMED = "the database did not take it; the server's log quotes what it answered"

# SQLite names its causes by fixed words (sqlite3_errstr); whatever stands around them is left out.
_SQLITE: Mapping[str, str] = {
    "database or disk is full": "the disk is full",
    "is locked": "the database is locked by somebody else",
    "readonly": "the database may only be read",
    "disk i/o error": "the disk answered with an error",
    "unable to open": "the database file cannot be opened",
    "malformed": "the database file is damaged",
    "not a database": "the file is no database",
    "no such table": "the database has not been set up",
}
# PostgreSQL by the code of the error, or by its class, which is the first two characters (appendix A of its manual).
_POSTGRESQL: Mapping[str, str] = {
    "53100": "the disk is full",
    "53300": "the database has too many connections",
    "55P03": "the database is locked by somebody else",
    "57014": "the database took too long",
    "25006": "the database may only be read",
    "42P01": "the database has not been set up",
    "08": "the database does not answer",
    "28": "the database does not let us in",
    "53": "the database has no room left",
    "57": "the database is stopping",
}


def in_words(error: BaseException | None) -> str:
    """Return the cause in our own words."""
    state = str(getattr(error, "sqlstate", None) or "")
    if found := _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2]):
        return found
    said = str(error).lower()
    if "connection" in said or "could not connect" in said:
        return "the database does not answer"
    return next((words for mark, words in _SQLITE.items() if mark in said), UNNAMED)
