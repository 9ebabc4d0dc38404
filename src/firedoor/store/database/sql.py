"""What every query needs: the table behind a row class, and instants as the tables hold them.

Decides how a row that was read is handed on. Leaves the tables themselves to `tables`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Row, Table
from sqlmodel import SQLModel

# A row by the names of its columns. What stands in each is the driver's, of the type that `tables` gives the column:
# SQLAlchemy types neither its rows nor its mappings further, and a second list of all columns would have to be kept.
Record: TypeAlias = Mapping[str, Any]

Where: TypeAlias = ColumnElement[bool]  # a condition
Order: TypeAlias = ColumnElement[str] | ColumnElement[bool] | tuple[ColumnElement[str] | ColumnElement[int], ...]


def table(row: type[SQLModel]) -> Table:
    """The table behind a row class; inserts through it cost a third of those through the mapper."""
    found: Table = row.__table__  # type: ignore[attr-defined]  # SQLModel does not type its table
    return found


def as_record(row: Row[*tuple[object, ...]]) -> dict[str, Any]:
    """A row by the names of its columns, as a mapping that may be changed and written as JSON."""
    return dict(row._mapping)  # noqa: SLF001 - the documented way to a mapping


def text_of(instant: datetime) -> str:
    """An instant as the tables hold it."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
