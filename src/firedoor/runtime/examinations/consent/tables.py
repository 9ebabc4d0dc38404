"""A manifest and a ledger as SQL, whatever their files are: one SELECT for each group of files of the same columns.

Decides how each form of ledger becomes the same rows (a row for each grant, an event log, a state, a column for each
purpose, a TCF string): a key, whether the purpose is meant, and the latest event by the cut-off. Leaves values to
`expressions`, and joining to `query`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from firedoor.core.examinations.consents.columns import Columns
from firedoor.core.examinations.consents.words import CONSENT_BASES, OTHER_BASES, Purpose, State
from firedoor.runtime.examinations.consent import expressions as sql
from firedoor.runtime.examinations.consent.documents import NOBODY
from firedoor.runtime.examinations.consent.files import ARRAY, CSV, LINES, PARQUET, Found, objects

MEANT, OTHER, OPEN = 1, 0, 2  # of a purpose
UNIT = 16  # an event is an instant times this, plus its state: the greatest is the latest
CONSTANTS = ("NULL::VARCHAR", "NULL::BOOLEAN", "false")
EVENT_TIMES = (("withdrawn_at", State.WITHDRAWN), ("opted_out_at", State.OPTED_OUT), ("objected_at", State.OBJECTED))


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are read together, with their columns recognised."""

    files: Sequence[Found]
    columns: Columns

    @property
    def kinds(self) -> Mapping[str, str]:
        """The type of each column."""
        return dict(self.files[0].columns)

    @property
    def raw(self) -> str:
        """The person's column: a number as it is, anything else as text."""
        value, kind = self.value("subject")
        return value if kind in (*sql.INTEGERS, "VARCHAR", "JSON") else f"CAST({value} AS VARCHAR)"

    def has(self, role: str) -> bool:
        """Whether the role's column is there."""
        return role in self.columns.roles

    def value(self, role: str) -> tuple[str, str]:
        """The role's column in SQL, and its type."""
        return self.column(self.columns.roles[role])

    def column(self, column: str) -> tuple[str, str]:
        """A column in SQL, and its type."""
        kind = self.kinds[column]
        return sql.raw(column, kind), kind

    def source(self, *, row: bool = False) -> str:
        """The table function that reads the files. `row` adds the file's name."""
        first = self.files[0]
        listed = "[" + ", ".join(sql.text(file.path) for file in self.files) + "]"
        if first.form == PARQUET:
            return f"read_parquet({listed}{', filename=true' if row else ''})"
        if first.form in (LINES, ARRAY):
            return objects(listed, first.form)
        assert first.form == CSV  # noqa: S101
        columns = ", ".join(f"{sql.text(name)}: 'VARCHAR'" for name, _ in first.columns)
        return (
            f"read_csv({listed}, header=true, auto_detect=false, columns={{{columns}}}, "
            f"delim={sql.text(first.delimiter)}, "
            "quote='\"', escape='\"', null_padding=false, strict_mode=true, store_rejects=true, rejects_limit=0, "
            f"new_line='\\n', max_line_size=16777216, compression='auto'{', filename=true' if row else ''})"
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """What was asked, and which words of the ledger mean what. `hash_rule`: for the side without pseudonyms."""

    purpose: Purpose
    cut_off: int  # microseconds since 1970
    purposes: Mapping[str, int]  # MEANT, OTHER or OPEN for each word, as `expressions.word` gives it
    states: Mapping[str, int]
    hash_rule: str = ""
    salt: str = ""
    hash_side: str = ""

    def key(self, raw: str, side: str) -> str:
        """The key of a person on one side, of a text as it stands there."""
        found = sql.key(raw)
        return sql.hashed(found, self.hash_rule, self.salt) if self.hash_side and self.hash_side == side else found


@dataclass(frozen=True, slots=True)
class Select:
    """One SELECT: its columns by name, and where they come from."""

    parts: Mapping[str, str]
    source: str

    @property
    def sql(self) -> str:
        """The query."""
        return f"SELECT {', '.join(f'{value} AS {name}' for name, value in self.parts.items())} FROM {self.source}"


def constants(selects: Sequence[Select]) -> frozenset[str]:
    """The columns that say nothing anywhere: no file has them, so nobody needs to look."""
    every = [{name for name, value in one.parts.items() if value in CONSTANTS} for one in selects]
    return frozenset(set.intersection(*every)) if every else frozenset()


def manifest(group: Group) -> Select:
    """SELECT raw, country, category, source, minor, other_basis, about_nobody."""
    parts = {
        "raw": group.raw,
        **{role: _word(group, role) for role in ("country", "category", "source")},
        "minor": _minor(group),
        "other_basis": _basis(group),
        "about_nobody": sql.yes(*group.column(NOBODY)) if NOBODY in group.kinds else "NULL::BOOLEAN",
    }
    return Select(parts, group.source())


def ledger(group: Group, terms: Terms) -> Iterator[Select]:
    """SELECT raw, class, last, ties, after, undated, bad_time, country, minor, guardian for each row."""
    if "tc_string" in group.columns.roles:
        yield from _tcf(group, terms)
    elif group.columns.wide:
        for column in group.columns.wide:
            says = _state(*group.column(column), terms)
            at = group.columns.times.get(column)
            yield _rows(group, terms, str(MEANT), says, group.column(at) if at else None)
    else:
        value, kind = group.value("purpose")
        state = _state(*group.value("status"), terms) if group.has("status") else None
        if many(group):
            yield _rows(group, terms, sql.case("purpose_word", terms.purposes, str(OPEN)), state, None, unnested=value)
        else:
            yield _rows(group, terms, sql.case(sql.said(value, kind), terms.purposes, str(OPEN)), state, None)


def many(group: Group) -> bool:
    """Whether a column holds several purposes: a list."""
    kind = group.value("purpose")[1]
    return kind.endswith("[]")


def _rows(
    group: Group, terms: Terms, purpose: str, state: str | None, at: tuple[str, str] | None, unnested: str = ""
) -> Select:  # fmt: skip
    events, undated, bad = _events(group, terms, state, at)
    by_cut_off = [f"CASE WHEN {us} <= {terms.cut_off} THEN {us} * {UNIT} + ({code}) END" for us, code in events]
    ties = [f"CASE WHEN {us} <= {terms.cut_off} THEN {us} * {UNIT} + {UNIT - 1} - ({code}) END" for us, code in events]
    after = [f"coalesce(({code}) = {State.GRANTED:d} AND {us} > {terms.cut_off}, false)" for us, code in events]
    parts = {
        "raw": group.raw,
        "class": f"CAST({purpose} AS TINYINT)",
        "last": sql.greatest(by_cut_off) if by_cut_off else "NULL::BIGINT",
        "ties": sql.greatest(ties) if ties else "NULL::BIGINT",
        "after": " OR ".join(after) or "false",
        "undated": undated,
        "bad_time": " OR ".join(one for one in bad if one != "false") or "false",
        "country": _word(group, "country"),
        "minor": _minor(group),
        "guardian": sql.yes(*group.value("guardian")) if group.has("guardian") else "NULL::BOOLEAN",
    }
    source = group.source()
    if unnested:
        source = f"(SELECT *, CAST(unnest({unnested}) AS VARCHAR) AS purpose_word FROM {source})"
    return Select(parts, source)


def _events(
    group: Group, terms: Terms, state: str | None, at: tuple[str, str] | None
) -> tuple[list[tuple[str, str]], str, list[str]]:  # fmt: skip
    """The events of a row as instants and states; whether it says no without a time; which times are undecided."""
    time = at or next((group.value(role) for role in ("at", "given_at") if group.has(role)), None)
    used = [time] if time else []
    events: list[tuple[str, str]] = []
    undated = "false"
    if state is not None:
        us = sql.instant(*time) if time else "0"
        own = not time or at or group.has("at")
        code = _expiring(group, terms, state, used)
        if own:
            events.append((us, f"nullif({code}, {State.PENDING:d})"))
        else:  # the only time is that of the grant: when it was taken back is not known
            events.append((us, f"CASE WHEN {state} = {State.GRANTED:d} THEN {code} END"))
            told = " OR ".join(f"{group.value(role)[0]} IS NOT NULL" for role, _ in EVENT_TIMES if group.has(role))
            no = f"{state} NOT IN ({State.GRANTED:d}, {State.PENDING:d}) AND {us} <= {terms.cut_off}"
            undated = f"coalesce({no}, false)" + (f" AND NOT ({told})" if told else "")
    elif group.has("given_at"):
        used = [group.value("given_at")]
        events.append((sql.instant(*used[0]), _expiring(group, terms, str(State.GRANTED.value), used)))
    for role, ended in EVENT_TIMES:
        if group.has(role):
            used.append(group.value(role))
            events.append((sql.instant(*group.value(role)), str(ended.value)))
    if group.has("opt_out") and (flag := sql.yes(*group.value("opt_out"))):
        us = sql.instant(*time) if time else "0"
        events.append((f"CASE WHEN {flag} THEN {us} END", str(State.OPTED_OUT.value)))
    bad = [sql.undecided(*one, terms.cut_off) for one in used]
    if state is not None and time:
        bad.append(f"({sql.instant(*time)} IS NULL AND {state} IS NOT NULL)")
    return events, undated, bad


def _expiring(group: Group, terms: Terms, state: str, used: list[tuple[str, str]]) -> str:
    if not group.has("expires_at"):
        return state
    used.append(group.value("expires_at"))
    ends = sql.instant(*group.value("expires_at"))
    gone = f"{state} = {State.GRANTED:d} AND {ends} <= {terms.cut_off}"
    return f"CASE WHEN {gone} THEN {State.EXPIRED:d} ELSE {state} END"


def _state(value: str, kind: str, terms: Terms) -> str:
    """The state that a word stands for; an entry that rests on another basis than consent needs no word."""
    if kind == "BOOLEAN":
        return f"CASE WHEN {value} THEN {State.GRANTED:d} WHEN NOT {value} THEN {State.REFUSED:d} END"
    return sql.case(sql.said(value, kind), terms.states, f"CASE WHEN {value} IS NOT NULL THEN {State.UNKNOWN:d} END")


def _tcf(group: Group, terms: Terms) -> Iterator[Select]:
    """A bit for each purpose in the core string of TCF 2 (152 to 175), at its last update (42 to 77)."""
    value, _ = group.value("tc_string")
    core = f"translate(split_part({value}, '.', 1), '-_', '+/')"
    padded = f"rpad({core}, CAST(ceil(length({core}) / 4.0) * 4 AS INTEGER), '=')"
    bits = f"TRY(CAST(from_base64({padded}) AS BIT))"
    wide = f"(SELECT *, {bits} AS tc FROM {group.source()})"
    deciseconds = "TRY(CAST(CAST(substring(CAST(tc AS VARCHAR), 43, 36) AS BIT) AS BIGINT))"
    at = f"{deciseconds} * 100000"
    for number in sorted(int(one) for one in terms.purpose.words if one.isdigit()):
        given = f"TRY(get_bit(tc, {151 + number}) = 1)"
        code = f"CASE WHEN {given} THEN {State.GRANTED:d} ELSE {State.REFUSED:d} END"
        us = f"CASE WHEN bit_length(tc) >= 176 THEN {at} END"
        parts = {
            "raw": group.raw, "class": f"CAST({MEANT} AS TINYINT)",
            "last": f"CASE WHEN {us} <= {terms.cut_off} THEN {us} * {UNIT} + {code} END",
            "ties": f"CASE WHEN {us} <= {terms.cut_off} THEN {us} * {UNIT} + {UNIT - 1} - {code} END",
            "after": f"coalesce({given} AND {us} > {terms.cut_off}, false)", "undated": "false",
            "bad_time": f"({us} IS NULL)", "country": _word(group, "country"), "minor": _minor(group),
            "guardian": "NULL::BOOLEAN",
        }  # fmt: skip
        yield Select(parts, wide)


def _minor(group: Group) -> str:
    found = [sql.yes(*group.value("minor"))] if group.has("minor") else []
    if group.has("age"):
        found.append(f"TRY_CAST({group.value('age')[0]} AS DOUBLE) < 18")
    return f"coalesce({', '.join(found)})" if found else "NULL::BOOLEAN"


def _basis(group: Group) -> str:
    if not group.has("legal_basis"):
        return "false"
    found = f"regexp_replace({sql.word(*group.value('legal_basis'))}, '[\\s\\-.]+', '_', 'g')"
    return f"coalesce({found} IN {sql.texts(sorted(OTHER_BASES))}, false)"


def bases_to_ask(group: Group) -> str:
    """The SQL that finds legal bases in no table."""
    found = f"regexp_replace({sql.word(*group.value('legal_basis'))}, '[\\s\\-.]+', '_', 'g')"
    known = sql.texts(sorted(OTHER_BASES | CONSENT_BASES))
    return f"SELECT DISTINCT {found} FROM {group.source()} WHERE {found} NOT IN {known} LIMIT 20"


def _word(group: Group, role: str) -> str:
    if not group.has(role):
        return "NULL::VARCHAR"
    value, kind = group.value(role)
    found = f"trim({value if kind in ('VARCHAR', 'JSON') else f'CAST({value} AS VARCHAR)'})"
    return f"nullif({f'upper({found})' if role == 'country' else found}, '')"
