"""A hash bank in CSV, our own form and the easiest to write by hand: one row for each hash and case.

Decides its columns. `algorithm` and `value` are needed; `case`, `quality`, `status`, `review`, `disputed`, `added_at`,
`changed_at`, `withdrawn_at` and `source` may be there. A column that is not known is refused, not passed over.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping

from firedoor.core.alerts.matching import REVIEW_WORDS, Review
from firedoor.core.hashing.entry import Batch, Bounds, Entry, Status, checked, each_row, instant, refused, word
from firedoor.core.problems import nearest

NEEDED = ("algorithm", "value")
COLUMNS = (
    *NEEDED, "case", "quality", "status", "review", "disputed", "added_at", "changed_at", "withdrawn_at", "source",
)  # fmt: skip
_YES, _NO = frozenset(("yes", "true", "1")), frozenset(("", "no", "false", "0"))


def read(body: bytes, file: str, source: str, bounds: Bounds) -> Batch:
    """Read a file. Raises InvalidInput when it is no such file; a wrong row is a problem of the batch."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refused(file, "it is not UTF-8", "save it as UTF-8") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    _check_columns(file, reader)
    try:
        entries, problems = each_row(file, reader, lambda row: _entries(row, source), bounds)
    except csv.Error:
        raise refused(file, f"line {reader.line_num} is no CSV", "close the quotation marks") from None
    return Batch(source, tuple(entries), problems=tuple(problems))


def write(entries: Iterable[Entry]) -> str:
    """The same form again; entries that are not living are written as such, with their instant."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in entries:
        times = [at.isoformat() if at else "" for at in (one.added_at, one.changed_at, one.withdrawn_at)]
        quality = "" if one.quality is None else str(one.quality)
        disputed = "yes" if one.disputed else ""
        rows.writerow(
            [one.algorithm, one.value, one.case, quality, one.status, one.review, disputed, *times, one.source]
        )
    return out.getvalue()


def _check_columns(file: str, reader: csv.DictReader[str]) -> None:
    try:
        columns = [name.strip() for name in reader.fieldnames or ()]
    except csv.Error:
        raise refused(file, "the first line is no CSV", "begin with the names of the columns") from None
    for name in columns:
        if name not in COLUMNS:
            raise refused(file, f'a column "{name[:40]}" is not known', nearest(name[:40], COLUMNS))
    if missing := [name for name in NEEDED if name not in columns]:
        raise refused(file, f"there is no column {' and '.join(missing)}", "begin with the names of the columns")
    if len(set(columns)) < len(columns):
        raise refused(file, "a column stands twice", "name each column once")
    reader.fieldnames = columns


def _entries(row: Mapping[str | None, object], source: str) -> Iterator[Entry]:
    if None in row or None in row.values():
        raise ValueError("it has more or fewer fields than there are columns")
    algorithm, value, case, quality = checked(
        row["algorithm"], row["value"], row.get("case", ""), row.get("quality", "")
    )
    yield Entry(
        algorithm, value, case, quality, _status(row.get("status", "")), _review(row.get("review", "")),
        _yes(row.get("disputed", "")), instant(row.get("added_at", "")), instant(row.get("changed_at", "")),
        instant(row.get("withdrawn_at", "")), word(row.get("source", ""), "source") or source,
    )  # fmt: skip


def _status(raw: object) -> Status:
    text = str(raw).strip().lower()
    try:
        return Status(text or Status.ACTIVE)
    except ValueError:
        raise ValueError(f"the status is none of {', '.join(Status)}") from None


def _review(raw: object) -> Review:
    text = str(raw).strip().lower()
    found = REVIEW_WORDS.get(text or Review.UNREVIEWED)
    if found is None:
        raise ValueError(f"the review is none of {', '.join(Review)}")
    return found


def _yes(raw: object) -> bool:
    text = str(raw).strip().lower()
    if text not in _YES | _NO:
        raise ValueError('"disputed" is neither yes nor no')
    return text in _YES
