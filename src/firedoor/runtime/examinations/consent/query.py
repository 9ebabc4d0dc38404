"""The join of a manifest with a ledger: one reason for each person, counted.

Decides in SQL, with the words of `core.examinations.consents.standing`, why a person's data may not be in the manifest:
the latest entry by the cut-off holds; entries of one instant that contradict each other, times that cannot be decided
and words that nobody has explained leave a person open. People are counted, and their records. Leaves reading to
`tables`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firedoor.core.examinations.consents.standing import HAS_BASIS, REASONS, Counts, Group
from firedoor.core.examinations.consents.words import State
from firedoor.runtime.examinations.consent.tables import MEANT, OPEN, OTHER, UNIT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NAMELESS = "nameless"
_NO = {
    State.WITHDRAWN: "withdrawn", State.OPTED_OUT: "opted_out", State.REFUSED: "refused", State.OBJECTED: "objected",
    State.EXPIRED: "expired",
}  # fmt: skip
# Rows are grouped as they stand, and the groups once more by their key: a key is then made for each person and not for
# each row. A number says how the groups of one person are put together.
_LEDGER: Mapping[str, tuple[str, str, str]] = {
    "last1": ("last", f"max(last) FILTER (class = {MEANT})", "max"),
    "ties1": ("ties", f"max(ties) FILTER (class = {MEANT})", "max"),
    "last2": ("last", f"max(last) FILTER (class = {OPEN})", "max"),
    "other": ("last", f"bool_or(last % {UNIT} = {State.GRANTED:d}) FILTER (class = {OTHER})", "bool_or"),
    "after": ("after", f"bool_or(after) FILTER (class = {MEANT})", "bool_or"),
    "undated": ("undated", f"bool_or(undated) FILTER (class = {MEANT})", "bool_or"),
    "bad_time": ("bad_time", f"bool_or(bad_time) FILTER (class = {MEANT})", "bool_or"),
    "country": ("country", "max(country)", "max"),
    "minor": ("minor", "bool_or(minor)", "bool_or"),
    "guardian": ("guardian", "bool_or(guardian)", "bool_or"),
}
_MANIFEST: Mapping[str, tuple[str, str, str]] = {
    "n": ("n", "count(*)", "sum"),
    "country": ("country", "max(country)", "max"),
    "minor": ("minor", "bool_or(minor)", "bool_or"),
    "other_basis": ("other_basis", "bool_and(other_basis)", "bool_and"),
    "nobody": ("about_nobody", "count(*) FILTER (about_nobody)", "sum"),
}
_EMPTY = {"country": "NULL::VARCHAR", "nobody": "0::BIGINT"}


@dataclass(frozen=True, slots=True)
class Table:
    """One side: its rows, the SQL of a person's key from `raw`, and the columns that say nothing."""

    rows: str
    key: str
    constant: frozenset[str]


def _grouped(table: Table, parts: Mapping[str, tuple[str, str, str]]) -> str:
    """SELECT k and the parts for each person; k is NULL for the rows that name nobody."""
    used = {name: part for name, part in parts.items() if part[0] not in table.constant}
    first = ", ".join(f"{made} AS {name}" for name, (_, made, _) in used.items())
    second = ", ".join(f"{again}({name}) AS {name}" for name, (_, _, again) in used.items())
    empty = "".join(f", {_EMPTY.get(name, 'false')} AS {name}" for name in parts if name not in used)
    rows = (
        f"SELECT CAST(raw AS VARCHAR) AS raw, * EXCLUDE (raw) FROM (SELECT raw, {first} FROM {table.rows} GROUP BY raw)"
    )
    return f"SELECT {table.key} AS k, {second}{empty} FROM ({rows}) GROUP BY 1"


# What the key looks like, for people whom the ledger does not have: a form that it never has is another key.
FORM = """
CASE WHEN contains(k, '@') THEN 'e-mail address'
  WHEN length(k) = 64 AND regexp_full_match(k, '[0-9a-fA-F]{64}') THEN 'SHA-256'
  WHEN length(k) = 40 AND regexp_full_match(k, '[0-9a-fA-F]{40}') THEN 'SHA-1'
  WHEN length(k) = 36 AND regexp_full_match(k, '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}') THEN 'UUID'
  WHEN length(k) = 32 AND regexp_full_match(k, '[0-9a-fA-F]{32}') THEN 'MD5'
  WHEN regexp_full_match(k, '[0-9]+') THEN 'number' ELSE 'other' END
"""


