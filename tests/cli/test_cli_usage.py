from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

from firedoor.interfaces.cli.terminal import render

PROGRAM = (sys.executable, "-c", "from firedoor.interfaces.cli.main import main; main()")
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def test_help_loads_nothing_heavy() -> None:
    """No engine, database, web framework or HTTP client is loaded to say what the commands are."""
    done = subprocess.run([sys.executable, "-X", "importtime", *PROGRAM[1:], "--help"], capture_output=True, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.decode().splitlines()}
    assert "typer" in loaded
    assert not loaded & {
        "prefect",
        "sqlalchemy",
        "sqlmodel",
        "fastapi",
        "starlette",
        "uvicorn",
        "httpx",
        "cryptography",
    }


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("run",),
        ("status",),
        ("status", "INC-1", "--format", "xml"),
        ("check", "--format", "yaml"),
        ("answer", "INC-1", "T1"),
        ("facts", "INC-1", "change", "a=b"),
        ("facts", "INC-1", "set"),
        ("journal", "verify", "INC-1", "INC-2"),
        ("journal", "INC-1", "INC-2"),
        ("up", "--port", "70000"),
        ("duties",),
        ("alert", "send", "--source", "alertmanager"),
        ("token", "create"),
    ],
)
def test_wrong_usage_has_its_own_exit_code(firedoor: Firedoor, words: tuple[str, ...]) -> None:
    """2, and how it is used."""
    said = firedoor(*words)
    assert said.code == 2, said


@pytest.mark.parametrize(
    "words", [("facts", "INC-2026-0001", "set", "x=1", "--why", "\udced\udca0"), ("run", "\udcff")]
)
def test_bytes_that_are_no_text_are_refused_before_anything(firedoor: Firedoor, words: tuple[str, ...]) -> None:
    """A shell hands on whatever was typed; nothing of it reaches a journal, and it is no fault of ours."""
    said = firedoor(*words)
    assert (said.code, "U115" in said.err, "internal error" in said.err) == (1, True, False)


@pytest.mark.parametrize("words", [("--help",), ("-h",), ("--version",), ("run", "--help"), ("duties", "due", "-h")])
def test_help_and_version_are_no_fault(firedoor: Firedoor, words: tuple[str, ...]) -> None:
    """They exit with 0 and say something."""
    said = firedoor(*words)
    assert (said.code, bool(said.out)) == (0, True)


