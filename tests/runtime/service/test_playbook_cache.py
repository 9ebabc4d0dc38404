"""Playbooks that change while a process runs: a sound one counts, a broken one changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.core.pages import page
from tests.patience import GENEROUS

from firedoor.runtime.config import playbooks
from firedoor.runtime.service.playbook_cache import Shelf


@pytest.fixture(name="own")
def _own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "small.yaml").write_text(page())
    monkeypatch.setenv("FIREDOOR_PLAYBOOKS", str(tmp_path))
    return tmp_path


@pytest.fixture(name="shelf")
def _shelf(own: Path) -> Shelf:
    assert own.exists()
    shelf = Shelf()
    shelf.refresh()
    return shelf


def test_nothing_new_is_no_change(shelf: Shelf, own: Path) -> None:
    """The same words again are the same plan."""
    (own / "small.yaml").write_text(page())
    assert not shelf.refresh()


def test_a_changed_page_counts_and_a_removed_one_does_not(shelf: Shelf, own: Path) -> None:
    """Another title is another plan; a file that is gone starts nothing."""
    (own / "small.yaml").write_text(page(("A small one", "Another one")))
    assert (shelf.refresh(), shelf.plans["small"].title) == (True, "Another one")
    (own / "small.yaml").unlink()
    assert (shelf.refresh(), shelf.plans, shelf.startable()) == (True, {}, [])


def test_a_changed_start_rule_is_a_change(shelf: Shelf, own: Path) -> None:
    """It is no part of the plan, and still decides what an alert starts."""
    (own / "small.yaml").write_text(page(("source: generic", "source: presidio")))
    digest = shelf.plans["small"].digest
    assert (shelf.refresh(), shelf.plans["small"].digest == digest) == (True, True)
    assert shelf.startable()[0].start[0].source == "presidio"


def test_a_broken_page_keeps_its_last_good_plan(shelf: Shelf, own: Path) -> None:
    """The problem is on show until the file is mended."""
    good = shelf.plans["small"].digest
    (own / "small.yaml").write_text(page().replace("phases:", "fases:"))
    assert (shelf.refresh(), shelf.plans["small"].digest, list(shelf.problems)) == (False, good, [f"{own}/small.yaml"])
    (own / "small.yaml").write_text(page())
    assert (shelf.refresh(), shelf.problems) == (False, {})


def test_what_an_editor_leaves_lying_is_no_page(shelf: Shelf, own: Path) -> None:
    """A lock that points nowhere, and a hidden copy; a link of one's own that leads nowhere is named."""
    (own / ".#small.yaml").symlink_to("ada@host.1234")
    (own / ".small.yaml").write_text("half")
    assert (shelf.refresh(), shelf.problems, len(playbooks.seen())) == (False, {}, 1)
    (own / "lost.yaml").symlink_to("nowhere.yaml")
    assert (shelf.refresh(), list(shelf.problems), len(playbooks.seen())) == (False, [f"{own}/lost.yaml"], 2)


def test_a_second_page_of_the_same_name_is_refused_and_the_first_stays(shelf: Shelf, own: Path) -> None:
    """Which of two would start is nothing that the order of files may decide."""
    (own / "zzz.yaml").write_text(page(("A small one", "Another one")))
    assert (shelf.refresh(), shelf.plans["small"].title) == (False, "A small one")
    assert [problem.code for problem in shelf.problems[f"{own}/zzz.yaml"]] == ["P141"]


@pytest_asyncio.fixture(name="watched")
async def _watched(shelf: Shelf) -> AsyncIterator[asyncio.Queue[str]]:
    """A shelf that is looked at all the time; the titles that it had after each change."""
    titles: asyncio.Queue[str] = asyncio.Queue()
    task = asyncio.create_task(shelf.forever(lambda: titles.put_nowait(shelf.plans["small"].title), 0.05))
    await asyncio.sleep(0.1)
    yield titles
    task.cancel()


async def test_files_are_looked_at_again_while_a_process_runs(
    watched: asyncio.Queue[str], shelf: Shelf, own: Path
) -> None:
    """A change is taken, and told to whoever shows the playbooks; a folder that is away for a while changes nothing."""
    (own / "small.yaml").write_text(page(("A small one", "Another one")))
    assert await asyncio.wait_for(watched.get(), GENEROUS) == "Another one"
    await asyncio.to_thread(own.rename, own.with_name("away"))
    await asyncio.sleep(0.3)
    assert shelf.plans["small"].title == "Another one"
    await asyncio.to_thread(own.with_name("away").rename, own)
    (own / "small.yaml").write_text(page(("A small one", "A third one")))
    assert await asyncio.wait_for(watched.get(), GENEROUS) == "A third one"
