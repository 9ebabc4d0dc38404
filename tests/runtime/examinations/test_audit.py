"""An audit of stored content: five fields, every violation, the same as a script that shares nothing with it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from firedoor.core.problems import InvalidInput
from firedoor.interfaces.cli.main import app
from firedoor.runtime.examinations.audit.ask import ask

FIELDS = ["sha256", "path", "rule", "severity", "detected_at"]
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Four hundred small files, of which some are pictures by their bytes, some by their names only."""
    rand = random.Random(5)  # noqa: S311 - the same files each time
    for number in range(400):
        file = tmp_path / "store" / f"part{number % 7}" / f"{number}{rand.choice(('.png', '.txt', '.jpg'))}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(
            rand.choice((PNG, b"", b"some text ")) + f"{number % 50} {rand.choice(('secret', 'x'))}".encode()
        )
    (tmp_path / "store" / "link.png").symlink_to("/etc/hostname")
    return tmp_path / "store"


def rules(folder: Path, listed: str) -> Path:
    """A rule file with a digest that some files have."""
    file = folder / "rules.yaml"
    file.write_text(
        f"rules:\n  - {{id: pictures, severity: high, paths: ['*/part3/*'], media_types: ['image/*']}}\n"
        f"  - {{id: listed, severity: critical, sha256: ['{listed.upper()}']}}\n"
        "  - {id: words, severity: low, keywords: [Secret], extensions: [txt]}\n"
    )
    return file


def independent(store: Path, listed: str) -> set[tuple[str, str, str, str]]:
    """The same rules in a few lines that share nothing with the audit."""
    found = set()
    for file in store.rglob("*"):
        if file.is_symlink() or not file.is_file():
            continue
        content = file.read_bytes()
        digest, path = hashlib.sha256(content).hexdigest(), str(file)
        if "/part3/" in path and content.startswith(PNG):
            found.add((digest, path, "pictures", "high"))
        if digest == listed:
            found.add((digest, path, "listed", "critical"))
        if path.endswith(".txt") and b"secret" in content:
            found.add((digest, path, "words", "low"))
    return found


def test_it_equals_an_independent_script(store: Path, tmp_path: Path) -> None:
    """Every violation, exactly five fields, the worst first."""
    listed = hashlib.sha256(next(store.rglob("*.png")).read_bytes()).hexdigest()
    answer = ask([str(store)], rules(tmp_path, listed))
    assert {tuple(line[name] for name in FIELDS[:4]) for line in answer.violations} == independent(store, listed)
    assert all(list(line) == FIELDS for line in answer.violations)
    order = ["critical", "high", "low"]
    assert [line["severity"] for line in answer.violations] == sorted(
        (line["severity"] for line in answer.violations), key=order.index
    )
    assert answer.audited == 400
    assert answer.problems == []


def test_the_next_run_reads_what_changed_and_keeps_the_first_detection(store: Path, tmp_path: Path) -> None:
    """One file changes: one is read; what was found before keeps its time."""
    file, seen = rules(tmp_path, "0" * 64), tmp_path / "seen.jsonl"
    first = ask([str(store)], file, seen)
    seen.write_text(seen.read_text().replace("T", "T", 1))
    (next(store.rglob("*.txt"))).write_bytes(b"now with a secret")
    again = ask([str(store)], file, seen)
    assert (first.read, again.read) == (400, 1)
    times = {(line["path"], line["rule"], line["sha256"]): line["detected_at"] for line in first.violations}
    kept = [line for line in again.violations if (line["path"], line["rule"], line["sha256"]) in times]
    assert kept
    assert all(line["detected_at"] == times[line["path"], line["rule"], line["sha256"]] for line in kept)


def test_rules_with_a_name_and_a_severity_are_read(tmp_path: Path) -> None:
    """Broken by what a manifest marks with that name; without a manifest that is told, and the exit code is 1."""
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "rules.json").write_text(json.dumps([{"Name": "NoRealPersons", "Severity": "High"}]))
    (tmp_path / "m.jsonl").write_text(json.dumps({"locator": "a.txt", "labels": {"norealpersons": True}}) + "\n")
    run = CliRunner()
    command = ["examine", "audit", "--rules", str(tmp_path / "rules.json"), "--format"]
    marked = run.invoke(app, [*command, "json", str(tmp_path / "m.jsonl")])
    assert marked.exit_code == 0
    assert [(line["rule"], line["severity"], list(line)) for line in json.loads(marked.stdout)] == [
        ("NoRealPersons", "high", FIELDS)
    ]
    table = run.invoke(app, [*command, "csv", str(tmp_path / "m.jsonl")])
    assert next(csv.reader(io.StringIO(table.stdout))) == FIELDS
    assert run.invoke(app, [*command, "json", str(tmp_path / "a.txt")]).exit_code == 1


def test_rules_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    """Every wrong rule by its name."""
    (tmp_path / "rules.yaml").write_text("- {id: a, severity: bad, paths: [x]}\n- {id: b, severity: low}\n")
    with pytest.raises(InvalidInput) as caught:
        ask([str(tmp_path)], tmp_path / "rules.yaml")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    "content", [b'{"locator": "a.txt"\nnot json\n[1]\n', b"\xff\xfe bad\n"], ids=["no JSON", "no UTF-8"]
)
def test_a_broken_manifest_is_named_with_its_line(tmp_path: Path, content: bytes) -> None:
    """It is a problem in what was given, and never a fault of ours."""
    (tmp_path / "manifest.jsonl").write_bytes(content)
    listed = rules(tmp_path, "0" * 64)
    with pytest.raises(InvalidInput, match=r"manifest\.jsonl, line 1"):
        ask([str(tmp_path / "manifest.jsonl")], listed)
