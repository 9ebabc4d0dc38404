"""The files that are handed out: the report's templates, and the program that verifies an export.

Decides where they lie in the package, and that HTML is escaped. Leaves what a report says to `core.report`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from firedoor import templates

FOLDER = Path(templates.__file__).parent


@cache
def verify_script() -> str:
    """The text of `verify_journal.py`."""
    return (FOLDER / "verify_journal.py").read_text(encoding="utf-8")
