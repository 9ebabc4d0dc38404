"""Playbooks as people in the field write them: they compile, and their drills end as they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from firedoor.core.playbook.playbook import Drill
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.config import playbooks
from firedoor.runtime.rehearsal.drill import rehearse

FOLDER = Path(__file__).parents[1] / "journeys" / "cases" / "playbooks"
FILES = sorted(FOLDER.glob("*.yaml"))
DRILLS = [(file, drill) for file in FILES for drill in playbooks.load_playbook(file).header.drills]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_compiles(file: Path) -> None:
    """Without a problem."""
    assert playbooks.compiled(file).playbook == file.stem


@pytest.mark.parametrize(("file", "drill"), DRILLS, ids=lambda one: getattr(one, "drill", ""))
def test_its_drills_end_as_they_say(file: Path, drill: Drill) -> None:
    """Lists that are empty, unknown, doubled or fail in part; doors after a failure and under a condition."""
    assert rehearse(playbooks.compiled(file), drill, catalogue()).mismatches == ()