@pytest.mark.parametrize("variable", ["PORT=abc", "PORT=99999", "PREFECT=perhaps"])
def test_a_setting_that_cannot_be_used_is_named(
    firedoor: Firedoor, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable stands in the message, and the exit code is 1."""
    name, _, value = variable.partition("=")
    monkeypatch.setenv(f"FIREDOOR_{name}", value)
    said = firedoor("incidents")
    assert (said.code, f"FIREDOOR_{name}" in said.err) == (1, True), said


def test_a_server_that_does_not_answer_is_no_other(firedoor: Firedoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """With FIREDOOR_API_URL nothing is done here instead: exit code 4."""
    monkeypatch.setenv("FIREDOOR_API_URL", "http://127.0.0.1:9")
    said = firedoor("incidents")
    assert (said.code, "does not answer" in said.err) == (4, True)


def test_a_dead_server_s_note_is_not_believed(firedoor: Firedoor, tmp_path: Path) -> None:
    """A process that was killed left server.json behind; the command works by itself."""
    (tmp_path / "data").mkdir(mode=0o700)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    note = {"url": "http://127.0.0.1:9", "pid": dead.pid, "token": "old"}
    (tmp_path / "data" / "server.json").write_text(json.dumps(note))
    assert firedoor("incidents").code == 0


@pytest.mark.parametrize("broken", ["targets: [", "targets: {a: {}}"])
def test_a_broken_inventory_is_told_and_nothing_starts(firedoor: Firedoor, tmp_path: Path, broken: str) -> None:
    """The file and the line are named by whatever command needs it."""
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "targets.yaml").write_text(broken)
    said = firedoor("incidents")
    assert said.code == 1
    assert re.search(r"targets\.yaml:[12]:\d", said.err)


def test_a_data_folder_that_cannot_be_made_is_told(
    firedoor: Firedoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file stands where the folder should be; the answer is words, not a stack of Python."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FIREDOOR_DATA_DIR", str(tmp_path / "file" / "data"))
    said = firedoor("incidents")
    assert (said.code, str(tmp_path / "file") in said.err) == (1, True), said


def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    """`firedoor show ... | head -1` ends quietly."""
    shell = f"{' '.join(PROGRAM[:2])} '{PROGRAM[2]}' show model-data-leakage --format json | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", shell], capture_output=True, text=True, check=False)
    assert done.stdout == "{\n"
    assert done.stderr == ""


def test_doctor_looks_at_everything_and_says_what_to_do(firedoor: Firedoor) -> None:
    """On an empty folder nothing is wrong, and each note says what to do next."""
    said = firedoor("doctor", "--format", "json")
    looks = {look["what"]: look for look in said.json["looks"]}
    assert {"python", "versions", "playbooks", "targets", "organisation", "disk", "clock"} <= set(looks)
    assert said.code == (0 if said.json["well"] else 1)
    assert all(look["do"] for look in looks.values() if look["state"] == "wrong")


def test_doctor_finds_a_folder_that_others_can_read(firedoor: Firedoor, tmp_path: Path) -> None:
    """Evidence lies there: mode 755 is wrong, and the command that mends it is named."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o755)
    said = firedoor("doctor")
    assert (said.code, f"chmod 700 {tmp_path / 'data'}" in " ".join(said.out.split())) == (1, True)


def test_doctor_finds_a_target_that_cannot_be_seen(firedoor: Firedoor, tmp_path: Path) -> None:
    """A probe that nobody answers is told with the target's name."""
    (tmp_path / "data").mkdir(mode=0o700)
    probe = "{url: 'http://127.0.0.1:9/'}"
    door = "{name: d, connector: http, config: {}}"
    (tmp_path / "data" / "targets.yaml").write_text(f"targets:\n  chat:\n    doors: [{door}]\n    probe: {probe}\n")
    said = firedoor("doctor")
    assert (said.code, "chat" in said.out) == (1, True)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "in 0 s"),
        (59, "in 59 s"),
        (61, "in 1 min"),
        (3600, "in 1 h"),
        (71 * 3600 + 58 * 60, "in 71 h 58 min"),
        (-180, "overdue by 3 min"),
        (10 * 86400 + 3600, "in 10 d 1 h"),
    ],
)
def test_time_left_is_told_as_people_count_it(seconds: int, words: str) -> None:
    """Hours up to five days, because the law counts hours; then days; what is over is overdue."""
    assert render.left((NOW + timedelta(seconds=seconds)).isoformat(), NOW) == words


def test_an_instant_has_its_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local time without its offset has cost somebody an hour before."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d [+-]\d\d:\d\d", render.instant(NOW.isoformat()))


def test_words_of_others_command_no_terminal(firedoor: Firedoor) -> None:
    """A title with an escape sequence and markup is shown as text."""
    incident = firedoor("run", "model-data-leakage", "--title", "\x1b[31m[bold]red").out.strip()
    said = firedoor("status", incident)
    assert "\x1b" not in said.out
    assert "[bold]red" in said.out


def test_a_database_that_does_not_answer_has_its_own_exit_code(
    firedoor: Firedoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL is not there: exit code 4, and no password of the URL is shown."""
    monkeypatch.setenv("FIREDOOR_DATABASE_URL", "postgresql+psycopg://firedoor:hunter2@127.0.0.1:9/firedoor")
    said = firedoor("incidents")
    assert (said.code, "hunter2" in said.err) == (4, False), said
