from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.command import Firedoor, Said, _firedoor  # noqa: F401 - a fixture
from tests.tampering import unguarded_file

from firedoor.interfaces.cli.terminal import render

LEAK = "model-data-leakage"
ONE = "INC-2026-0001"


@pytest.fixture(name="incident")
def _incident(firedoor: Firedoor) -> str:
    """An open incident, opened by hand."""
    said = firedoor("run", LEAK, "--why", "a customer called", "--title", "Somebody else's chat")
    assert said.code == 0, said.err
    return said.out.strip()


def confirmed(firedoor: Firedoor, incident: str) -> Said:
    """Answer until the incident is confirmed, so that the legal clocks start."""
    firedoor("answer", incident, "T1", "other_user", "--why", "seen")
    return firedoor("answer", incident, "T2", "yes", "--why", "compared by hash")


def test_run_prints_the_id_and_nothing_else(firedoor: Firedoor) -> None:
    """A script can keep what stands on standard output."""
    said = firedoor("run", LEAK, "--fact", "people_affected=1..500")
    assert said.code == 0
    assert said.out.startswith("INC-")
    assert len(said.out.split()) == 1


def test_without_a_server_the_command_says_so(firedoor: Firedoor) -> None:
    """It works all the same; the note goes to standard error, where no script reads it."""
    said = firedoor("incidents")
    assert (said.code, "no server is running" in said.err, "no open incident" in said.out) == (0, True, True)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("run", "no-such-playbook"), 1, "no playbook is called"),
        (("run", LEAK, "--fact", "people_affected"), 1, "there is no ="),
        (("run", LEAK, "--fact", "=5"), 1, "no name before the ="),
        (("run", LEAK, "--fact", "people_affected=many"), 1, "expected a whole number"),
        (("run", LEAK, "--fact", "peple_affected=5"), 1, 'did you mean "people_affected"'),
        (("run", LEAK, "--facts", "/nowhere/facts.yaml"), 1, "cannot be read"),
        (("run", "/nowhere/own.yaml"), 1, "is not a file"),
        (("run", "playbooks/parts/governance.yaml"), 1, "is a part"),
        (("run", "playbooks/parts/governance.yaml", "--dry-run"), 1, "unauthorized-training"),
        (("run", LEAK, "--fact", "aware_at=0001-01-01T00:00:00Z"), 1, "no time is given"),
        (("run", LEAK, "--fact", "aware_at=2199-01-01T00:00:00Z"), 1, "ten years ahead"),
        (("status", "INC-1999-0001"), 1, "there is no incident INC-1999-0001"),
        (("timeline", "nonsense"), 1, "there is no incident nonsense"),
        (("status", "INC-2026-0001/../../tokens"), 1, "there is no incident"),
        (("journal", "../tokens"), 1, "there is no incident"),
        (("token", "revoke", "../incidents"), 1, ""),
        (("evidence", "add", "INC-1999-0001", "/dev/zero"), 1, "is larger than"),
        (("evidence", "add", "INC-1999-0001", "/"), 1, "cannot be read"),
        (("run", LEAK, "--title", "x" * 5000), 1, "at most 200"),
        (("evidence", "list", "INC-1999-0001"), 1, "there is no incident"),
        (("answer", "INC-1999-0001", "T1", "yes", "--why", "x"), 1, "there is no incident"),
        (("journal", "verify", "INC-1999-0001"), 1, "there is no incident"),
        (("token", "create", "--role", "Bad Role!"), 1, "is no role"),
        (("token", "revoke", "deadbeef"), 1, "no live token"),
        (("alert", "start", "77", LEAK, "--why", "x"), 1, "there is no alert 77"),
        (("alert", "send", "--source", "nosuch", "--file", __file__), 1, "no source of alerts"),
        (("alert", "send", "--source", "alertmanager", "--file", __file__), 1, ""),
        (("facts", "INC-1999-0001", "set", "a=b", "--why", "x"), 1, "there is no incident"),
    ],
)
def test_wrong_words_are_answered_in_words(firedoor: Firedoor, words: tuple[str, ...], code: int, says: str) -> None:
    """Each names what is wrong, has its exit code, and opens nothing."""
    said = firedoor(*words)
    assert said.code == code, said
    assert says in " ".join(said.err.split())
    assert firedoor("incidents", "--all", "--format", "json").json["incidents"] == []


