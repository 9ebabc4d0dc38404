"""Consent: people without a basis are counted exactly, whatever the form of ledger and manifest."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.runtime.examinations import ledgers
from tests.runtime.examinations.ledgers import GRANT, OBJECT, OPT_OUT, REFUSE, WITHDRAW, Person

MEANT = {"ai_training", "model_training", "training"}
PURPOSES = ("training", "model_training", "marketing")
DAYS = st.integers(-400, 200).filter(lambda day: day != 0)
EVENTS = st.lists(
    st.tuples(DAYS, st.sampled_from(PURPOSES), st.sampled_from((GRANT, WITHDRAW, OPT_OUT, OBJECT, REFUSE))),
    max_size=5, unique_by=lambda event: event[0],
)  # fmt: skip
PEOPLE = st.lists(
    st.builds(
        Person, key=st.integers(0, 10**6).map(lambda n: f"user-{n}"), events=EVENTS,
        records=st.lists(st.sampled_from(("photo", "text")), max_size=4), country=st.sampled_from(("DE", "US", "FR")),
        minor=st.booleans(),
    ), min_size=1, max_size=25, unique_by=lambda person: person.key,
)  # fmt: skip
QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def crowd(seed: int, size: int) -> list[Person]:
    """Many people, of whom most stand in the ledger."""
    rand = random.Random(seed)  # noqa: S311 - the same crowd each time
    return [
        Person(
            f"user-{n}",
            [(day, rand.choice(PURPOSES), rand.choice((GRANT, GRANT, GRANT, WITHDRAW, OPT_OUT, OBJECT, REFUSE)))
             for day in rand.sample([*range(-300, 0), *range(1, 100)], rand.randint(0, 4))],
            [rand.choice(("photo", "text")) for _ in range(rand.randint(0, 3))], rand.choice(("DE", "US", "FR")),
        ) for n in range(size)
    ]  # fmt: skip


def ledger_of(people: list[Person]) -> list[dict[str, object]]:
    """The event log, with one person more, so that it is never empty."""
    return ledgers.rows([*people, Person("somebody-else", [(-1, "training", GRANT)])])


@QUICK
@given(PEOPLE, st.sampled_from((".csv", ".jsonl", ".json", ".parquet", ".csv.gz", ".jsonl.gz")))
def test_an_event_log_gives_the_naive_count(reconciled, people: list[Person], form: str) -> None:
    """Grants, withdrawals, opt-outs, objections and refusals as rows of their own: each reason as counted by hand."""
    with tempfile.TemporaryDirectory() as made:
        names = ["record_id", "subject_id", "category", "country"]
        manifest = ledgers.write(Path(made) / f"manifest{form}", ledgers.manifest(people), names)
        answer = reconciled(manifest, ledgers.write(Path(made) / f"ledger{form}", ledger_of(people)))
    held = [person for person in people if person.records]
    known = [person for person in held if person.events]
    if held and len(known) * 5 < len(held):
        assert answer["without_basis"] is None
        assert answer["questions"]
    elif held:
        assert answer["by_reason"] == ledgers.naive(people, MEANT)
        assert answer["people"] == len(held)
        assert answer["without_basis"] == sum(answer["by_reason"].values())
        assert answer["join_rate"] == pytest.approx(len(known) / len(held), abs=1e-6)


def test_people_by_country_and_category_as_counted_by_hand(reconciled, tmp_path: Path) -> None:
    """People, not records: someone with two photos is one person of that category."""
    people = crowd(1, 400)
    manifest = ledgers.write(tmp_path / "m.parquet", ledgers.manifest(people))
    answer = reconciled(manifest, ledgers.write(tmp_path / "l.csv", ledger_of(people)))
    without = [person for person in people if person.records and ledgers.reason(person, MEANT)]
    for name in ("DE", "FR", "US"):
        assert answer["by_country"][name] == sum(person.country == name for person in without)
    for name in ("photo", "text"):
        assert answer["by_category"][name] == sum(name in person.records for person in without)
    assert answer["records_without_basis"] == sum(len(person.records) for person in without)
    assert answer["questions"] == []


def test_a_database_gives_the_same(reconciled, tmp_path: Path) -> None:
    """SQLite by its address; the address names the table."""
    people = crowd(2, 200)
    manifest = ledgers.write(tmp_path / "m.jsonl", ledgers.manifest(people))
    answer = reconciled(manifest, ledgers.database(tmp_path / "l.db", ledger_of(people)))
    assert answer["by_reason"] == ledgers.naive(people, MEANT)


def test_a_row_for_each_grant_with_the_times_that_ended_it(reconciled, tmp_path: Path) -> None:
    """given_at, withdrawn_at and objected_at in one row: the latest of them by the cut-off holds."""
    people = [
        Person("user-0", [(-9, "training", GRANT)], ["photo"]),
        Person("user-1", [(-9, "training", GRANT), (-3, "training", WITHDRAW)], ["photo"]),
        Person("user-2", [(-9, "training", GRANT), (3, "training", WITHDRAW)], ["photo"]),
        Person("user-3", [(-9, "training", GRANT), (-2, "training", OBJECT)], ["photo"]),
        Person("user-4", [(9, "training", GRANT)], ["photo"]),
        Person("user-5", [(-9, "marketing", GRANT)], ["photo"]),
    ]
    column = {GRANT: "given_at", WITHDRAW: "withdrawn_at", OBJECT: "objected_at"}
    table: list[dict[str, object]] = [
        {"subject": p.key, "purpose": p.events[0][1]}  # type: ignore[misc]
        | {column[word]: ledgers.at(day).isoformat() for day, _, word in p.events}
        for p in people
    ]  # fmt: skip
    for form in ("l.csv", "l.jsonl", "l.parquet"):
        names = ["subject", "purpose", "given_at", "withdrawn_at", "objected_at"]
        ledger = ledgers.write(tmp_path / form, table, names)
        answer = reconciled(ledgers.write(tmp_path / "m.csv", ledgers.manifest(people)), ledger)
        assert answer["by_reason"] == ledgers.naive(people, MEANT)


def test_a_column_for_each_purpose(reconciled, tmp_path: Path) -> None:
    """A wide table: the column of a mapped purpose is read with its own time, the others are not."""
    table: list[dict[str, object]] = [
        {"email": "A@x.org", "marketing": "yes", "model_training": "yes", "updated_at": "2026-01-01T00:00:00Z"},
        {"email": "b@x.org", "marketing": "yes", "model_training": "no", "updated_at": "2026-01-01T00:00:00Z"},
        {"email": "c@x.org", "marketing": "no", "model_training": "", "updated_at": "2026-01-01T00:00:00Z"},
        {"email": "d@x.org", "marketing": "no", "model_training": "yes", "updated_at": "2026-06-01T00:00:00Z"},
    ]
    manifest = ledgers.write(tmp_path / "m.csv", [{"id": n, "email": f"{who}@x.org"} for n, who in enumerate("aabcd")])
    answer = reconciled(manifest, ledgers.write(tmp_path / "l.csv", table))
    assert answer["by_reason"] == {"granted_after": 1, "never_asked": 1, "refused": 1}
    assert (answer["people"], answer["records"]) == (4, 5)


def test_consent_strings_of_the_tcf(reconciled, tmp_path: Path) -> None:
    """A bit for each purpose, as of the string's last update."""
    table: list[dict[str, object]] = [
        {"user_id": "a", "tc_string": ledgers.tcf({1, 10}, -5)}, {"user_id": "b", "tc_string": ledgers.tcf({1}, -5)},
        {"user_id": "c", "tc_string": ledgers.tcf({10}, 5)}, {"user_id": "d", "tc_string": "not one"},
    ]  # fmt: skip
    manifest = ledgers.write(tmp_path / "m.csv", [{"id": n, "user_id": who} for n, who in enumerate("abcd")])
    answer = reconciled(manifest, ledgers.write(tmp_path / "l.csv", table), purpose="ai_training=tcf:10")
    assert answer["by_reason"] == {"granted_after": 1, "refused": 1}
    assert answer["undecided"] == 1


