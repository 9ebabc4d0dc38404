"""The process that reconciles: it reads manifest and ledger, asks what is not clear, and counts what is.

Decides the order: files, columns, words, key, join; whatever is not clear stops before the join, with every question at
once. Started as a program by `sandbox.ask`; it has no network, and DuckDB may read the folder of links and nothing
else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from firedoor.core.examinations.consents import words
from firedoor.core.examinations.consents.columns import LEDGER, MANIFEST, ledger_questions, recognise
from firedoor.core.examinations.consents.standing import reconciled
from firedoor.core.json_types import Json, JsonObject, array_at, as_objects, object_at, text_at
from firedoor.runtime.examinations import sandbox
from firedoor.runtime.examinations.consent import expressions as sql
from firedoor.runtime.examinations.consent import tables
from firedoor.runtime.examinations.consent.documents import as_lines
from firedoor.runtime.examinations.consent.files import CSV, LINES, Trouble, grouped, looked_at, opened
from firedoor.runtime.examinations.consent.query import Table, counted
from firedoor.runtime.examinations.consent.tables import Group, Terms

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LARGEST_FILE = 1 << 42  # bytes that the process may write: what DuckDB puts aside, bounded by its own setting
MOST_GROUPS, MOST_WORDS = 64, 1000
SCANNED = 2_000_000  # lines looked through for the first that is no JSON


@dataclass(slots=True)
class Side:
    """A manifest or a ledger as it was found."""

    name: str
    groups: list[Group]
    inputs: list[Json]
    questions: list[str]


def work(request: JsonObject, said: sandbox.Said) -> Mapping[str, Json]:
    """Answer one request."""
    connection = _connected(request)
    folder, trouble = Path(text_at(request, "folder")), Trouble()
    wanted = words.Purpose(text_at(request, "purpose"), frozenset(str(one) for one in array_at(request, "words")))
    sides = [_side(side, request, wanted, connection, folder, trouble) for side in (MANIFEST, LEDGER)]
    said(stage="read", of="inputs")
    questions = [question for side in sides for question in side.questions]
    field = text_at(request, "field")
    if field and not any(field in group.kinds for side in sides for group in side.groups):
        questions.append(f"neither manifest nor ledger has a column {field}: which is the key?")
    if not questions and all(side.groups for side in sides):
        return _joined(request, wanted, sides, connection, trouble, said)
    return _answer(request, sides, trouble, {**_nothing(), "questions": questions})


def _connected(request: JsonObject) -> DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect()
    folder = text_at(request, "folder")
    links = [text_at(one, "path") for side in (MANIFEST, LEDGER) for one in as_objects(request.get(side))]
    real = sorted({str(Path(link).resolve()) for link in links})
    put_aside = Path(folder) / "aside"
    put_aside.mkdir(exist_ok=True)
    for setting in (
        "SET TimeZone = 'UTC'",
        f"SET memory_limit = {sql.text(text_at(request, 'memory'))}",
        f"SET threads = {int(str(request.get('threads') or 2))}",
        f"SET temp_directory = {sql.text(str(put_aside))}",
        f"SET max_temp_directory_size = {sql.text(text_at(request, 'aside'))}",
        "SET preserve_insertion_order = false",
        "SET enable_progress_bar = false",
        f"SET allowed_directories = [{sql.text(folder)}]",
        f"SET allowed_paths = [{', '.join(sql.text(path) for path in real)}]",  # DuckDB looks where a link leads
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ):
        connection.execute(setting)
    return connection


def _side(
    name: str, request: JsonObject, wanted: words.Purpose, connection: DuckDBPyConnection, folder: Path,
    trouble: Trouble,
) -> Side:  # fmt: skip
    files, inputs = [], []
    for one in as_objects(request.get(name)):
        called = text_at(one, "name")
        found = looked_at(Path(text_at(one, "path")), called, connection, trouble)
        found = as_lines(found, folder, trouble) if found else None
        inputs.append({"name": called, "sha256": _digest(Path(text_at(one, "path")))})
        if found and found.columns:
            files.append(found)
        elif found:
            trouble.add(called, "has no rows")
    given = {role: str(column) for role, column in object_at(request, "columns", name).items()}
    side = Side(name, [], list(inputs), [])
    for group in grouped(files)[:MOST_GROUPS]:
        names = [column for column, _ in group[0].columns]
        known = {role: column for role, column in given.items() if column in names}
        if "subject" not in given and text_at(request, "field") in names:
            known["subject"] = text_at(request, "field")
        columns = recognise(name, names, known, wanted)
        asked = [*columns.questions, *(ledger_questions(columns, names, wanted) if name == LEDGER else [])]
        asked += [f"no file of the {name} has a column {one}" for one in _missing(given, files)]
        side.questions += [
            f"{group[0].name}: {one}" for one in asked if f"{group[0].name}: {one}" not in side.questions
        ]
        side.groups.append(Group(group, columns))
    if not files:
        side.questions.append(f"no {name} could be read: see problems")
    if len(grouped(files)) > MOST_GROUPS:
        side.questions.append(
            f"the files of the {name} have more than {MOST_GROUPS} different headers: is it one {name}?"
        )
    return side


def _missing(given: Mapping[str, str], files: Iterable[object]) -> list[str]:
    every = {column for file in files for column, _ in file.columns}  # type: ignore[attr-defined]
    return sorted({column for column in given.values() if column not in every})


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _joined(
    request: JsonObject, wanted: words.Purpose, sides: list[Side], connection: DuckDBPyConnection, trouble: Trouble,
    said: sandbox.Said,
) -> Mapping[str, Json]:  # fmt: skip
    import duckdb

    ledger = sides[1]
    others = frozenset(str(one) for one in array_at(request, "others"))
    cut_off = datetime.fromisoformat(text_at(request, "as_of"))
    notes: list[str] = []
    for attempt in (1, 2):
        try:
            meant, shown, asked = _purposes(ledger, wanted, others, connection)
            states, state_words, more = _states(ledger, connection)
            terms = Terms(wanted, int(cut_off.timestamp() * 1_000_000), meant, states)
            if stop := [question for question in asked if question.startswith("no entry")]:
                mapping: Json = {"purposes": shown, "states": state_words}
                return _answer(request, sides, trouble, {**_nothing(), "mapping": mapping, "questions": stop})
            terms = _keyed(request, terms, sides, connection, notes)
            tables_of = _views(terms, sides, connection)
            said(stage="counting", of="people")
            bases = _bases(sides, connection)
            found, people, query = counted(
                connection, *tables_of,
                opt_out=text_at(request, "regime") == "opt-out", people=int(str(request.get("people") or 0)),
            )  # fmt: skip
            break
        except duckdb.Error as error:
            if attempt == 2 or not _set_aside(sides, connection, trouble):
                words_of = sandbox.problem_text(error, text_at(request, "salt"))
                trouble.add("", f"the data could not be read: {words_of}")
                return _answer(
                    request, sides, trouble, {**_nothing(), "questions": ["nothing was counted: see problems"]}
                )
            connection.execute("DROP TABLE IF EXISTS judged")
    _rejected(sides, connection, trouble)
    _zones(sides, connection, notes)
    answer = reconciled(found, [*asked, *more, *bases], opt_out=text_at(request, "regime") == "opt-out")
    rule = {"on": terms.hash_side, "rule": terms.hash_rule} if terms.hash_side else None
    answer["mapping"] = {"purposes": shown, "states": state_words, "key": rule}
    answer["method"] = "join of every person of the manifest with their latest entry in the ledger by the cut-off"
    answer["query_sha256"] = hashlib.sha256(query.encode()).hexdigest()
    answer["notes"] = list(notes)
    if people:
        answer["list"] = [{"subject": key, "reason": reason} for key, reason in people]
    return _answer(request, sides, trouble, answer)


def _nothing() -> dict[str, Json]:
    return {
        "people": None, "without_basis": None, "by_reason": {}, "by_country": {}, "records": None, "join_rate": None,
        "unknown_subjects": [0, None], "questions": [],
    }  # fmt: skip


def _answer(request: JsonObject, sides: list[Side], trouble: Trouble, answer: Mapping[str, Json]) -> Mapping[str, Json]:
    partial = bool(trouble.told)
    questions = list(array_at(answer, "questions"))
    if partial:
        questions.append(f"the answer is partial: {len(trouble.told)} problems with files or rows, see problems")
    mapping = dict(object_at(answer, "mapping"))
    mapping["columns"] = {
        side.name: [
            {"files": len(group.files), "first": group.files[0].name,
             "roles": {**group.columns.roles} | {f"purpose {word}": name for name, word in group.columns.wide.items()}}
            for group in side.groups
        ] for side in sides
    }  # fmt: skip
    inputs: Json = {side.name: side.inputs for side in sides}
    return {
        **answer, "questions": questions, "partial": partial, "problems": list(trouble.told), "mapping": mapping,
        "inputs": inputs, "as_of": text_at(request, "as_of"), "purpose": text_at(request, "purpose"),
    }  # fmt: skip


def _purposes(
    ledger: Side, wanted: words.Purpose, others: frozenset[str], connection: DuckDBPyConnection
) -> tuple[dict[str, int], Json, list[str]]:  # fmt: skip
    found: set[str] = set()
    wide = sorted({column for group in ledger.groups for column in group.columns.wide})
    for group in ledger.groups:
        if not group.has("purpose") or group.has("tc_string"):
            continue
        value, kind = group.value("purpose")
        word = f"CAST(unnest({value}) AS VARCHAR)" if tables.many(group) else sql.said(value, kind)
        found |= _distinct(connection, f"SELECT DISTINCT {word} AS w FROM {group.source()} LIMIT {MOST_WORDS + 1}")
    if len(found) > MOST_WORDS:
        return {}, {}, [f"no entry: the purpose column has over {MOST_WORDS} different words; is it the purpose?"]
    sort = words.sort_purposes(found, wanted, others)
    asked = words.purpose_questions(sort, wanted) if found or not (wide or _tcf(ledger)) else []
    numbers = dict.fromkeys(sort.meant, tables.MEANT) | dict.fromkeys(sort.others, tables.OTHER)
    shown: Json = {wanted.name: [*sort.meant, *wide], "other": list(sort.others), "asked": list(sort.open)}
    return numbers, shown, asked


def _tcf(ledger: Side) -> bool:
    return any(group.has("tc_string") for group in ledger.groups)


def _states(ledger: Side, connection: DuckDBPyConnection) -> tuple[dict[str, int], Json, list[str]]:
    found: set[str] = set()
    for group in ledger.groups:
        columns = [*group.columns.wide, *([group.columns.roles["status"]] if group.has("status") else [])]
        for value, kind in map(group.column, columns):
            query = f"SELECT DISTINCT {sql.said(value, kind)} AS w FROM {group.source()} LIMIT {MOST_WORDS + 1}"
            found |= _distinct(connection, query) if kind != "BOOLEAN" else set()
    states = {word: words.state_of(word) if word.strip() else words.State.PENDING for word in found}
    unknown = sorted(word for word, state in states.items() if state is words.State.UNKNOWN)
    asked = [f"what do these words of the ledger say, yes or no: {', '.join(unknown[:20])}? Nobody is counted by them"]
    shown: Json = {word: state.name.lower() for word, state in sorted(states.items())[:200]}
    return {word: int(state) for word, state in states.items()}, shown, asked if unknown else []


def _distinct(connection: DuckDBPyConnection, query: str) -> set[str]:
    return {str(row[0]) for row in connection.execute(query).fetchall() if row[0] is not None}


def _keyed(
    request: JsonObject, terms: Terms, sides: list[Side], connection: DuckDBPyConnection, notes: list[str]
) -> Terms:  # fmt: skip
    """Which side has the pseudonyms, and by which rule they were made: the one that fits, on a sample."""
    salt = request.get("salt")
    if not isinstance(salt, str):
        return terms
    share = {side.name: _pseudonyms(side, terms, connection) for side in sides}
    clear = [name for name, part in share.items() if part < 0.5]
    if len(clear) != 1:
        notes.append(
            "neither side has pseudonyms" if clear else "both sides have pseudonyms; they were joined as they are"
        )
        return terms
    best, most = terms, -1
    for rule in sql.HASH_RULES:
        tried = replace(terms, hash_rule=rule, salt=salt, hash_side=clear[0])
        fits = _fitting(tried, sides, connection)
        if fits > most:
            best, most = tried, fits
    return best


def _pseudonyms(side: Side, terms: Terms, connection: DuckDBPyConnection) -> float:
    group = side.groups[0]
    query = f"SELECT {_key(group, terms, '')} AS k FROM {group.source()} LIMIT 2000"
    row = connection.execute(
        f"SELECT avg(CAST(regexp_full_match(k, '[0-9a-fA-F]{{64}}') AS INTEGER)) FROM ({query})"
    ).fetchone()
    return float(row[0] or 0) if row else 0.0


def _fitting(terms: Terms, sides: list[Side], connection: DuckDBPyConnection) -> int:
    clear, other = (sides[0], sides[1]) if sides[0].name == terms.hash_side else (sides[1], sides[0])
    hashed, known = (_key(side.groups[0], terms, side.name) for side in (clear, other))
    sample = f"SELECT DISTINCT {hashed} AS k FROM (SELECT * FROM {clear.groups[0].source()} LIMIT 20000)"
    query = f"SELECT count(*) FROM ({sample}) WHERE k IN (SELECT {known} FROM {other.groups[0].source()})"
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _key(group: Group, terms: Terms, side: str) -> str:
    return terms.key(f"CAST({group.raw} AS VARCHAR)", side)


def _views(terms: Terms, sides: list[Side], connection: DuckDBPyConnection) -> list[Table]:
    manifest = [tables.manifest(group) for group in sides[0].groups]
    ledger = [part for group in sides[1].groups for part in tables.ledger(group, terms)]
    made = []
    for name, parts in ((MANIFEST, manifest), (LEDGER, ledger)):
        numbers = all(
            group.kinds[group.columns.roles["subject"]] in sql.INTEGERS for side in sides for group in side.groups
        )
        rows = [part if numbers else replace(part, parts={**part.parts, "raw": f"CAST({part.parts['raw']} AS VARCHAR)"})
                for part in parts]  # fmt: skip
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {' UNION ALL '.join(one.sql for one in rows)}")
        made.append(Table(name, terms.key("raw", name), tables.constants(parts)))
    return made


def _bases(sides: list[Side], connection: DuckDBPyConnection) -> list[str]:
    groups = [group for group in sides[0].groups if group.has("legal_basis")]
    found = sorted({word for group in groups for word in _distinct(connection, tables.bases_to_ask(group))})
    return [f"which legal bases are {', '.join(found)}? They were not taken as any"] if found else []


def _set_aside(sides: list[Side], connection: DuckDBPyConnection, trouble: Trouble) -> bool:
    """Leave out the files that cannot be read to their end, by name. False when all can."""
    import duckdb

    left_out = False
    for side in sides:
        for index, group in enumerate(side.groups):
            whole = []
            for file in group.files:
                try:
                    connection.execute(
                        f"SELECT count(COLUMNS(*)) FROM {Group([file], group.columns).source()}"
                    ).fetchall()
                    whole.append(file)
                except duckdb.Error as error:
                    trouble.add(file.name, sandbox.problem_text(error, str(Path(file.path).parent) + "/"))
                    left_out = True
            side.groups[index] = Group(whole, group.columns)
        side.groups = [group for group in side.groups if group.files]
    return left_out and all(side.groups for side in sides)


def _rejected(sides: list[Side], connection: DuckDBPyConnection, trouble: Trouble) -> None:
    """Rows of CSV that were left out, and lines that are no JSON, with their file."""
    groups = [group for side in sides for group in side.groups]
    called = {file.path: file.name for group in groups for file in group.files}
    if any(group.files[0].form == CSV for group in groups):
        query = """SELECT DISTINCT file_path, line, error_type FROM reject_errors e JOIN reject_scans s
            ON e.scan_id = s.scan_id AND e.file_id = s.file_id ORDER BY ALL LIMIT 1000"""
        for path, line, kind in connection.execute(query).fetchall():
            trouble.add(
                called.get(str(path), str(path)), f"was left out: {str(kind).lower().replace('_', ' ')}", int(line)
            )
    for group in groups:
        if group.files[0].form == LINES:
            query = f"SELECT count(*) FROM {group.source()} WHERE json IS NULL"
            row = connection.execute(query).fetchone()
            if row and row[0]:
                for file in group.files:
                    _first_broken(Path(file.path), file.name, trouble)


def _first_broken(path: Path, name: str, trouble: Trouble) -> None:
    with opened(path) as content:
        for number, line in enumerate(content, 1):
            if number > SCANNED:
                return
            try:
                json.loads(line)
            except ValueError:
                if line.strip():
                    trouble.add(name, "is no JSON; this line, and others of the kind, name nobody", number)
                    return


def _zones(sides: list[Side], connection: DuckDBPyConnection, notes: list[str]) -> None:
    """Name the first time without a zone: it counts as UTC, and leaves people open where the zone would matter."""
    for group in sides[1].groups:
        for role in ("at", "given_at", "withdrawn_at", "opted_out_at", "objected_at", "expires_at"):
            if not group.has(role):
                continue
            value, kind = group.value(role)
            query = f"SELECT {value} FROM {group.source()} WHERE {sql.zoneless(value, kind)} LIMIT 1"
            if row := connection.execute(query).fetchone():
                column = group.columns.roles[role]
                notes.append(
                    f"{group.files[0].name}: {column} has times without a zone (such as {row[0]}); taken as UTC"
                )
    if not any(role in group.columns.roles or group.columns.times for group in sides[1].groups
               for role in ("at", "given_at", "tc_string")):  # fmt: skip
        notes.append("the ledger has no times: what it says is taken to hold at the cut-off")


def main() -> None:
    """Serve one request."""
    sandbox.serve(work, largest_file=LARGEST_FILE)


if __name__ == "__main__":
    main()