def test_every_fact_that_is_wrong_is_named_at_once(firedoor: Firedoor) -> None:
    """Nobody has to try twice to learn of the second mistake."""
    said = firedoor("run", LEAK, "--fact", "people_affected=many", "--fact", "severity=awful")
    assert "people_affected" in said.err
    assert "severity" in said.err


def test_facts_come_from_a_file(firedoor: Firedoor, tmp_path: Path) -> None:
    """YAML and the option together; the option wins."""
    file = tmp_path / "facts.yaml"
    file.write_text("people_affected: 1..500\nseverity: low\n")
    incident = firedoor("run", LEAK, "--facts", file, "--fact", "severity=high").out.strip()
    facts = {fact["name"]: fact["value"] for fact in firedoor("facts", incident, "--format", "json").json["facts"]}
    assert (facts["people_affected"], facts["severity"]) == ({"min": 1, "max": 500}, "high")


def test_a_dry_run_tells_and_opens_nothing(firedoor: Firedoor) -> None:
    """What would be done at once and what after a person is told; no incident is there afterwards."""
    said = firedoor("run", LEAK, "--dry-run")
    assert "nothing was started" in said.out
    assert "AFTER A PERSON" in said.out
    assert firedoor("incidents", "--all", "--format", "json").json["incidents"] == []


def test_status_shows_who_is_asked_and_how_to_answer(firedoor: Firedoor, incident: str) -> None:
    """The page has the task, the choices, and until when."""
    said = firedoor("status", incident)
    assert "OPEN TASKS" in said.out
    assert "commander" in said.out
    assert "in 29 min" in said.out or "in 30 min" in said.out


@pytest.mark.parametrize("command", ["status", "timeline", "facts", "tasks", "clocks", "journal", "evidence list"])
def test_every_view_has_json(firedoor: Firedoor, incident: str, command: str) -> None:
    """Programs read each view; it names its incident."""
    shown = firedoor(*command.split(), incident, "--format", "json").json
    assert incident in (shown.get("incident"), shown.get("id"))


def test_a_pipe_gets_no_colours(firedoor: Firedoor, incident: str) -> None:
    """Nothing but text stands in what a program reads."""
    assert "\x1b" not in firedoor("status", incident).out


def test_hashes_and_locators_are_kept_without_content(firedoor: Firedoor, incident: str) -> None:
    """What must never be brought here is known by its hash and its place; without both it is refused."""
    words = ("evidence", "point", incident, "--name", "the reported post", "--why", "named in the request")
    assert firedoor(*words, "--hash", "ab" * 32, "--locator", "post/8812").code == 0
    assert "the reported post" in firedoor("evidence", "list", incident).out
    refused = firedoor(*words)
    assert (refused.code, "E108" in refused.err) == (1, True)


