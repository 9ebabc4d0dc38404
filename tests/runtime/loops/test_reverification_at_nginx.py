"""Somebody opens a real nginx by hand behind Firedoor's back: within the interval it is on record and closed again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from tests.contract.rigs.nginx import Rig
from tests.support.real_doors import house_before

from firedoor.testing import House


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """A real nginx with two routes."""
    rig = Rig()
    rig.start()
    yield rig
    rig.stop()


@pytest.fixture(name="house")
async def _house(tmp_path: Path, rig: Rig) -> AsyncIterator[House]:
    """A house whose door is that nginx, and a playbook that closes again."""
    async with house_before(rig, tmp_path) as house:
        yield house


def answers(rig: Rig, name: str) -> int:
    """Ask as a caller does."""
    probe = rig.inventory.targets[name].probe
    assert probe is not None
    return httpx.request(probe.method, probe.url, headers=dict(probe.headers), trust_env=False).status_code


async def test_opened_by_hand_it_is_closed_again_and_on_record(house: House, rig: Rig) -> None:
    """The file is removed and nginx reloaded, as an administrator would; the next look closes the route again."""
    name = rig.target.id
    (neighbour,) = rig.target.neighbours
    incident = await house.open(endpoint=name)
    await house.settle(incident)
    assert (answers(rig, name), answers(rig, neighbour)) == (503, 200)
    rig.nginx.ours.unlink()
    rig.nginx.reload()
    assert answers(rig, name) == 200
    house.wind(minutes=1)
    assert await house.holding.look() == 1
    assert (answers(rig, name), answers(rig, neighbour)) == (503, 200)
    view = await house.settle(incident)
    (drift,) = view.holds[name].drifts
    assert "callers are answered again (200)" in drift.seen
    assert rig.nginx.ours.exists()
