"""Performs an examination: collects what it reads, has it examined, keeps the report, and sets what nobody knew.

Decides that inputs are never stored, only their digests beside the report; that a fact which a
person or an alert has given stays as it is (the report shows the difference); and that a model
which is named becomes the target that serves it. Leaves the examinations to `core`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from firedoor.core.canonical import canonical
from firedoor.core.examinations import EXAMINATIONS, Finding
from firedoor.core.examinations.provenance import PNG, embedded
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.operations import Keep
from firedoor.core.ports import Collected
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.targets import Target
from firedoor.core.turn import Launch
from firedoor.core.view import IncidentView
from firedoor.runtime.world import World

ACTOR = "firedoor"


async def examined(world: World, view: IncidentView, launch: Launch, operation: Keep) -> tuple[tuple[Draft, ...], Body]:
    """Examine, and return the entries and the result to show. Raises InvalidInput for what cannot be examined."""
    from firedoor.runtime.perform import target_name

    target = world.target(target_name(world, view, launch))
    examination = EXAMINATIONS[operation.name]
    collected = [await _collect(world, target, name) for name in examination.inputs]
    finding = await asyncio.to_thread(examination.examine, {one.name: _read(one) for one in collected})
    sources = {one.name: {"sha256": one.digest, "size": one.size, "source": one.source} for one in collected}
    about = {"examination": operation.name, "target": target.id, "inputs": sources, "said": finding.summary}
    kept = await asyncio.to_thread(world.vault.put, canonical({**finding.report, **about}))
    body: Body = {
        "op": launch.instance.id,
        "name": f"examination: {operation.name} of {target.id}",
        "sha256": kept.sha256,
        "size": kept.size,
        "source": finding.summary,
        "mode": "vault",
        "media_type": "application/json",
        "taken_at": world.now().isoformat(),
    }
    drafts = (Draft(Kind.EVIDENCE, ACTOR, body), *_facts(world, view, operation, finding))
    return drafts, {"target": target.id, "sha256": kept.sha256, "said": finding.summary}


async def _collect(world: World, target: Target, name: str) -> Collected:
    if name not in target.evidence:
        known = ", ".join(target.evidence) or "nothing"
        message = f"the inventory does not say where the {name} of {target.id} is read (known: {known})"
        do = "examine it by hand, or describe it in the inventory"
        raise InvalidInput(Problem(code="R109", message=message, do=do))
    collected = await world.connectors[target.doors[0].connector].collect(target, name)
    if collected.content is None:
        message = f"the inventory says `keep: digest` for the {name} of {target.id}, so it cannot be read"
        do = "examine it by hand, or give it `keep: content`"
        raise InvalidInput(Problem(code="R110", message=message, do=do))
    return collected


def _read(collected: Collected) -> Any:  # noqa: ANN401 - any JSON value
    content = collected.content or b""
    if content.startswith(PNG):
        return [embedded(content)]
    try:
        return json.loads(content)
    except ValueError:
        message = f"the {collected.name} is not JSON"
        raise InvalidInput(Problem(code="X101", field=collected.name, message=message, do="send JSON")) from None


def _facts(world: World, view: IncidentView, operation: Keep, finding: Finding) -> tuple[Draft, ...]:
    """What the finding tells and nobody has told before."""
    values = {name: value for name, value in finding.facts.items() if view.facts.get(name) is None}
    if "endpoint" in values:
        values["endpoint"] = _serving(world, str(values["endpoint"]))
    known = {name: value for name, value in values.items() if value is not None}
    if not known:
        return ()
    why = f"{operation.name}: {finding.summary}"
    return (Draft(Kind.FACTS, ACTOR, {"values": known, "before": {}, "why": why}),)


def _serving(world: World, model: str) -> str | None:
    """The one target that serves a model; None when there is none, or several and a person must choose."""
    found = [target.id for target in world.inventory.targets.values() if model in (target.id, target.model)]
    return found[0] if len(found) == 1 else None