def test_an_answer_starts_the_clocks(
    firedoor: Firedoor, incident: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the commander's yes the 72 hours of GDPR Art 33(1) run, and the command shows them."""
    profile = tmp_path / "organisation.yaml"
    profile.write_text(
        "name: X\nfacts: {established_in: [DE], member_state: DE, controller: yes, time_zone: Europe/Berlin}\n"
    )
    monkeypatch.setenv("FIREDOOR_ORGANISATION", str(profile))
    assert confirmed(firedoor, incident).code == 0
    for clocks in (firedoor("clocks", incident), firedoor("clocks")):
        assert "eu.gdpr.art33.sa" in clocks.out
        assert "in 71 h 59 min" in clocks.out
    assert "Tell the supervisory authority" in firedoor("clocks", "--format", "ics").out
    firedoor("run", LEAK, "--why", "another one")
    listed = [line.split()[0] for line in firedoor("incidents").out.splitlines()[1:]]
    assert listed == [ONE, "INC-2026-0002"]
    assert "in 71 h 59 min" in firedoor("incidents").out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("T1", "maybe", "--why", "x"), 1, "is not an answer to T1"),
        (("T1", "other_user"), 1, "a reason is needed"),
        (("T1", "other_user", "--why", " "), 1, "a reason is needed"),
        (("T9", "yes", "--why", "x"), 1, 'has no task "T9"'),
        (("T1", "other_user", "--why", "x", "--fact", "nonsense=1"), 1, 'no fact is called "nonsense"'),
        (("T1", "other_user", "--why", "x", "--field", "alone"), 1, "there is no ="),
    ],
)
def test_an_answer_that_does_not_fit_changes_nothing(
    firedoor: Firedoor, incident: str, words: tuple[str, ...], code: int, says: str
) -> None:
    """It is refused with its reason, and the task waits as before."""
    said = firedoor("answer", incident, *words)
    assert (said.code, says in " ".join(said.err.split())) == (code, True), said
    assert [task["state"] for task in firedoor("tasks", incident, "--format", "json").json["tasks"]] == ["open"]


def test_a_second_answer_is_refused(firedoor: Firedoor, incident: str) -> None:
    """The state forbids it: exit code 3, and who answered first is named."""
    firedoor("answer", incident, "1", "other_user", "--why", "seen")
    said = firedoor("answer", incident, "1", "other_user", "--why", "seen")
    assert (said.code, "was answered by" in said.err) == (3, True)


def test_facts_are_set_with_a_reason(firedoor: Firedoor, incident: str) -> None:
    """The new value is shown; without a reason nothing is changed."""
    assert firedoor("facts", incident, "set", "people_affected=20..60").code == 1
    assert firedoor("facts", incident, "set", "people_affected=20..60", "--why", "counted").code == 0
    assert "20 to 60" in firedoor("facts", incident).out


HOW = ("--channel", "the portal", "--sent-at", "now")


