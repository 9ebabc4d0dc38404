"""Mapping files that change while a process runs: a sound one counts, a broken one silences nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from firedoor.core.problems import NotFound
from firedoor.runtime.config.alert_sources import Sources

DESK = "source: help-desk\nfields: {id: /ticket}\n"


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    (tmp_path / "help-desk.yaml").write_text(DESK)
    return tmp_path


def test_a_file_that_changes_counts(folder: Path) -> None:
    """A source that is renamed, added or gone is so after the next look; the same words again change nothing."""
    known = Sources(folder)
    assert not known.refresh()
    (folder / "help-desk.yaml").write_text(DESK.replace("help-desk", "service-desk"))
    (folder / "other.yml").write_text(DESK.replace("help-desk", "other"))
    assert (known.refresh(), {"service-desk", "other"} <= set(known), "help-desk" in known) == (True, True, False)
    (folder / "other.yml").unlink()
    assert (known.refresh(), "other" in known) == (True, False)


@pytest.mark.parametrize("broken", ["source: [", "source: help-desk\nfields: {title: /x}\n", "- 1\n"])
def test_a_file_that_breaks_keeps_what_it_said_last(folder: Path, broken: str) -> None:
    """With the problem on show until it is mended; a folder that was broken from the start has the built-in sources."""
    known = Sources(folder)
    (folder / "help-desk.yaml").write_text(broken)
    known.refresh()
    assert ("help-desk" in known, [Path(path).name for path in known.problems]) == (True, ["help-desk.yaml"])
    fresh = Sources(folder)
    assert "generic" in fresh
    with pytest.raises(NotFound, match="its mapping cannot be read"):
        fresh.find("help-desk")
    (folder / "help-desk.yaml").write_text(DESK)
    assert (known.refresh(), known.problems) == (False, {})


def test_a_name_that_is_taken_is_refused_to_the_second(folder: Path) -> None:
    """Neither a built-in source nor another file's is replaced; an editor's own files are not looked at."""
    (folder / "a.yaml").write_text(DESK.replace("help-desk", "generic"))
    (folder / "z.yaml").write_text(DESK)
    (folder / ".#help-desk.yaml").symlink_to("nobody@nowhere")
    known = Sources(folder)
    assert sorted(Path(path).name for path in known.problems) == ["a.yaml", "z.yaml"]
    assert known["generic"].title == "Any detector, in Firedoor's own form"
