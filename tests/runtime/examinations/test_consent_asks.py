"""Consent: what is not clear is asked and never counted; what cannot be read is named with its file and row."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from tests.runtime.examinations.ledgers import CUT_OFF, write

from firedoor.core.problems import InvalidInput
from firedoor.runtime.examinations.consent.reconcile import Wanted, reconcile

EVENTS = "user_id,purpose,event,timestamp\n"
DAY = "2026-01-01T00:00:00Z"


@pytest.fixture
def given(tmp_path: Path):
    """A manifest of the people a to e, and a ledger of the given text."""
    manifest = write(tmp_path / "m.csv", [{"id": n, "user_id": who} for n, who in enumerate("abcde")])

    def files(ledger: str | bytes, name: str = "l.csv") -> tuple[Path, Path]:
        file = tmp_path / name
        file.write_bytes(ledger if isinstance(ledger, bytes) else ledger.encode())
        return manifest, file

    return files


def events(*rows: str) -> str:
    """An event log in which a to e have agreed, and further rows."""
    agreed = [f"{who},training,granted,{DAY}" for who in "abcde"]
    return EVENTS + "\n".join([*agreed, *rows]) + "\n"


def test_a_wrong_purpose_is_asked(reconciled, given) -> None:
    """No word of the ledger is mapped: the question names its words, and there is no count."""
    answer = reconciled(*given(events()), purpose="ai_learning")
    assert answer["without_basis"] is None
    assert "training" in answer["questions"][0]


def test_an_unmapped_purpose_counts_for_nobody(reconciled, given) -> None:
    """A person whose only yes is to a purpose that nobody explained hangs on that question."""
    ledger = events().replace("e,training", "e,model_improvement")
    answer = reconciled(*given(ledger))
    assert (answer["without_basis"], answer["undecided"]) == (0, 1)
    assert "model_improvement" in answer["questions"][0]
    assert reconciled(*given(ledger), other_purposes=["model_improvement"])["by_reason"] == {"other_purpose_only": 1}
    assert reconciled(*given(ledger), purpose="x=training,model_improvement")["questions"] == []


def test_a_state_in_a_word_that_nobody_knows_is_asked(reconciled, given) -> None:
    """`zugestimmt` may be yes or no."""
    answer = reconciled(*given(events("a,training,zugestimmt,2026-02-01T00:00:00Z")))
    assert (answer["without_basis"], answer["undecided"]) == (0, 1)
    assert any("zugestimmt" in one for one in answer["questions"])


@pytest.mark.parametrize(
    "header", ["who,purpose,event,timestamp", "user_id,email,purpose,event,timestamp", "user_id,what,how"]
)
def test_a_column_that_is_unknown_or_ambiguous_is_asked(reconciled, given, header: str) -> None:
    """The question names the columns, and the option that answers it."""
    answer = reconciled(*given(f"{header}\n{','.join('a' for _ in header.split(','))}\n"))
    assert answer["people"] is answer["without_basis"] is None
    assert any("--column ledger." in one for one in answer["questions"])


def test_a_column_that_is_named_is_read(reconciled, given) -> None:
    """`--column` answers the question."""
    ledger = events().replace("user_id,", "who,")
    assert reconciled(*given(ledger), columns=["ledger.subject=who"])["without_basis"] == 0


def test_keys_that_do_not_fit_give_no_count(reconciled, given) -> None:
    """One in five must be found; fewer is a question."""
    rows = "".join(f"user-{n},training,granted,{DAY}\n" for n in range(50))
    answer = reconciled(*given(EVENTS + rows))
    assert answer["join_rate"] == 0
    assert answer["without_basis"] is None
    assert answer["questions"]


def test_a_key_of_a_form_that_the_ledger_never_has_is_no_person_without_consent(reconciled, tmp_path, given) -> None:
    """A few addresses among user numbers: who they are is unknown, and the range says so."""
    _, ledger = given(events())
    mixed = write(tmp_path / "mixed.csv", [{"id": n, "user_id": who} for n, who in enumerate([*"abcde", "x@y.org"])])
    answer = reconciled(mixed, ledger)
    assert answer["by_reason"] == {}
    assert answer["undecided_by"] == {"foreign_key": 1}
    assert answer["unknown_subjects"] == [0, 1]


def test_contradictory_entries_of_one_instant_are_asked(reconciled, given) -> None:
    """Yes and no at the same instant: neither; the same entry twice is no contradiction."""
    answer = reconciled(*given(events(f"a,training,withdrawn,{DAY}", f"b,training,granted,{DAY}")))
    assert answer["undecided_by"] == {"contradictory": 1}
    assert answer["without_basis"] == 0


def test_a_time_without_a_zone_matters_only_near_the_cut_off(reconciled, given) -> None:
    """A day away it is decided whatever the zone; within it the person is open. Both are told."""
    far = reconciled(*given(events("a,training,withdrawn,2026-02-01T00:00:00")))
    near = reconciled(*given(events("a,training,withdrawn,2026-04-30T20:00:00")))
    assert far["by_reason"] == {"withdrawn": 1}
    assert "without a zone" in far["notes"][0]
    assert near["undecided_by"] == {"time": 1}


def test_a_time_that_cannot_be_read_leaves_the_person_open(reconciled, given) -> None:
    """`last spring` is no instant."""
    assert reconciled(*given(events("a,training,withdrawn,last spring")))["undecided_by"] == {"time": 1}


def test_an_opt_out_without_its_time_is_asked(reconciled, given) -> None:
    """The only time is that of the grant: whether the no came before the cut-off is unknown."""
    ledger = "user_id,purpose,status,given_at\n" + "".join(
        f"{who},training,{'opted_out' if who == 'a' else 'active'},{DAY}\n" for who in "abcde"
    )
    answer = reconciled(*given(ledger))
    assert answer["undecided_by"] == {"undated": 1}
    assert reconciled(*given(ledger), columns=["ledger.at=given_at"])["by_reason"] == {"opted_out": 1}


def test_minors_are_counted_unless_a_guardian_agreed(reconciled, given) -> None:
    """A flag, or an age below 18."""
    ledger = EVENTS.replace("\n", ",minor,guardian\n") + "".join(
        f"{who},training,granted,{DAY},{who in 'ab'},{who == 'b'}\n" for who in "abcde"
    )
    assert reconciled(*given(ledger))["by_reason"] == {"minor": 1}


def test_another_legal_basis_stands_until_an_objection(reconciled, tmp_path, given) -> None:
    """What the manifest says of its basis is taken, except where the person objected."""
    _, ledger = given(events("b,training,objected,2026-02-01T00:00:00Z"))
    rows = [{"id": n, "user_id": who, "legal_basis": "legitimate interest"} for n, who in enumerate(["a", "b", "new"])]
    assert reconciled(write(tmp_path / "basis.csv", rows), ledger)["by_reason"] == {"objected": 1}


def test_records_that_name_nobody_are_a_range(reconciled, tmp_path, given) -> None:
    """An empty subject may be anybody; `null` in a JSON document says that there is nobody."""
    _, ledger = given(events())
    document = {"records": [{"record": 1, "subject": "a"}, {"record": 2, "subject": None}, {"record": 3}]}
    (tmp_path / "doc.json").write_text(json.dumps(document))
    answer = reconciled(tmp_path / "doc.json", ledger)
    assert (answer["records"], answer["unknown_subjects"], answer["about_nobody"]) == (3, [0, 1], 1)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("broken.parquet", b"PAR1 and then nothing", "parquet"), ("named.parquet", b"a,b\n1,2\n", "Parquet"),
        ("latin.csv", "user_id\nMüller\n".encode("latin-1"), "encoding"), ("empty.csv", b"", "empty"),
        ("wide.csv", "user_id\na\n".encode("utf-16"), "UTF-16"),
        ("long.csv", b"user_id,x\na," + b"x" * 20_000_000, "line size"),
        ("no_header.csv", b"a@x.org,2026-01-01\n", "header"), ("bad.jsonl", b'{"user_id": "a"}\n{broken\n', "JSON"),
        ("short.csv", b"user_id,x\na,1\nb\n", "missing columns"), ("half.json", b'{"records": [{"user_id": ', "JSON"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_and_the_answer_is_partial(
    reconciled, tmp_path, given, name, content, said
) -> None:
    """Bad files among good ones: the others are counted, and the answer says that it is partial."""
    manifest, ledger = given(events())
    (tmp_path / name).write_bytes(content)
    answer = reconciled([manifest, tmp_path / name], ledger)
    told = [one for one in answer["problems"] if said.lower() in one["message"].lower()]
    assert told, answer["problems"]
    assert told[0]["file"].endswith(name)
    assert answer["partial"] is True
    assert "partial" in answer["questions"][-1]
    assert answer["people"] == 5
    assert "x.org" not in json.dumps(answer["problems"])


def test_the_row_is_named_where_a_row_is_wrong(reconciled, tmp_path, given) -> None:
    """Line numbers count from 1, with the header."""
    manifest, ledger = given(events())
    (tmp_path / "short.csv").write_bytes(b"user_id,x\na,1\nb\n")
    assert reconciled([manifest, tmp_path / "short.csv"], ledger)["problems"][0]["row"] == 3


def test_links_and_archives_are_not_opened(reconciled, tmp_path, given) -> None:
    """A link out of the folder, and a zip: both are named."""
    manifest, ledger = given(events())
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "m.csv").write_bytes(manifest.read_bytes())
    (tmp_path / "folder" / "passwd.csv").symlink_to("/etc/passwd")
    with zipfile.ZipFile(tmp_path / "folder" / "m.zip", "w") as packed:
        packed.writestr("m.csv", "user_id\nz\n")
    answer = reconciled(tmp_path / "folder", ledger)
    assert answer["people"] == 5
    assert {Path(one["file"]).name for one in answer["problems"]} == {"passwd.csv", "m.zip"}


def test_no_rows_is_a_question(reconciled, tmp_path, given) -> None:
    """A header alone is probably the wrong file."""
    _, ledger = given(events())
    (tmp_path / "none.csv").write_text("user_id,x\n")
    assert "no records" in reconciled(tmp_path / "none.csv", ledger)["questions"][0]


def test_a_name_of_a_file_is_no_pattern_and_no_sql(reconciled, tmp_path, given) -> None:
    """Stars and quotes in a name are what they are."""
    manifest, ledger = given(events())
    odd = tmp_path / "m*'; DROP TABLE x; --.csv"
    odd.write_bytes(manifest.read_bytes())
    assert reconciled(odd, ledger)["people"] == 5


def test_the_process_has_no_network_and_answers_the_same(given) -> None:
    """The real thing: a process of its own."""
    manifest, ledger = given(events("a,training,withdrawn,2026-02-01T00:00:00Z"))
    heard: list[object] = []
    answer = reconcile(Wanted([str(manifest)], [str(ledger)], "ai_training=training", CUT_OFF), heard.append)
    assert answer["by_reason"] == {"withdrawn": 1}
    assert answer["isolation"] in ("namespace", "hook")
    assert heard


def test_a_rule_for_a_key_that_does_not_exist_is_refused(given) -> None:
    """So are a time without a zone, and a role that no column has."""
    manifest, ledger = ([str(one)] for one in given(events()))
    for more in ({"key": "user_id=rot13:x"}, {"columns": ["ledger.colour=x"]}, {"as_of": CUT_OFF.replace(tzinfo=None)}):
        with pytest.raises(InvalidInput):
            reconcile(Wanted(**{"manifest": manifest, "ledger": ledger, "purpose": "x", "as_of": CUT_OFF} | more))
