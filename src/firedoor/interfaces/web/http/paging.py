"""Cursors: how a list goes on where its limit cut it, however much has come meanwhile.

Decides that a list which is cut says `next`, and that the same call with `after` set to it goes on right behind the
last row, without a gap and without a row twice. A cursor is the place of that row in the order of the list, in
letters; it is not secret and gives no access. Leaves which rows a reader sees to `redaction`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import Query
from sqlalchemy import Column, ColumnElement, Integer, literal, tuple_

from firedoor.core.problems import InvalidInput, Problem
from firedoor.store.database.sql import Record

After = Annotated[str, Query(max_length=600, description="`next` of the page before; empty for the first page.")]


@dataclass(frozen=True)
class Order:
    """The columns by which a list is ordered; together they differ for every two rows."""

    columns: tuple[Column[str] | Column[int], ...]
    newest_first: bool = False

    def by(self) -> tuple[ColumnElement[str] | ColumnElement[int], ...]:
        """For ORDER BY."""
        return tuple(column.desc() if self.newest_first else column for column in self.columns)

    def behind(self, cursor: str) -> ColumnElement[bool] | None:
        """The rows that come after the one of a cursor; None for all. Raises InvalidInput for what is no cursor."""
        if not cursor:
            return None
        place = tuple_(*map(literal, self._read(cursor)))
        row = tuple_(*self.columns)
        found: ColumnElement[bool] = row < place if self.newest_first else row > place
        return found

    def cursor(self, row: Record) -> str:
        """The place of a row."""
        place = orjson.dumps([row[column.name] for column in self.columns])
        return base64.urlsafe_b64encode(place).decode().rstrip("=")

    def next(self, rows: Sequence[Record], limit: int) -> str | None:
        """The cursor of the last of the rows that are shown, where there are more of them."""
        return self.cursor(rows[limit - 1]) if len(rows) > limit else None

    def _read(self, cursor: str) -> list[object]:
        try:
            place = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        except (binascii.Error, ValueError):
            place = None
        kinds = [int if isinstance(column.type, Integer) else str for column in self.columns]
        if not isinstance(place, list) or [type(part) for part in place] != kinds:
            raise InvalidInput(
                Problem(code="W137", field="after", message="this is no place in this list",
                        do="give `next` of the page before, as it is, or leave it out for the first page")
            )  # fmt: skip
        return place
