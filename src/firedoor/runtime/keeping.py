"""Puts evidence under custody: artefacts, the alert, hashes and locators, drafts.

Decides what is stored and what only its digest. Bytes go to the vault and are on
disk before the journal says so. Of intimate or possibly illegal material only
hashes and locators are kept; nothing is ever fetched from a locator.
"""

from __future__ import annotations

import asyncio
from typing import Any

from firedoor.core.canonical import canonical
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.operations import Keep
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.turn import Launch
from firedoor.core.view import IncidentView
from firedoor.runtime.examining import examined
from firedoor.runtime.world import World

ACTOR = "firedoor"
Kept = tuple[tuple[Draft, ...], Body]


async def keep(world: World, view: IncidentView, launch: Launch, operation: Keep) -> Kept:
    """Keep one thing. Returns the entries about it and the result to show."""
    match operation.source:
        case "artefact":
            return await _artefact(world, view, launch, operation)
        case "alert":
            return await _json(world, launch, "alert", list(view.alerts), "the alert as normalised")
        case "locators":
            return await _json(world, launch, "locators", _locators(view), "hashes and locators, nothing was fetched")
        case "draft":
            return await _draft(world, view, launch, operation)
        case "examination":
            return await examined(world, view, launch, operation)


async def _artefact(world: World, view: IncidentView, launch: Launch, operation: Keep) -> Kept:
    from firedoor.runtime.perform import target_name

    target = world.target(target_name(world, view, launch))
    if operation.name not in target.evidence:
        known = ", ".join(target.evidence) or "nothing"
        do = "preserve it by hand and add it with `firedoor evidence add`, or describe it in the inventory"
        message = f"the inventory does not say where the {operation.name} of {target.id} is read (known: {known})"
        raise InvalidInput(Problem(code="R109", message=message, do=do))
    collected = await world.connectors[target.doors[0].connector].collect(target, operation.name)
    if collected.content is not None:
        await asyncio.to_thread(world.vault.put, collected.content)
    body: Body = {
        "op": launch.instance.id,
        "name": f"{operation.name} of {target.id}",
        "sha256": collected.digest,
        "size": collected.size,
        "source": collected.source,
        "mode": "vault" if collected.content is not None else "digest",
        "media_type": collected.media_type,
        "taken_at": collected.taken_at.isoformat(),
    }
    return (Draft(Kind.EVIDENCE, ACTOR, body),), {
        "target": target.id,
        "sha256": collected.digest,
        "size": collected.size,
    }


async def _json(world: World, launch: Launch, name: str, content: Any, source: str) -> Kept:  # noqa: ANN401 - any JSON value
    return await _bytes(world, launch, name, canonical(content), "application/json", source)


async def _bytes(
    world: World,
    launch: Launch,
    name: str,
    content: bytes,
    media_type: str,
    source: str,
    **more: Any,  # noqa: ANN401 - further fields of the entry
) -> Kept:
    kept = await asyncio.to_thread(world.vault.put, content)
    body: Body = {
        "op": launch.instance.id,
        "name": name,
        "sha256": kept.sha256,
        "size": kept.size,
        "source": source,
        "mode": "vault",
        "media_type": media_type,
        "taken_at": world.now().isoformat(),
        **more,
    }
    return (Draft(Kind.EVIDENCE, ACTOR, body),), {"sha256": kept.sha256, "size": kept.size, **more}


def _locators(view: IncidentView) -> list[Body]:
    """What the alerts and the request named: digests and places, never content."""
    found = [
        {
            "content_hashes": alert.get("alert", {}).get("content_hashes", []),
            "locators": alert.get("alert", {}).get("locators", []),
        }
        for alert in view.alerts
    ]
    stated = {
        name: view.facts[name] for name in ("content_hashes", "locators", "content_locators") if view.facts.get(name)
    }
    return [*found, *([stated] if stated else [])]


async def _draft(world: World, view: IncidentView, launch: Launch, operation: Keep) -> Kept:
    from firedoor.core.scope import typed_facts
    from firedoor.templates import render_draft

    clock = view.clocks[launch.instance.clock or ""]
    facts = {**world.organisation.facts, **typed_facts(view.facts, world.catalogue.facts)}
    draft = render_draft(clock, view, facts, world.organisation.words, operation.template or "authorities")
    name = f"draft for {clock['id']}"
    return await _bytes(
        world,
        launch,
        name,
        draft.text.encode(),
        "text/markdown",
        "drafted from the facts",
        missing=list(draft.missing),
        kind="draft",
    )
