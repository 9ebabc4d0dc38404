"""Performs an examination: collects what it reads, has it examined, keeps the report, and sets what nobody knew.

Decides that inputs are never stored, only their digests beside the report; that a finding which
contradicts what is known, or is not plausible, sets nothing and is asked about with both sides; and that a
model which is named becomes the target that serves it. Leaves the examinations to `core`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json

from firedoor.core.canonical import canonical
from firedoor.core.content import judge
from firedoor.core.entries.run import FactsSet
from firedoor.core.evidence.kinds import EvidenceKind, judged
from firedoor.core.examinations import EXAMINATIONS, Finding, hashes
from firedoor.core.examinations.provenance import PNG, embedded
from firedoor.core.examinations.statement import Statement, stated
from firedoor.core.execution.evidence_gaps import NotDescribed
from firedoor.core.execution.turn import Launch
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.json_types import as_object, as_objects, text_at
from firedoor.core.playbook.plan import Keep
from firedoor.core.ports import Collected
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.targets import Target
from firedoor.runtime.config.container import World
from firedoor.runtime.execution.target_name import target_name
from firedoor.runtime.hashing.kept import as_list

ACTOR = "firedoor"
OTHER = "other_candidate"  # the target that a finding names where another is known


async def examined(world: World, view: IncidentView, launch: Launch, operation: Keep) -> tuple[tuple[Draft, ...], Body]:
    """Examine, and return the entries and the result to show. Raises InvalidInput for what cannot be examined."""
    target = world.target(target_name(world, view, launch))
    examination = EXAMINATIONS[operation.name]
    from_banks = examination.name == "hashes" and hashes.LIST not in target.evidence and world.banks is not None
    names = [name for name in examination.inputs if not (from_banks and name == hashes.LIST)]
    collected = [await _collect(world, target, name) for name in names]
    given = {one.name: _read(one) for one in collected}
    if from_banks:
        given[hashes.LIST] = await asyncio.to_thread(_from_banks, world, given[hashes.CONTENT])
    finding = await asyncio.to_thread(examination.examine, given)
    sources = {one.name: {"sha256": one.digest, "size": one.size, "source": one.source} for one in collected}
    about = {"examination": operation.name, "target": target.id, "inputs": sources, "said": finding.summary}
    what, op = f"{operation.name} of {target.id}", launch.instance.id
    people = [await _kept(world, op, EvidenceKind.PEOPLE, what, finding, finding.people)] if finding.people else []
    report = {**finding.report, **about, **({"people_sha256": people[0].body["sha256"]} if people else {})}
    kept = await _kept(world, op, EvidenceKind.EXAMINATION, what, finding, report)
    statement, other = _statement(world, view, finding)
    if statement.refused:
        put_up = _set(operation, finding, view, other, f"; {statement.refused}; both are put up for closing")
        raise NotTaken((*people, kept, *put_up), f"{finding.summary}: {statement.refused}")
    drafts = (*people, kept, *_set(operation, finding, view, statement.facts))
    return drafts, {"target": target.id, "sha256": kept.body["sha256"], "said": finding.summary}


def _from_banks(world: World, content: object) -> object:
    """The entries of the kept banks near what is stored: found by the index, compared by the examination itself."""
    assert world.banks is not None  # noqa: S101 - asked before
    rows = as_objects(as_object(content).get("content") if isinstance(content, dict) else content)
    found = {
        (one.bank, one.digest): one
        for row in rows
        for one in world.banks.near(text_at(row, "algorithm"), text_at(row, "value").lower(), hashes.PDQ_DISTANCE)
    }
    return {"hashes": as_list(found.values())}


async def _kept(world: World, op: str, kind: EvidenceKind, what: str, finding: Finding, content: object) -> Draft:
    """Keep one of the two pieces that an examination leaves; where an artefact hid content in it, its digest alone."""
    written = canonical(content)
    verdict = await asyncio.to_thread(judge, written)
    if verdict.keep:
        await asyncio.to_thread(world.vault.put, written, verdict)
    body: Body = {
        "op": op,
        "name": f"examination: {what}"
        if kind is EvidenceKind.EXAMINATION
        else f"people named by the examination: {what}",
        "sha256": hashlib.sha256(written).hexdigest(),
        "size": len(written),
        "source": finding.summary,
        "mode": "vault" if verdict.keep else "digest",
        "media_type": "application/json",
        "taken_at": world.now().isoformat(),
        "kind": str(kind),
        **judged(verdict),
    }
    return Draft(Kind.EVIDENCE, ACTOR, body)


async def _collect(world: World, target: Target, name: str) -> Collected:
    if name not in target.evidence:
        raise NotDescribed(name, target, "examine it by hand, or describe it in the inventory")
    collected = await world.connectors[target.doors[0].connector].collect(target, name)
    if collected.content is None:
        message = f"the inventory says `keep: digest` for the {name} of {target.id}, so it cannot be read"
        do = "examine it by hand, or give it `keep: content`"
        raise InvalidInput(Problem(code="R110", message=message, do=do))
    return collected


def _read(collected: Collected) -> object:
    content = collected.content or b""
    if content.startswith(PNG):
        return [embedded(content)]
    try:
        return json.loads(content)
    except ValueError:
        message = f"the {collected.name} is not JSON"
        raise InvalidInput(Problem(code="X101", field=collected.name, message=message, do="send JSON")) from None


def _statement(world: World, view: IncidentView, finding: Finding) -> tuple[Statement, Body]:
    """The finding as one statement, and the other candidate where it names another target than is known."""
    values = dict(finding.facts)
    if "endpoint" in values:
        model = str(values["endpoint"])
        values["endpoint"] = _serving(world, model) or (model if model == view.facts.get("endpoint") else None)
    statement = stated(finding, values, view.facts)
    other = "endpoint" in statement.contradicts and view.facts.get(OTHER) is None
    return statement, {OTHER: values["endpoint"]} if other else {}


def _set(
    operation: Keep, finding: Finding, view: IncidentView, values: Body, more: str = ""
) -> tuple[Draft, ...]:  # fmt: skip
    """The entry that sets facts of a finding, with its method, how much fitted, and why."""
    if not values:
        return ()
    fitted = f" ({finding.plausible.words})" if finding.plausible else ""
    method = f", by {finding.method}" if finding.method else ""
    why = f"{operation.name}: {finding.summary}{method}{fitted}{more}"
    before = {name: view.facts[name] for name in values if name in view.facts}
    return (Draft(Kind.FACTS, ACTOR, FactsSet(values=values, before=before, why=why)),)


class NotTaken(InvalidInput):
    """A finding that is kept under custody and sets nothing: people look at both sides."""

    def __init__(self, drafts: tuple[Draft, ...], why: str) -> None:
        do = "look at both sides in the report under evidence, then say what holds; nothing of it was taken as a fact"
        super().__init__(Problem(code="X106", message=why, do=do))
        self.drafts = drafts


def _serving(world: World, model: str) -> str | None:
    """The one target that serves a model; None when there is none, or several and a person must choose."""
    found = [target.id for target in world.inventory.targets.values() if model in (target.id, target.model)]
    return found[0] if len(found) == 1 else None
