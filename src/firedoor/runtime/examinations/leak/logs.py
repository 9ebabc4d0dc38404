"""The rows of logs of requests and outputs: JSON lines, CSV (both perhaps gzipped) and Parquet.

Decides which fields are the output, the request, the user, the tenant and the time, by a table of names, and that a row
which cannot be read is named with its file. Leaves what rows expose to `core.examinations.leaks`.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from firedoor.core.examinations.leaks.exposure import Row
from firedoor.core.json_types import as_object, object_at, objects_at, text_at
from firedoor.runtime.examinations.consent.files import Trouble, opened

LONGEST = 16 * 1024 * 1024  # bytes of a line
FIELDS: Mapping[str, tuple[str, ...]] = {
    "output": ("output", "response", "completion", "answer", "output_text", "generated_text", "reply", "text"),
    "prompt": ("prompt", "input", "request", "question", "input_text", "query"),
    "user": ("user", "user_id", "end_user", "userid", "account_id"),
    "tenant": ("tenant", "tenant_id", "org", "org_id", "organization", "customer", "customer_id", "team_id"),
    "time": ("time", "timestamp", "ts", "created_at", "at", "start_time", "starttime"),
}


def rows(path: Path, name: str, trouble: Trouble) -> Iterator[Row]:
    """The rows of one log. What cannot be read is named in `trouble`."""
    found = 0
    for number, record in _records(path, name, trouble):
        values = {field: _value(record, names) for field, names in FIELDS.items()}
        values["output"] = values["output"] or _chat(record)
        if values["output"]:
            found += 1
            yield Row(**values, place=f"{name}:{number}")
    if not found:
        trouble.add(name, f"has no outputs: none of {', '.join(FIELDS['output'])} is there")


def _value(record: Mapping[str, object], names: tuple[str, ...]) -> str:
    low = {str(key).lower(): value for key, value in record.items()}
    found = next((low[name] for name in names if low.get(name) not in (None, "", [], {})), "")
    return found if isinstance(found, str) else _chat(as_object(found)) or json.dumps(found, default=str)


def _chat(record: Mapping[str, object]) -> str:
    """The text of an answer in the form of chat APIs."""
    choices = [
        text_at(object_at(one, "message"), "content") or text_at(one, "text") for one in objects_at(record, "choices")
    ]
    inside = _chat(object_at(record, "response")) if "response" in record else ""
    return "\n".join(one for one in choices if one) or inside or text_at(record, "content")


def _records(path: Path, name: str, trouble: Trouble) -> Iterator[tuple[int, Mapping[str, object]]]:
    with path.open("rb") as raw:
        magic = raw.read(4)
    if magic == b"PAR1":
        yield from _parquet(path, name, trouble)
        return
    try:
        with opened(path) as content:
            start = content.read(1)
        if start == b"{":
            yield from _lines(path, name, trouble)
        else:
            yield from _csv(path, name, trouble)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        trouble.add(name, f"could not be read to its end: {type(error).__name__}")


def _lines(path: Path, name: str, trouble: Trouble) -> Iterator[tuple[int, Mapping[str, object]]]:
    with opened(path) as content:
        for number, line in enumerate(iter(lambda: content.readline(LONGEST + 1), b""), 1):
            if len(line) > LONGEST:
                trouble.add(name, f"a line of over {LONGEST} bytes; the rest of the file was not read", number)
                return
            try:
                if line.strip():
                    yield number, as_object(json.loads(line))
            except (ValueError, RecursionError):
                trouble.add(name, "is no JSON", number)


def _csv(path: Path, name: str, trouble: Trouble) -> Iterator[tuple[int, Mapping[str, object]]]:
    csv.field_size_limit(min(sys.maxsize, LONGEST))
    with opened(path) as content:
        text = (line.decode("utf-8-sig" if number == 0 else "utf-8", "replace") for number, line in enumerate(content))
        for number, row in enumerate(csv.DictReader(text), 2):
            if None in row:
                trouble.add(name, "has more fields than the header", number)
            yield number, {key: value for key, value in row.items() if key is not None}


def _parquet(path: Path, name: str, trouble: Trouble) -> Iterator[tuple[int, Mapping[str, object]]]:
    import duckdb

    connection = duckdb.connect(config={"memory_limit": "1GB", "threads": 1})
    try:
        result = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
        names = [str(column[0]) for column in result.description or ()]
        batches = iter(lambda: result.fetchmany(2000), [])
        every = (row for batch in batches for row in batch)
        yield from ((number, dict(zip(names, row, strict=True))) for number, row in enumerate(islice(every, None), 1))
    except duckdb.Error:
        trouble.add(name, "is a broken Parquet file")
