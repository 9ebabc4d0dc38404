"""Hands out and takes in evidence by hand, each time with an entry in the journal.

Decides that the entry is on disk before a byte leaves, and that bytes are in the vault
before an entry says so. Leaves the rules to `core.custody`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterable

from firedoor.core.canonical import canonical, digest
from firedoor.core.content import judge, might_be_kept
from firedoor.core.entries.custody import PieceKept
from firedoor.core.evidence.custody import (
    Pointer,
    added,
    check_addition,
    check_handing_out,
    check_pointer,
    form_of_keeping,
    kept_already,
    piece_of,
    pointed,
    touched,
)
from firedoor.core.evidence.kinds import keeps_bytes, with_incident
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Content, Draft
from firedoor.core.problems import NotFound, Problem, Refused
from firedoor.core.tasks.answers import Person
from firedoor.runtime.config.container import World
from firedoor.store.incidents.journal import Conflict

ATTEMPTS = 20  # how often a write that lost a race is decided anew
HEAD = 64 * 1024  # bytes by which most of what is no text is known


async def hand_out(world: World, incident: str, sha256: str, why: str, person: Person) -> tuple[bytes, PieceKept]:
    """Return a piece and its description. Raises NotFound, or Refused where only the digest is kept or may be."""
    view = await asyncio.to_thread(world.view, incident)
    piece = piece_of(view, sha256)
    if piece["mode"] == "journal":
        content = _from_journal(view, sha256)
    else:
        content = await asyncio.to_thread(world.vault.get, sha256)
        check_handing_out(piece, await asyncio.to_thread(judge, content))
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
) -> Content:
    """Add a piece by hand. Its bytes are in memory alone until the gate has seen all of them, and on disk only then.

    With the mode `digest` they are hashed as they pass and never held; so is the rest of what cannot be kept by its
    beginning. Raises Refused for `vault` where the bytes may not be kept.
    """
    view = await asyncio.to_thread(world.view, incident)
    check_addition(name, mode, why)
    running, held, size = hashlib.sha256(), bytearray(), 0
    async for part in parts:
        running.update(part)
        size += len(part)
        if mode != "digest" and (len(held) < HEAD or might_be_kept(held[:HEAD])):
            held += part
    sha256, verdict = running.hexdigest(), None
    if mode != "digest":
        keeps = keeps_bytes(view.type, view.keep_bytes)
        verdict = with_incident(await asyncio.to_thread(judge, held), media_type, keeps=keeps)
        mode = form_of_keeping(mode, verdict)
    if mode == "vault":
        await asyncio.to_thread(world.vault.put, bytes(held), verdict)
    draft = added(name.strip(), sha256, size, media_type, mode, why, person, world.now().isoformat(), verdict)
    return await _keep(world, incident, draft)


async def point_out(world: World, incident: str, pointer: Pointer, why: str, person: Person) -> Content:
    """Keep hashes and locators that a person states. Nothing is fetched. Raises NotFound or InvalidInput."""
    await asyncio.to_thread(world.view, incident)
    check_pointer(pointer, why)
    kept = await asyncio.to_thread(world.vault.put, canonical(pointer.content()))
    draft = pointed(pointer, kept.sha256, kept.size, why, person, world.now().isoformat())
    return await _keep(world, incident, draft)


async def _keep(world: World, incident: str, draft: Draft) -> Content:
    """Write the entry of a piece, unless it stands there: whoever got no answer sends it again."""
    for _ in range(ATTEMPTS):
        view = await asyncio.to_thread(world.view, incident)
        if (before := kept_already(view, draft)) is not None:
            return before
        try:
            await asyncio.wrap_future(world.store.append(incident, [draft], world.now(), expect=view.head.seq))
        except Conflict:
            continue
        return draft.body
    raise Refused(Problem(code="S105", message=f"{incident} is being written to by many at once", do="try again"))


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
