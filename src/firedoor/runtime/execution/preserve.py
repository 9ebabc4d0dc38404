"""Puts evidence under custody: artefacts, the alert, hashes and locators, drafts.

Decides what is stored and what only its digest. Bytes go to the vault and are on
disk before the journal says so. Of intimate or possibly illegal material only
hashes and locators are kept; nothing is ever fetched from a locator.
"""

from __future__ import annotations

import asyncio
import hashlib

from firedoor.core.canonical import canonical
from firedoor.core.content import judge
from firedoor.core.evidence.kinds import EvidenceKind, judged, keeps_bytes, with_incident
from firedoor.core.execution.evidence_gaps import NotDescribed
from firedoor.core.execution.turn import Launch
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.playbook.plan import Keep
from firedoor.runtime.config.container import World
from firedoor.runtime.execution.examine import examined
from firedoor.runtime.execution.target_name import target_name

ACTOR = "firedoor"
Kept = tuple[tuple[Draft, ...], Body]


async def keep(world: World, view: IncidentView, launch: Launch, operation: Keep) -> Kept:
    """Keep one thing. Returns the entries about it and the result to show."""
    match operation.source:
        case "artefact":
            return await _artefact(world, view, launch, operation)
        case "alert":
            return await _json(world, launch, EvidenceKind.ALERT, list(view.alerts), "the alert as normalised")
        case "locators":
            source = "hashes and locators, nothing was fetched"
            return await _json(world, launch, EvidenceKind.LOCATORS, _locators(view), source)
        case "draft":
            return await _draft(world, view, launch, operation)
        case "examination":
            return await examined(world, view, launch, operation)


async def _artefact(world: World, view: IncidentView, launch: Launch, operation: Keep) -> Kept:
    target = world.target(target_name(world, view, launch))
    if operation.name not in target.evidence:
        do = "preserve it by hand and add it with `firedoor evidence add`, or describe it in the inventory"
        raise NotDescribed(operation.name, target, do)
    collected = await world.connectors[target.doors[0].connector].collect(target, operation.name)
    content, mode, seen = collected.content, "digest", None
    if content is not None:
        keeps = keeps_bytes(view.type, view.keep_bytes)
        seen = with_incident(
            await asyncio.to_thread(judge, content), collected.media_type, keeps=keeps, collected=content
        )
        if seen.keep:
            mode = "vault"
            await asyncio.to_thread(world.vault.put, content, seen)
    body: Body = {
        "op": launch.instance.id,
        "name": f"{operation.name} of {target.id}",
        "sha256": collected.digest,
        "size": collected.size,
        "source": collected.source,
        "mode": mode,
        "media_type": collected.media_type,
        "taken_at": collected.taken_at.isoformat(),
        "kind": str(EvidenceKind.ARTEFACT),
        **(judged(seen) if seen else {}),
    }
    return (Draft(Kind.EVIDENCE, ACTOR, body),), {
        "target": target.id,
        "sha256": collected.digest,
        "size": collected.size,
    }


async def _json(world: World, launch: Launch, kind: EvidenceKind, content: object, source: str) -> Kept:
    return await _bytes(world, launch, str(kind), canonical(content), "application/json", source, kind=str(kind))


async def _bytes(
    world: World,
    launch: Launch,
    name: str,
    content: bytes,
    media_type: str,
    source: str,
    **more: object,
) -> Kept:
    """Keep what was made here; its digest alone where an alert of an earlier version holds what is kept no more."""
    verdict, sha256 = judge(content), hashlib.sha256(content).hexdigest()
    if verdict.keep:
        await asyncio.to_thread(world.vault.put, content, verdict)
    body: Body = {
        "op": launch.instance.id,
        "name": name,
        "sha256": sha256,
        "size": len(content),
        "source": source,
        "mode": "vault" if verdict.keep else "digest",
        "media_type": media_type,
        "taken_at": world.now().isoformat(),
        **more,
        **judged(verdict),
    }
    return (Draft(Kind.EVIDENCE, ACTOR, body),), {"sha256": sha256, "size": len(content), **more}


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
    from firedoor.core.incident.scope import typed_facts
    from firedoor.templates import render_draft

    clock = view.clocks[launch.instance.clock or ""]
    facts = {**world.organisation.facts, **typed_facts(view.facts, world.catalogue.facts)}
    draft = render_draft(clock, view, facts, world.organisation.words, operation.template or "authorities")
    name = f"draft for {clock.id}"
    return await _bytes(
        world,
        launch,
        name,
        draft.text.encode(),
        "text/markdown",
        "drafted from the facts",
        missing=list(draft.missing),
        kind=str(EvidenceKind.DRAFT),
    )
