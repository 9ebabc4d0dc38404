"""Hands out and takes in evidence by hand, each time with an entry in the journal.

Decides that the entry is on disk before a byte leaves, and that bytes are in the vault
before an entry says so. Leaves the rules to `core.custody`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterable

from firedoor.core.canonical import canonical, digest
from firedoor.core.custody import Pointer, added, check_addition, check_pointer, piece_of, pointed, touched
from firedoor.core.journal import Body, Draft
from firedoor.core.people import Person
from firedoor.core.problems import NotFound, Problem
from firedoor.core.view import IncidentView
from firedoor.runtime.world import World


async def hand_out(world: World, incident: str, sha256: str, why: str, person: Person) -> tuple[bytes, Body]:
    """Return a piece and its description. Raises NotFound, or Refused where only the digest is kept."""
    view = await asyncio.to_thread(world.view, incident)
    piece = piece_of(view, sha256)
    if piece["mode"] == "journal":
        content = _from_journal(view, sha256)
    else:
        content = await asyncio.to_thread(world.vault.get, sha256)
    await _write(world, incident, touched(piece, "read", why, person))
    return content, piece


async def take_in(  # noqa: PLR0913 - the fields of a piece
    world: World,
    incident: str,
    parts: AsyncIterable[bytes],
    *,
    name: str,
    media_type: str,
    mode: str,
    why: str,
    person: Person,
) -> Body:
    """Add a piece by hand. With the mode `digest` the bytes are hashed as they pass and never held."""
    view = await asyncio.to_thread(world.view, incident)
    check_addition(view, name, media_type, mode, why)
    running, held, size = hashlib.sha256(), bytearray(), 0
    async for part in parts:
        running.update(part)
        size += len(part)
        if mode == "vault":
            held += part
    sha256 = running.hexdigest()
    if mode == "vault":
        await asyncio.to_thread(world.vault.put, bytes(held))
    draft = added(name.strip(), sha256, size, media_type, mode, why, person, world.now().isoformat())
    await _write(world, incident, draft)
    return draft.body


async def point_out(world: World, incident: str, pointer: Pointer, why: str, person: Person) -> Body:
    """Keep hashes and locators that a person states. Nothing is fetched. Raises NotFound or InvalidInput."""
    await asyncio.to_thread(world.view, incident)
    check_pointer(pointer, why)
    kept = await asyncio.to_thread(world.vault.put, canonical(pointer.content()))
    draft = pointed(pointer, kept.sha256, kept.size, why, person, world.now().isoformat())
    await _write(world, incident, draft)
    return draft.body


async def _write(world: World, incident: str, draft: Draft) -> None:
    await asyncio.wrap_future(world.store.append(incident, [draft], world.now()))


def _from_journal(view: IncidentView, sha256: str) -> bytes:
    """The canonical bytes of a state that was captured into the journal."""
    for record in view.operations.values():
        for snapshot in record.result.get("snapshots", []):
            if snapshot["digest"] == sha256:
                content = canonical(snapshot["state"])
                if digest(snapshot["state"]) == sha256:
                    return content
    problem = Problem(
        code="E107", message=f"the journal no longer shows the state {sha256[:12]}", do="verify the journal"
    )
    raise NotFound(problem)