def test_a_clock_is_not_submitted_without_a_reference(
    firedoor: Firedoor, incident: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A submission without a receipt is a claim: refused. With one, it stands under custody as it was sent."""
    profile = tmp_path / "organisation.yaml"
    profile.write_text(
        "name: X\nfacts: {established_in: [DE], member_state: DE, controller: yes, time_zone: Europe/Berlin}\n"
    )
    monkeypatch.setenv("FIREDOOR_ORGANISATION", str(profile))
    confirmed(firedoor, incident)
    assert firedoor("submit", incident, "eu.gdpr.art33.sa").code == 1
    sent = tmp_path / "sent.txt"
    sent.write_text("as it was sent")
    said = firedoor("submit", incident, "eu.gdpr.art33.sa", "--receipt", "LDA-1", "--file", sent, *HOW)
    clocks = {clock["id"]: clock["state"] for clock in firedoor("clocks", incident, "--format", "json").json["clocks"]}
    assert (said.code, clocks["eu.gdpr.art33.sa"]) == (0, "submitted")
    assert "as sent for eu.gdpr.art33.sa" in firedoor("evidence", "list", incident).out


def test_a_file_is_kept_as_evidence(firedoor: Firedoor, incident: str, tmp_path: Path) -> None:
    """Its SHA-256 is shown, and it is listed under its name."""
    file = tmp_path / "mail.txt"
    file.write_text("a customer wrote")
    said = firedoor("evidence", "add", incident, file, "--why", "first report")
    assert said.code == 0
    assert "mail.txt" in firedoor("evidence", "list", incident).out
    assert firedoor("evidence", "add", incident, tmp_path / "none").code == 1


def test_the_journal_is_shown_and_whole(firedoor: Firedoor, incident: str) -> None:
    """Every entry has its number and hash; the chain holds."""
    entries = firedoor("journal", incident, "--format", "json").json["entries"]
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert "incident.opened" in firedoor("journal", incident).out
    assert firedoor("journal", "verify").code == 0
    assert firedoor("journal", "verify", incident, "--format", "json").json["holds"] is True


def test_an_altered_entry_is_named(firedoor: Firedoor, incident: str, tmp_path: Path) -> None:
    """Somebody changes a line in the database: exit code 1, and the entry's number."""
    with sqlite3.connect(tmp_path / "data" / "firedoor.db") as database:
        unguarded_file(database).execute("UPDATE entry SET actor = 'person:nobody' WHERE seq = 3")
    said = firedoor("journal", "verify")
    assert said.code == 1
    assert f"{incident}  BROKEN  entry 3 was altered" in said.out


@pytest.mark.parametrize("form", ["html", "md", "json"])
def test_the_report_is_written_to_a_file(firedoor: Firedoor, incident: str, tmp_path: Path, form: str) -> None:
    """Each form names the incident; a folder that does not exist is told in words."""
    file = tmp_path / f"report.{form}"
    assert firedoor("report", incident, "--format", form, "--out", file).code == 0
    assert incident in file.read_text()
    assert firedoor("report", incident, "--out", tmp_path / "no" / "where").code == 1


def test_a_token_is_shown_once_and_revoked(firedoor: Firedoor, tmp_path: Path) -> None:
    """The list holds nothing secret; what was revoked is marked."""
    assert firedoor("account", "create", "jonas", "--role", "dpo", "--no-password").code == 0
    made = firedoor("token", "create", "--role", "dpo", "--account", "jonas")
    listed = firedoor("token", "list", "--format", "json").json["tokens"]
    assert made.out.strip().startswith("fd_")
    assert made.out.strip() not in json.dumps(listed)
    assert firedoor("token", "revoke", listed[0]["id"]).code == 0
    assert "revoked" in firedoor("token", "list").out


def test_somebody_else_s_token_is_them(firedoor: Firedoor, incident: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """FIREDOOR_TOKEN decides who acts: a DPO may not answer for the commander, and exit code 3 says so."""
    assert firedoor("account", "create", "jonas", "--role", "dpo", "--no-password").code == 0
    made = firedoor("token", "create", "--role", "dpo", "--account", "jonas").out.strip()
    monkeypatch.setenv("FIREDOOR_TOKEN", made)
    said = firedoor("answer", incident, "T1", "other_user", "--why", "seen")
    assert (said.code, "is for commander" in said.err) == (3, True)
    monkeypatch.setenv("FIREDOOR_TOKEN", "fd_unknown")
    assert firedoor("status", incident).code == 3


def test_an_alert_is_parsed_without_any_effect_and_sent_with_one(firedoor: Firedoor, tmp_path: Path) -> None:
    """`parse` foretells and opens nothing; `send` starts one incident, and the second delivery is a duplicate of it."""
    file = Path(__file__).parents[2] / "src" / "firedoor" / "demo" / "alert.json"
    parsed = firedoor("alert", "parse", "--source", "alertmanager", "--file", file)
    assert (parsed.code, "would start  model-data-leakage" in parsed.out) == (0, True)
    assert firedoor("incidents", "--format", "json").json["incidents"] == []
    first = firedoor("alert", "send", "--source", "alertmanager", "--file", file)
    again = firedoor("alert", "send", "--source", "alertmanager", "--file", file)
    assert (first.out.split()[:1], again.out.split()[:1]) == (["start"], ["duplicate"])
    assert "chat-large" in firedoor("alert", "list").out


@pytest.mark.parametrize("source", ["alertmanager", "cloudevents", "generic", "presidio"])
def test_every_source_s_own_example_is_read_and_taken(firedoor: Firedoor, source: str) -> None:
    """The file that ships with a source is parsed, and sent with the media type that the source has."""
    folder = Path(__file__).parents[2] / "src" / "firedoor" / "alerts" / "examples"
    file = folder / f"{source}.json"
    assert firedoor("alert", "parse", "--source", source, "--file", file, "--format", "json").json["alerts"]
    assert firedoor("alert", "send", "--source", source, "--file", file).code == 0


def test_a_mapping_makes_a_source(firedoor: Firedoor, tmp_path: Path) -> None:
    """A file under `mappings` is a source by its own name; without it the name is unknown."""
    body = tmp_path / "body.json"
    body.write_text('{"ticket": "T-1", "headline": "it answered with somebody else\'s letter"}')
    words = ("alert", "parse", "--source", "help-desk", "--file", body)
    assert "no source of alerts is called" in firedoor(*words).err
    (tmp_path / "data" / "mappings").mkdir(parents=True)
    mapping = "source: help-desk\nfields: {id: /ticket, title: /headline}\n"
    (tmp_path / "data" / "mappings" / "help-desk.yaml").write_text(mapping)
    assert "somebody else's letter" in firedoor(*words).out


@pytest.fixture(name="folder")
def _folder(firedoor: Firedoor, incident: str, tmp_path: Path) -> Path:
    """An exported incident."""
    said = firedoor("evidence", "export", incident, tmp_path / "out", "--why", "for the auditor")
    assert said.code == 0, said
    return tmp_path / "out"


def test_an_outsider_verifies_what_was_exported(firedoor: Firedoor, folder: Path) -> None:
    """With the command, and without Firedoor, by the program that lies in the folder."""
    assert firedoor("evidence", "verify", folder).out.startswith("intact")
    program = [sys.executable, "-I", "verify_journal.py", "journal.jsonl"]
    assert subprocess.run(program, cwd=folder, capture_output=True, check=False).returncode == 0
    assert "for the auditor" in firedoor("timeline", "INC-2026-0001").out


def altered_piece(folder: Path) -> None:
    next((folder / "evidence").iterdir()).write_text("something else")


def missing_piece(folder: Path) -> None:
    next((folder / "evidence").iterdir()).unlink()


def added_piece(folder: Path) -> None:
    (folder / "evidence" / "more.txt").write_text("nobody kept this")


def altered_entry(folder: Path) -> None:
    file = folder / "journal.jsonl"
    file.write_text(file.read_text().replace("a customer called", "nobody called"))


def cut_off_end(folder: Path) -> None:
    file = folder / "journal.jsonl"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (altered_piece, "was altered"),
        (missing_piece, "is missing"),
        (added_piece, "is in no entry"),
        (altered_entry, "entry 1 was altered"),
        (cut_off_end, "is the last entry"),
    ],
)
def test_whatever_was_changed_in_a_folder_is_named(
    firedoor: Firedoor, folder: Path, harm: Callable[[Path], None], says: str
) -> None:
    """A piece, an entry, or the end of the journal: exit code 1, and what it is."""
    harm(folder)
    said = firedoor("evidence", "verify", folder)
    assert (said.code, says in said.out) == (1, True), said


