"""Ledgers and manifests of every form, drawn from one truth, and a naive count of it.

Decides the truth as a list of events for each person, and counts it person by person in plain Python: no SQL, no shared
code.
"""

from __future__ import annotations

import base64
import csv
import gzip
import json
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

CUT_OFF = datetime(2026, 5, 1, tzinfo=UTC)
GRANT, WITHDRAW, OPT_OUT, OBJECT, REFUSE = "granted", "withdrawn", "opted_out", "objected", "refused"
REASON = {WITHDRAW: "withdrawn", OPT_OUT: "opted_out", OBJECT: "objected", REFUSE: "refused"}


@dataclass
class Person:
    """One person: (day from the cut-off, purpose, word) in any order, and how many records of each category."""

    key: str
    events: list[tuple[int, str, str]] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    country: str = "DE"
    minor: bool = False


def at(day: int) -> datetime:
    """The instant of a day: noon, so that no zone moves it past the cut-off by accident."""
    return CUT_OFF + timedelta(days=day)


def naive(people: list[Person], meant: set[str], *, wide: bool = False) -> dict[str, int]:
    """Count people of the manifest by reason. `wide`: only the last state of each person is in the ledger."""
    found: dict[str, int] = {}
    for person in people:
        if person.records and (why := reason(person, meant)):
            found[why] = found.get(why, 0) + 1
    return dict(sorted(found.items()))


def reason(person: Person, meant: set[str]) -> str:
    """Why; empty when there is a basis."""
    if not person.events:
        return "not_in_ledger"
    training = sorted((day, word) for day, purpose, word in person.events if purpose in meant)
    before = [(day, word) for day, word in training if day <= 0]
    if before:
        word = before[-1][1]
        if word == GRANT:
            return "minor" if person.minor else ""
        return REASON[word]
    if any(word == GRANT for _, word in training):
        return "granted_after"
    if any(word == GRANT and day <= 0 for day, purpose, word in person.events if purpose not in meant):
        return "other_purpose_only"
    return "never_asked"


def rows(people: list[Person]) -> list[dict[str, object]]:
    """An event log."""
    return [
        {"user_id": p.key, "purpose": purpose, "event": word, "timestamp": at(day).isoformat(), "minor": p.minor,
         "country": p.country}
        for p in people for day, purpose, word in p.events
    ]  # fmt: skip


def manifest(people: list[Person]) -> list[dict[str, object]]:
    """A row for each record."""
    return [
        {"record_id": f"{p.key}-{n}", "subject_id": p.key, "category": category, "country": p.country}
        for p in people for n, category in enumerate(p.records)
    ]  # fmt: skip


def write(file: Path, table: list[dict[str, object]], names: list[str] | None = None) -> Path:
    """Write rows in the form of the file's ending: .csv, .jsonl, .json, .parquet, or .gz of the first two."""
    names = names or list(dict.fromkeys(name for row in table for name in row))
    plain = file.name.removesuffix(".gz")
    if plain.endswith(".parquet"):
        return _parquet(file, table, names)
    with gzip.open(file, "wt", encoding="utf-8") if file.name.endswith(".gz") else file.open("w") as out:
        if plain.endswith(".csv"):
            writer = csv.DictWriter(out, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
        elif plain.endswith(".json"):
            json.dump(table, out)
        else:
            out.writelines(json.dumps(row) + "\n" for row in table)
    return file


def _parquet(file: Path, table: list[dict[str, object]], names: list[str]) -> Path:
    import duckdb

    lines = write(file.with_suffix(".source.jsonl"), [{name: row.get(name) for name in names} for row in table])
    rows = duckdb.read_json(str(lines), format="newline_delimited", columns=dict.fromkeys(names, "VARCHAR"))
    rows.write_parquet(str(file))
    lines.unlink()
    return file


def database(file: Path, table: list[dict[str, object]]) -> str:
    """A table of SQLite; returns its address."""
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE consents (user_id, purpose, event, timestamp, minor, country)")
        connection.executemany(
            "INSERT INTO consents VALUES (:user_id, :purpose, :event, :timestamp, :minor, :country)", table
        )
    return f"sqlite:///{file}?table=consents"


def tcf(granted: set[int], day: int) -> str:
    """The core string of a TCF 2 consent string with these purposes, last updated on a day."""
    deciseconds = int(at(day).timestamp() * 10)
    bits = (
        f"{2:06b}{deciseconds:036b}{deciseconds:036b}{1:012b}{1:012b}{1:06b}" + "0" * 12 + f"{1:012b}{4:06b}" + "0" * 2
    )
    bits += "0" * 12
    bits += "".join("1" if number in granted else "0" for number in range(1, 25)) + "0" * 24
    bits = bits.ljust((len(bits) + 7) // 8 * 8, "0")
    data = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    return base64.urlsafe_b64encode(data).decode().rstrip("=") + ".YAAA"
