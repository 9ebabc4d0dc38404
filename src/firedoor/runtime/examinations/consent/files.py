"""The files of a manifest or ledger: which there are, in which form, and with which columns.

Decides the form by what the bytes are (Parquet, CSV, JSON lines, a JSON document; gzip of the last three), that links
and archives are not opened, and that files of one form and the same columns are read together, so that a column which
is called otherwise in one file is recognised there. Whatever cannot be read is named with its file. Leaves SQL to
`tables`.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from firedoor.core.json_types import Json
from firedoor.runtime.examinations.sandbox import problem_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PARQUET, CSV, LINES, ARRAY, DOCUMENT = "parquet", "csv", "jsonl", "array", "document"
HEAD = 256 * 1024  # bytes looked at to know the form
SAMPLE = 2000  # objects whose keys are looked at
MOST_FILES = 200_000
ENDINGS = (".parquet", ".pq", ".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".jsonld")
_DATA = re.compile(r"@|^[\d.,:TZ+-]+$|^[0-9a-fA-F-]{32,}$")  # what no column is called
GZIP, ZIP = b"\x1f\x8b", (b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")


@dataclass(frozen=True, slots=True)
class Found:
    """One file: what people call it, where it is read, its form, its columns with types, and a delimiter for CSV."""

    name: str
    path: str
    form: str
    columns: tuple[tuple[str, str], ...]
    delimiter: str = ""


@dataclass(slots=True)
class Trouble:
    """What could not be read, with file and row. The answer is partial when there is any."""

    told: list[dict[str, Json]] = field(default_factory=list)

    def add(self, file: str, message: str, row: int | None = None) -> None:
        """Name one."""
        if len(self.told) < 1000:
            self.told.append({"file": file, **({"row": row} if row else {}), "message": message})


def listed(paths: Iterable[str], trouble: Trouble) -> Iterator[Path]:
    """Every regular file of some paths and of the folders among them, in order. Links are named, not opened."""
    count = 0
    for path in map(Path, paths):
        for file in sorted(path.rglob("*")) if path.is_dir() else (path,):
            if file != path and _hidden(file, path):
                continue
            if file.is_symlink() and file != path:
                trouble.add(str(file), "is a symbolic link and was not followed")
            elif file.is_file() and stat.S_ISREG(file.stat().st_mode):
                count += 1
                if count > MOST_FILES:
                    trouble.add(str(path), f"has more than {MOST_FILES} files; the others were not read")
                    return
                yield file
            elif not file.is_dir():
                trouble.add(str(file), "is not there" if not file.exists() else "is no regular file")


def _hidden(file: Path, root: Path) -> bool:
    return any(part.startswith((".", "_")) for part in file.relative_to(root).parts)


def looked_at(link: Path, name: str, connection: DuckDBPyConnection, trouble: Trouble) -> Found | None:
    """Look at one file. None, and a line in `trouble`, where it cannot be read."""
    try:
        form, head = _form(link, name)
        if form == PARQUET:
            try:
                return Found(name, str(link), form, _parquet(connection, link))
            except connection_error() as error:
                raise ValueError(f"is a broken Parquet file: {problem_text(error)}") from None
        if form == CSV:
            delimiter, names = _header(head)
            return Found(name, str(link), form, tuple((one, "VARCHAR") for one in names), delimiter)
        if form in (LINES, ARRAY):
            return Found(name, str(link), form, tuple((key, "JSON") for key in _keys(connection, link, form)))
        return Found(name, str(link), form, ())
    except (ValueError, OSError, EOFError, zlib.error, connection_error()) as error:
        trouble.add(name, problem_text(error, str(link.parent) + "/"))
        return None


def connection_error() -> type[Exception]:
    """DuckDB's error, imported late."""
    import duckdb

    return duckdb.Error


def _form(path: Path, name: str) -> tuple[str, bytes]:
    with opened(path) as content:
        head = content.read(HEAD)
    with path.open("rb") as raw:
        magic = raw.read(8)
    if magic.startswith(b"PAR1"):
        return PARQUET, head
    if magic.startswith(ZIP):
        raise ValueError("is an archive and was not opened; unpack it first")
    if not head.strip():
        raise ValueError("is empty")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head[:1000]:
        raise ValueError("is not UTF-8 text (UTF-16, or binary); save it as UTF-8, or as Parquet")
    if name.lower().removesuffix(".gz").endswith((".parquet", ".pq")):
        raise ValueError("is no Parquet file: it does not begin as one")
    return _text_form(head), head


def _text_form(head: bytes) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"["):
        return ARRAY
    if not start.startswith(b"{"):
        return CSV
    first, _, rest = start.partition(b"\n")
    try:
        whole = isinstance(json.loads(first), dict)
    except ValueError:
        # one object over many lines, or a first line that is broken: the next line then begins one of its own
        return LINES if rest.startswith(b"{") else DOCUMENT
    return LINES if rest.strip() or (whole and not _wraps(first)) else DOCUMENT


def _wraps(line: bytes) -> bool:
    found = json.loads(line)
    return any(isinstance(value, list | dict) for value in found.values())


def opened(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked where it is gzip."""
    content = path.open("rb")
    if content.peek(2).startswith(GZIP):
        return io.BufferedReader(gzip.GzipFile(fileobj=content))
    return content


def _header(head: bytes) -> tuple[str, list[str]]:
    line = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].rstrip(b"\r")
    if len(line) >= HEAD:
        raise ValueError("has a first line that is longer than a header can be")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("row 1 is not UTF-8; save it as UTF-8") from None
    delimiter = max(",;\t|", key=text.count)
    names = [name.strip() for name in next(csv.reader([text], delimiter=delimiter))]
    if len(set(names)) != len(names) or not all(names):
        raise ValueError("row 1 is no header: its names are empty or double")
    if any(_DATA.search(name) for name in names):  # never quoted: it would be somebody's data
        raise ValueError("row 1 is data and no header; put the names of the columns first")
    return delimiter, names


def _parquet(connection: DuckDBPyConnection, path: Path) -> tuple[tuple[str, str], ...]:
    rows = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
    return tuple((str(row[0]), str(row[1])) for row in rows)


def objects(path_list: str, form: str) -> str:
    """The SQL that reads JSON objects as they are, in a column `json`; a line that is no JSON is a NULL."""
    kind = "newline_delimited" if form == LINES else "array"
    lost = ", ignore_errors=true" if form == LINES else ""
    bounds = "maximum_object_size=16777216, compression='auto_detect'"
    return f"read_json_objects({path_list}, format='{kind}', {bounds}{lost})"


def _keys(connection: DuckDBPyConnection, path: Path, form: str) -> list[str]:
    source = objects("[?]", form)
    query = f"SELECT DISTINCT unnest(json_keys(json)) FROM (SELECT json FROM {source} LIMIT {SAMPLE})"
    rows = connection.execute(query, [str(path)]).fetchall()
    return sorted(str(row[0]) for row in rows)


def grouped(found: Iterable[Found]) -> list[list[Found]]:
    """Files of one form with the same columns, together."""
    groups: dict[tuple[object, ...], list[Found]] = {}
    for file in found:
        groups.setdefault((file.form, file.columns, file.delimiter), []).append(file)
    return list(groups.values())


def names_of(groups: Iterable[list[Found]]) -> Mapping[str, str]:
    """What people call each file that is read."""
    return {file.path: file.name for group in groups for file in group}