def test_an_export_overwrites_nothing(firedoor: Firedoor, incident: str, folder: Path, tmp_path: Path) -> None:
    """A folder with something in it is refused; one without a journal is no export."""
    assert firedoor("evidence", "export", incident, folder).code == 1
    assert firedoor("evidence", "verify", tmp_path).code == 1


def test_what_is_captured_is_what_would_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    """The live page is the same page: captured text equals written text, and nothing leaks out meanwhile."""

    def write() -> None:
        render.line("[bold]one[/]")
        render.plain("two")
        render.table([["a", "b"]], indent=2)

    captured = render.captured(write)
    assert capsys.readouterr().out == ""
    write()
    assert capsys.readouterr().out == captured


def test_watching_ends_with_the_incident(firedoor: Firedoor, incident: str) -> None:
    """A dismissed incident is shown once, and the watch is over."""
    firedoor("answer", incident, "T1", "invented", "--why", "nobody of that name")
    firedoor("answer", incident, "T2", "no", "--why", "nobody of that name")
    for task in firedoor("tasks", incident, "--format", "json").json["tasks"]:
        if task["state"] == "open":
            firedoor("answer", incident, task["id"], "done", "--why", "corrected")
    said = firedoor("status", incident, "--watch")
    assert (said.code, said.out.count("dismissed")) == (0, 1)