def test_receipts_of_iso_27560_and_dpv(reconciled, tmp_path: Path) -> None:
    """Receipts one to a file: a record with processing and events, and JSON-LD with a consent status."""
    iso = {
        "schema_version": "1", "record_id": "r1", "pii_principal_id": "a",
        "pii_processing": [{"purposes": [{"purpose": "model_training", "lawful_basis": "consent"}]}],
        "event": [
            {"event_time": "2026-01-01T00:00:00Z", "event_state": "consent given"},
            {"event_time": "2026-02-01T00:00:00Z", "event_state": "consent withdrawn"},
        ],
    }  # fmt: skip
    dpv = {
        "@context": "https://w3id.org/dpv", "dpv:hasDataSubject": {"@id": "ex:b"},
        "dpv:hasPurpose": {"@id": "ex:training"},
        "dpv:hasConsentStatus": {"@id": "dpv:ConsentGiven"}, "dct:created": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    (tmp_path / "receipts").mkdir()
    (tmp_path / "receipts" / "1.json").write_text(json.dumps(iso))
    (tmp_path / "receipts" / "2.jsonld").write_text(json.dumps(dpv, indent=1))
    manifest = ledgers.write(tmp_path / "m.csv", [{"id": 1, "subject": "a"}, {"id": 2, "subject": "ex:b"}])
    answer = reconciled(manifest, tmp_path / "receipts")
    assert answer["by_reason"] == {"withdrawn": 1}, answer
    assert answer["people"] == 2


@pytest.mark.parametrize("rule", ["prefix", "suffix", "hmac"])
def test_pseudonyms_are_joined_by_the_rule_that_is_given(reconciled, tmp_path: Path, rule: str) -> None:
    """The manifest has salted hashes, the ledger addresses: without the rule nothing is counted, with it everything."""
    people = crowd(3, 100)
    made = {
        "prefix": lambda key: hashlib.sha256(f"pepper{key}".encode()).hexdigest(),
        "suffix": lambda key: hashlib.sha256(f"{key}pepper".encode()).hexdigest(),
        "hmac": lambda key: hmac.new(b"pepper", key.encode(), "sha256").hexdigest(),
    }[rule]
    rows = [row | {"subject_id": made(row["subject_id"])} for row in ledgers.manifest(people)]
    manifest, ledger = ledgers.write(tmp_path / "m.jsonl", rows), ledgers.write(tmp_path / "l.csv", ledger_of(people))
    blind = reconciled(manifest, ledger)
    assert blind["without_basis"] is None
    assert "pseudonyms" in blind["questions"][0]
    answer = reconciled(manifest, ledger, key="user_id=sha256:pepper")
    assert answer["by_reason"] == ledgers.naive(people, MEANT)
    assert "pepper" not in json.dumps(answer)


def test_an_opt_out_regime_counts_who_said_no(reconciled, tmp_path: Path) -> None:
    """Where silence is a basis, only people who opted out or objected are without one."""
    people = [Person("a", [(-3, "training", OPT_OUT)], ["x"]), Person("b", [(3, "training", OPT_OUT)], ["x"]),
              Person("c", [], ["x"])]  # fmt: skip
    manifest = ledgers.write(tmp_path / "m.csv", ledgers.manifest(people))
    answer = reconciled(manifest, ledgers.write(tmp_path / "l.csv", ledgers.rows(people)), regime="opt-out")
    assert answer["by_reason"] == {"opted_out": 1}


def test_many_files_and_headers_are_one_manifest(reconciled, tmp_path: Path) -> None:
    """Files of a folder in several forms, with the person's column under another name in one of them."""
    people = crowd(4, 90)
    (tmp_path / "m").mkdir()
    rows = ledgers.manifest(people)
    ledgers.write(tmp_path / "m" / "1.parquet", rows[::3])
    ledgers.write(tmp_path / "m" / "2.csv.gz", [{"person": row["subject_id"], "id": 1} for row in rows[1::3]])
    ledgers.write(tmp_path / "m" / "3.jsonl", rows[2::3])
    answer = reconciled(tmp_path / "m", ledgers.write(tmp_path / "l.parquet", ledger_of(people)))
    assert answer["by_reason"] == ledgers.naive(people, MEANT)
    assert answer["records"] == len(rows)
    assert len(answer["mapping"]["columns"]["manifest"]) == 3
