"""kill -9 at every boundary of every shipped playbook: nothing is lost, and nothing happens twice.

Each run is cut at a fifth of all boundaries: before and after an effect, and after a write to the
database. The runs of a playbook together are cut at every one of them. The far end has no guard of
its own: it does what it is told each time, and counts it, so that a repetition without a look is seen.
Stores of content obey a key once, as their contract says; there a repetition under another key is seen.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.crash.life import COMMITTED, Life, Reaper, story
from tests.support.databases import Cluster, cluster  # noqa: F401 - a fixture

from firedoor.runtime.config import playbooks
from firedoor.runtime.rehearsal.simulation import HandClock
from firedoor.testing.far_end import FarEnd
from firedoor.testing.house import STARTS, targets

RUNS = 5  # of each playbook; together they cut at every boundary
FEWEST = 40  # boundaries of each playbook
PLAYBOOKS = [path.stem for path in playbooks.paths()]


@dataclass(frozen=True)
class Undisturbed:
    """What happens when nobody is killed."""

    story: Counter[str]
    effects: Counter[str]
    boundaries: tuple[str, ...]


_undisturbed: dict[str, Undisturbed] = {}


async def undisturbed(playbook: str) -> Undisturbed:
    """Live once without being killed; every run is compared with that."""
    if playbook not in _undisturbed:
        with TemporaryDirectory() as folder:
            reaper = Reaper()
            life = await Life(Path(folder), playbook, reaper).live()
            _undisturbed[playbook] = Undisturbed(story(life), Counter(life.house.far_end.effects), tuple(reaper.passed))
            life.close()
    return _undisturbed[playbook]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Every kill would be logged with its traceback."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("run", range(RUNS))
@pytest.mark.parametrize("playbook", PLAYBOOKS)
async def test_killed_again_and_again_it_ends_the_same(playbook: str, run: int, tmp_path: Path) -> None:
    """A fifth of all boundaries kill the process; all is as if nothing had been, each effect exactly once."""
    expected = await undisturbed(playbook)
    effects = [name for name in dict.fromkeys(expected.boundaries) if name != COMMITTED][run::RUNS]
    reaper = Reaper(frozenset(effects), lambda commit: commit % RUNS == run)
    life = await Life(tmp_path, playbook, reaper).live()
    assert set(effects) <= set(reaper.killed)
    assert story(life) == expected.story
    assert life.house.far_end.effects == expected.effects
    assert [fault for _, _, fault in life.house.store.verify() if fault] == []
    life.close()


@pytest.mark.parametrize("playbook", PLAYBOOKS)
async def test_there_is_something_to_cut(playbook: str) -> None:
    """Every playbook passes many boundaries, and changes something outside, each thing once."""
    expected = await undisturbed(playbook)
    assert len(expected.boundaries) >= FEWEST
    assert set(expected.effects.values()) == {1}


async def test_killed_after_every_effect_it_looks_and_repeats_nothing(tmp_path: Path) -> None:
    """Each time one effect has happened and nobody knows; the far end, which would obey, is not told again."""
    playbook = PLAYBOOKS[0]
    expected = await undisturbed(playbook)
    after = [name for name in dict.fromkeys(expected.boundaries) if name.partition(" ")[0] in ("performed", "ended")]
    life = await Life(tmp_path, playbook, Reaper(frozenset(after))).live()
    looked = sum(count for (verb, _), count in life.house.far_end.calls.items() if verb == "observe")
    assert life.house.far_end.effects == expected.effects
    assert looked >= len(expected.effects)
    life.close()


async def test_a_repetition_would_be_counted() -> None:
    """The proof can fail: told twice with one key, the far end counts two effects."""
    far_end, target = FarEnd(HandClock(STARTS), {}), targets("chat-large").targets["chat-large"]
    snapshot = await far_end.capture_state(target, target.doors[0])
    for _ in range(2):
        await far_end.suspend(target, target.doors[0], snapshot, "one key")
    assert far_end.effects == {"one key": 2}


async def test_killed_again_and_again_on_postgresql(tmp_path: Path, cluster: Cluster) -> None:  # noqa: F811 - the fixture
    """The same on the database of a larger installation."""
    playbook, run = PLAYBOOKS[0], 2
    expected = await undisturbed(playbook)
    effects = [name for name in dict.fromkeys(expected.boundaries) if name != COMMITTED][run::RUNS]
    reaper = Reaper(frozenset(effects), lambda commit: commit % RUNS == run)
    life = await Life(tmp_path, playbook, reaper, cluster.new_database()).live()
    assert set(effects) <= set(reaper.killed)
    assert (story(life), life.house.far_end.effects) == (expected.story, expected.effects)
    life.close()
