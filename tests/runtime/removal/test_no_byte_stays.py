"""A pattern that is planted in pictures is found nowhere after they were hashed, removed and looked at from outside."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from tests.contract.rigs_support.gallery import Gallery
from tests.runtime.removal.test_removal import begin, driven, gallery
from tests.support.drawn import drawn

__all__ = ["gallery"]
PATTERN = b"PLANTED-7f3a-IN-A-PICTURE"


def planted(file: Path, step: int) -> bytes:
    """A drawn picture with the pattern inside."""
    said = PngImagePlugin.PngInfo()
    said.add_text("Comment", PATTERN.decode())
    file.parent.mkdir(parents=True, exist_ok=True)
    picture: Image.Image = drawn(step)
    picture.save(file, "PNG", pnginfo=said)
    return file.read_bytes()


def test_nothing_of_a_picture_is_kept(
    tmp_path: Path, gallery: Gallery, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    """Not in the database and its log, the vault, the file of known hashes, the process's log, or what was sent."""
    store, home = tmp_path / "store", tmp_path / "home"
    home.mkdir()
    gallery.objects["posts/8812"] = planted(store / "posts" / "8812", 1)
    gallery.objects["mirror/77"] = planted(store / "mirror" / "77", 1)
    caplog.set_level(logging.DEBUG)

    async def story() -> None:
        index = {"paths": [str(store)], "seen": str(home / "seen.jsonl")}
        async with driven(home, gallery, index=index) as house:
            incident = await begin(house)
            assert {one.locator for one in house.view(incident).copies.values()} == {"posts/8812", "mirror/77"}
            await house.answer(incident, "containment.removal.approve", "approve")
            view = house.view(incident)
            assert {str(one.state) for one in view.copies.values()} == {"gone"}

    asyncio.run(story())
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert {path.name for path in kept} >= {"firedoor.db", "seen.jsonl"}
    assert not [path for path in kept if PATTERN in path.read_bytes()]
    assert PATTERN.decode() not in caplog.text
    assert PATTERN not in b"".join(gallery.objects.values())
    assert PATTERN in (store / "posts" / "8812").read_bytes(), "the look itself works"
