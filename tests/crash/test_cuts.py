"""kill -9 at every boundary of every shipped playbook: nothing is lost, and nothing happens twice.

A run is cut at every STRIDE-th boundary, and the runs differ in where they begin to count, so that
together they cut before and after every effect and after every single write to the database.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from firedoor.runtime import library
from tests.crash.life import Life, Reaper, story

STRIDE = 7
FEWEST = 40  # cuts for each playbook, over all of its runs
PLAYBOOKS = [path.stem for path in library.paths()]


_undisturbed: dict[str, tuple[Counter[str], Counter[str], int]] = {}


async def undisturbed(playbook: str) -> tuple[Counter[str], Counter[str], int]:
    """What happens when nobody is killed: the story, the effects and how many boundaries are passed."""
    if playbook not in _undisturbed:
        with TemporaryDirectory() as folder:
            reaper = Reaper()
            life = await Life(Path(folder), playbook, reaper).live()
            _undisturbed[playbook] = story(life), Counter(life.house.far_end.effects), len(reaper.passed)
            life.close()
    return _undisturbed[playbook]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Every kill would be logged with its traceback."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("first", range(STRIDE))
@pytest.mark.parametrize("playbook", PLAYBOOKS)
async def test_killed_again_and_again_it_ends_the_same(playbook: str, first: int, tmp_path: Path) -> None:
    """Every seventh boundary kills the process; the incident ends as if nothing had been, each effect exactly once."""
    expected, effects, _ = await undisturbed(playbook)
    reaper = Reaper(lambda number: number % STRIDE == first)
    life = await Life(tmp_path, playbook, reaper).live()
    try:
        assert len(reaper.killed) * STRIDE > FEWEST
        assert story(life) == expected
        assert life.house.far_end.effects == effects
        assert max(effects.values()) == 1
        assert [fault for _, _, fault in life.house.store.verify() if fault] == []
    finally:
        life.close()
