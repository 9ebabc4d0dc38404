"""The gate before a training, as a library and as a command."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runtime.examinations.ledgers import CUT_OFF, write
from typer.testing import CliRunner

from firedoor.core.problems import Refused
from firedoor.gate import Wanted, gate
from firedoor.interfaces.cli.main import app

DAY = "2026-01-01T00:00:00Z"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A manifest of a and b, who have both agreed."""
    manifest = write(tmp_path / "m.csv", [{"id": 1, "user_id": "a"}, {"id": 2, "user_id": "b"}])
    rows: list[dict[str, object]] = [
        {"user_id": who, "purpose": "training", "event": "granted", "timestamp": DAY} for who in "ab"
    ]
    return manifest, write(tmp_path / "l.csv", rows)


def test_the_gate_opens_for_the_manifest_that_was_reconciled_and_no_other(files: tuple[Path, Path]) -> None:
    """Another byte in the manifest, and it is another manifest; another person, and the gate is closed."""
    manifest, ledger = files
    wanted = Wanted([str(manifest)], [str(ledger)], "ai=training", CUT_OFF)
    passed = gate(wanted)
    passed.require([manifest])
    manifest.write_text(manifest.read_text() + "3,c\n")
    with pytest.raises(Refused):
        passed.require([manifest])
    with pytest.raises(Refused, match="1 people have no basis"):
        gate(wanted)


def test_the_command_ends_as_scripts_rely_on(files: tuple[Path, Path]) -> None:
    """0 done, 1 a question, 3 a gate that is closed; no person in what it says."""
    manifest, ledger = files
    asked = [
        "examine",
        "consent",
        "--ledger",
        str(ledger),
        "--as-of",
        "2026-05-01T00:00:00Z",
        "--manifest",
        str(manifest),
    ]
    run = CliRunner()
    assert run.invoke(app, [*asked, "--purpose", "ai=training", "--gate"]).exit_code == 0
    asks = run.invoke(app, [*asked, "--purpose", "ai"])
    assert (asks.exit_code, "Question:" in asks.output) == (1, True)
    manifest.write_text(manifest.read_text() + "3,charlotte\n")
    closed = run.invoke(app, [*asked, "--purpose", "ai=training", "--gate", "--format", "json"])
    assert closed.exit_code == 3
    assert '"without_basis": 1' in closed.output
    assert "charlotte" not in closed.output
