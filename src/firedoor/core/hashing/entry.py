"""One entry of a hash bank, and what a file of entries comes to: entries, withdrawn cases, rows that were wrong.

Decides what an entry may be (a known algorithm, a value of its length in hexadecimal, bounded words on one line) and
that a wrong row is named by its file and number and never quoted: a value may be somebody's. Leaves each form of file
to its reader and what an update does to `bank`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from firedoor.core.alerts.alert import HASH_LENGTHS
from firedoor.core.alerts.matching import Review
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.text import clean_text

Row = TypeVar("Row")
LONGEST_WORD = 200  # characters of a case id or a source
MAXIMUM_NAMED = 50  # wrong rows that are named; the rest is counted
_HEX = re.compile(r"[0-9a-f]+")
_ONE_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Status(StrEnum):
    """Whether an entry counts. What is not living leaves the bank."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"  # by the person whose picture it is
    DELETED = "deleted"  # by the bank

    @property
    def living(self) -> bool:
        """Whether it may match anything."""
        return self is Status.ACTIVE


@dataclass(frozen=True, slots=True)
class Entry:
    """A hash that a bank lists for a case. A hash with two cases is two entries, and leaves with the last of them.

    `value` is in lower-case hexadecimal; `quality` from 0 to 100, None where the bank says none. `changed_at` is when
    the bank last touched it: what is older than a withdrawal does not come back with an old file.
    """

    algorithm: str
    value: str
    case: str = ""
    quality: int | None = None
    status: Status = Status.ACTIVE
    review: Review = Review.UNREVIEWED
    disputed: bool = False  # somebody who looked says that it is not what the bank is for
    added_at: datetime | None = None
    changed_at: datetime | None = None
    withdrawn_at: datetime | None = None
    source: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells one entry of a bank from another."""
        return self.algorithm, self.value, self.case


@dataclass(frozen=True, slots=True)
class Batch:
    """What a file says: entries, cases that left without their hash being named, and what was not taken and why."""

    source: str
    entries: tuple[Entry, ...] = ()
    gone_cases: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)  # kinds of signal that are no hash known here
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a file is read at all."""

    bytes: int = 512 * 1024 * 1024
    rows: int = 2_000_000
    depth: int = 12  # levels of JSON or XML


BOUNDS = Bounds()


def checked(
    algorithm: object, value: object, case: object = "", quality: object = None
) -> tuple[str, str, str, int | None]:
    """The same, normalised. Raises ValueError with a reason that quotes nothing."""
    kind = str(algorithm).strip().lower()
    length = HASH_LENGTHS.get(kind)
    if length is None:
        raise ValueError("the algorithm is none that is known here")
    digits = value.strip().lower() if isinstance(value, str) else ""
    if len(digits) != length or not _HEX.fullmatch(digits):
        raise ValueError(f"the value is no {kind}, which has {length} hexadecimal digits")
    return kind, digits, word(case, "case"), _quality(quality)


def word(raw: object, name: str) -> str:
    """A bounded text on one line. Raises ValueError."""
    text = "" if raw is None else str(raw).strip()
    if len(text) > LONGEST_WORD or _ONE_LINE.search(text):
        raise ValueError(f"the {name} is no text of at most {LONGEST_WORD} characters on one line")
    return clean_text(text)


def instant(raw: object) -> datetime | None:
    """Seconds since 1970, or ISO 8601 with its offset; None for nothing. Raises ValueError."""
    if raw is None or raw == "":
        return None
    try:
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return datetime.fromtimestamp(raw, UTC)
        read = datetime.fromisoformat(str(raw))
    except (ValueError, OverflowError, OSError):
        raise ValueError("a time is neither ISO 8601 nor seconds since 1970") from None
    if read.tzinfo is None:
        raise ValueError("a time has no offset")
    return read.astimezone(UTC)


def each_row(
    file: str, rows: Iterable[Row], read: Callable[[Row], Iterator[Entry]], bounds: Bounds
) -> tuple[list[Entry], list[Problem]]:
    """Read row by row, counted from 1. A wrong one is named and left out; the others are taken."""
    found: list[Entry] = []
    problems: list[Problem] = []
    wrong = 0
    for number, row in enumerate(rows, 1):
        if number > bounds.rows:
            raise refused(file, f"there are over {bounds.rows} rows", "split the file")
        try:
            found.extend(read(row))
        except ValueError as error:
            wrong += 1
            if wrong <= MAXIMUM_NAMED:
                problems.append(_wrong(file, f"row {number}: {error}"))
    if wrong > MAXIMUM_NAMED:
        problems.append(_wrong(file, f"{wrong - MAXIMUM_NAMED} more rows are wrong"))
    return found, problems


def refused(file: str, message: str, do: str) -> InvalidInput:
    """A file that is not read at all."""
    return InvalidInput(Problem(code="X201", field=file, message=message, do=do))


def _wrong(file: str, message: str) -> Problem:
    return Problem(code="X202", field=file, message=message, do="the row was left out; have the bank send it again")


def _quality(raw: object) -> int | None:
    if raw is None or raw == "":
        return None
    try:
        found = int(str(raw))
    except ValueError:
        found = -1
    if not 0 <= found <= 100:
        raise ValueError("the quality is no whole number from 0 to 100")
    return found