def _judged(manifest: Table, ledger: Table, *, opt_out: bool) -> str:
    """SELECT k, n, nobody, country, reason, in_ledger, form for each person of the manifest, and for those unnamed."""
    no = " ".join(f"WHEN code1 = {code:d} THEN '{reason}'" for code, reason in _NO.items())
    absent = f"'{HAS_BASIS}'" if opt_out else "{reason}"
    never = {name: absent.format(reason=f"'{name}'") for name in ("not_in_ledger", "other_purpose_only", "never_asked")}
    open_yes = f"code2 = {State.GRANTED:d}"
    said_no = f"code2 <> {State.GRANTED:d} AND last2 > coalesce(last1, 0)"
    reason = f"""CASE
      WHEN k IS NULL THEN '{NAMELESS}'
      WHEN lk IS NULL THEN {never["not_in_ledger"]}
      WHEN bad_time THEN 'time'
      WHEN last1 IS NOT NULL AND last1 % {UNIT} <> {UNIT - 1} - ties1 % {UNIT} THEN 'contradictory'
      WHEN code1 = {State.UNKNOWN:d} THEN 'unknown_word'
      WHEN undated THEN 'undated'
      WHEN code1 = {State.GRANTED:d} AND {said_no} THEN 'unknown_word'
      WHEN code1 = {State.GRANTED:d} AND minor AND NOT guardian THEN 'minor'
      WHEN code1 = {State.GRANTED:d} THEN '{HAS_BASIS}'
      WHEN {open_yes} THEN 'unknown_word'
      {no}
      WHEN after THEN 'granted_after'
      WHEN other THEN {never["other_purpose_only"]}
      ELSE {never["never_asked"]} END"""
    stands = f"('{NAMELESS}', 'objected', 'opted_out', 'contradictory', 'unknown_word', 'undated', 'time')"
    return f"""
SELECT k, n, nobody, country, in_ledger,
  CASE WHEN other_basis AND reason NOT IN {stands} THEN '{HAS_BASIS}' ELSE reason END AS reason,
  CASE WHEN in_ledger OR k IS NULL THEN '' ELSE {FORM} END AS form
FROM (
  SELECT k, n, nobody, coalesce(country, 'unknown') AS country, lk IS NOT NULL AS in_ledger, other_basis,
    {reason} AS reason
  FROM (
    SELECT p.k, p.n, p.nobody, coalesce(l.country, p.country) AS country, p.other_basis, l.k AS lk, l.last1,
      l.ties1, l.last2,
      l.last1 % {UNIT} AS code1, l.last2 % {UNIT} AS code2, coalesce(l.other, false) AS other,
      coalesce(l.after, false) AS after,
      coalesce(l.undated, false) AS undated, coalesce(l.bad_time, false) AS bad_time,
      coalesce(l.minor, false) OR coalesce(p.minor, false) AS minor, coalesce(l.guardian, false) AS guardian
    FROM ({_grouped(manifest, _MANIFEST)}) p LEFT JOIN ({_grouped(ledger, _LEDGER)}) l ON p.k = l.k
  ))"""


def counted(
    connection: DuckDBPyConnection, manifest: Table, ledger: Table, *, opt_out: bool, people: int
) -> tuple[Counts, list[tuple[str, str]], str]:
    """Count. Returns the counts, up to `people` people without a basis and their reasons, and the query."""
    judged = _judged(manifest, ledger, opt_out=opt_out)
    table = f"({judged})"
    categories, sources = ("category" not in manifest.constant, "source" not in manifest.constant)
    if categories or sources or people:
        connection.execute(f"CREATE TEMP TABLE judged AS {judged}")
        table = "judged"
    query = f"SELECT reason, country, in_ledger, form, count(*), sum(n), sum(nobody) FROM {table} GROUP BY ALL"
    rows = connection.execute(query).fetchall()
    foreign = _foreign(connection, ledger, {str(row[3]) for row in rows if row[0] == "not_in_ledger"})
    groups = [
        Group(
            "foreign_key" if form in foreign and reason == "not_in_ledger" else reason,
            country,
            count,
            int(records),
            known,
        )
        for reason, country, known, form, count, records, _ in rows
        if reason != NAMELESS
    ]
    nameless, nobody = (sum(int(row[at] or 0) for row in rows if row[0] == NAMELESS) for at in (5, 6))
    without = f"reason IN {_listed(REASONS)} AND NOT (reason = 'not_in_ledger' AND form IN {_listed(foreign)})"
    listed = f"SELECT k, reason FROM judged WHERE {without} ORDER BY k LIMIT {people}"
    found = Counts(
        sum(int(row[5]) for row in rows), nameless, groups,
        _by(connection, manifest, "category", without) if categories else {},
        _by(connection, manifest, "source", without) if sources else {},
        ledger_people=len(connection.execute(_keys(ledger, "k IS NOT NULL")).fetchall()),
        nobody=nobody,
    )  # fmt: skip
    return found, connection.execute(listed).fetchall() if people else [], judged


def _foreign(connection: DuckDBPyConnection, ledger: Table, forms: set[str]) -> set[str]:
    """The forms of keys that the ledger never has."""
    known = forms - {"other", ""}
    has = _keys(ledger, f"{FORM} = ?")
    return {form for form in known if not connection.execute(has, [form]).fetchall()}


def _keys(table: Table, where: str) -> str:
    keys = f"SELECT {table.key} AS k FROM (SELECT CAST(raw AS VARCHAR) AS raw FROM {table.rows})"
    return f"SELECT 1 FROM ({keys}) WHERE {where} LIMIT 1"


def _by(connection: DuckDBPyConnection, manifest: Table, column: str, without: str) -> dict[str, int]:
    """People without a basis by a column of their records: one person may have records of several."""
    affected = f"SELECT k FROM judged WHERE {without}"
    rows = f"SELECT DISTINCT CAST(raw AS VARCHAR) AS raw, {column} FROM {manifest.rows}"
    keyed = f"SELECT {manifest.key} AS k, coalesce({column}, 'unknown') AS word FROM ({rows})"
    pairs = f"SELECT DISTINCT k, word FROM ({keyed}) WHERE k IN ({affected})"
    counts = connection.execute(f"SELECT word, count(*) FROM ({pairs}) GROUP BY word").fetchall()
    return {str(word): int(number) for word, number in counts}


def _listed(words: object) -> str:
    found: Sequence[str] = sorted(words)  # type: ignore[call-overload]
    return "(" + ", ".join(f"'{word}'" for word in found) + ")" if found else "('')"
