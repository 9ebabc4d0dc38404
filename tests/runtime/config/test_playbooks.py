"""Where playbooks are found: by path, by name, in the folder of the environment; and that an edit is seen at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.core.pages import page

from firedoor.core.problems import InvalidInput, NotFound
from firedoor.runtime.config import playbooks

PART = "playbook: extra\nversion: 1.0.0\ntitle: t\nsteps:\n  - wait: 1h\n"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of playbooks of one's own, named by the environment."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "small.yaml").write_text(page())
    monkeypatch.setenv("FIREDOOR_PLAYBOOKS", str(tmp_path))
    return tmp_path


def test_a_folder_of_ones_own_takes_the_place_of_the_shipped_one(own: Path) -> None:
    """FIREDOOR_PLAYBOOKS names the folder; its playbooks are found by name and by path."""
    assert playbooks.folder() == own
    assert tuple(playbooks.all_playbooks()) == ("small",)
    assert playbooks.compiled("small") == playbooks.compiled(own / "small.yaml")


def test_an_edit_is_seen_at_once(own: Path) -> None:
    """What is cached is cached by content: another word is another plan, also when it stands in a part."""
    (own / "small.yaml").write_text(page(("    - notify_authorities: due", "    - use: extra")))
    (own / "parts" / "extra.yaml").write_text(PART)
    first = playbooks.compiled("small").digest
    (own / "parts" / "extra.yaml").write_text(PART.replace("1h", "2h"))
    second = playbooks.compiled("small").digest
    (own / "small.yaml").write_text(page(("A small one", "Another one")))
    assert len({first, second, playbooks.compiled("small").digest}) == 3


def test_parts_beside_a_playbook_come_before_those_of_the_library(
    own: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A file elsewhere finds its own parts first, then the library's."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (own / "parts" / "extra.yaml").write_text(PART)
    path = elsewhere / "small.yaml"
    path.write_text(page(("    - notify_authorities: due", "    - use: extra")))
    from_library = playbooks.compiled(path)
    (elsewhere / "parts").mkdir()
    (elsewhere / "parts" / "extra.yaml").write_text(PART.replace("wait: 1h", "wait: 9h"))
    assert playbooks.compiled(path) != from_library


@pytest.mark.parametrize("name", ["no-such", "smal", "elsewhere/small.yaml", "/nowhere/small.yaml"])
def test_what_is_not_there_is_said_with_advice(own: Path, name: str) -> None:
    """A name gets the nearest; a path is named as it was given."""
    assert own.exists()
    with pytest.raises(NotFound) as caught:
        playbooks.find(name)
    assert name in caught.value.problems[0].message
    assert caught.value.problems[0].do


def test_problems_of_all_files_come_at_once(own: Path) -> None:
    """Two broken files and a doubled name are told together, each with its file."""
    (own / "broken.yaml").write_text("playbook: [")
    (own / "wrong.yaml").write_text(page(("title: A", "titel: A")))
    (own / "twice.yaml").write_text(page())
    with pytest.raises(InvalidInput) as caught:
        playbooks.all_playbooks()
    files = {Path(problem.place.file).name for problem in caught.value.problems if problem.place}
    assert files == {"broken.yaml", "wrong.yaml", "twice.yaml"}


def test_duties_and_shape_are_told_together(own: Path) -> None:
    """An unknown duty does not hide what the compiler finds."""
    duties = ("roles: [commander, dpo]", "roles: [commander, dpo]\nduties: [no.such]")
    text = page(duties, ("  - tell: dpo", "  - tell: press"))
    (own / "small.yaml").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        playbooks.compiled("small")
    assert {problem.code for problem in caught.value.problems} == {"P201", "P202"}


def test_a_part_is_not_run_and_says_who_uses_it(own: Path) -> None:
    """By its path, which is the only way to name it; never a refusal without a word."""
    (own / "parts" / "extra.yaml").write_text(PART)
    (own / "small.yaml").write_text(page(("  post_incident: []", "  post_incident:\n    - use: extra")))
    with pytest.raises(InvalidInput) as refused:
        playbooks.compiled(own / "parts" / "extra.yaml")
    (problem,) = refused.value.problems
    assert (problem.code, problem.do, problem.place.line) == ("P143", "playbooks that use it: small", 1)


def test_a_refusal_always_has_a_problem() -> None:
    """Whoever catches one may rely on the first."""
    assert [problem.code for problem in InvalidInput([]).problems] == ["W151"]
