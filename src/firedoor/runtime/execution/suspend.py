"""Closes a target: walks its doors until it is proved closed, or closes every one of them.

Decides what counts as closed: only what callers see. A door that says yes and lets callers in is
not closed, and the next one is tried; each is told in the record. What may have happened is
observed before it is repeated. What must never be suspended is refused, whoever asks. Leaves the
order of operations to the plan, and keeping it closed to `holding`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal

from firedoor.core.execution.turn import Launch
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body
from firedoor.core.playbook.plan import Call
from firedoor.core.ports import Connector, KnowsReversibility, ProbeResult, Receipt, Snapshot, Verdict
from firedoor.core.problems import FiredoorError, InDoubt, Problem, Refused, Unanswered
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import NO, UNKNOWN, YES
from firedoor.runtime.config.container import World

SECOND_LOOK = 0.3  # seconds after which a neighbour that refuses is looked at again: it may just be closed on purpose


async def suspend(
    world: World, view: IncidentView, target: Target, doors: tuple[Door, ...], launch: Launch, call: Call
) -> Body:
    """Close a target and prove it. Raises Unanswered with each door's story when it is not proved."""
    refused = await world.admit(view, launch, target.id)
    if refused:
        problem = Problem(code="R114", message=f"{target.id} is not suspended without a person: {refused}",
                          do="answer `retry` to have it suspended; that is a person's decision then")  # fmt: skip
        raise Refused(problem)
    snapshots = _snapshots(view, launch, call)
    if call.every_door:
        tried = await _every(world, target, doors, snapshots, launch, call)
    else:
        tried = await _first_that_is_enough(world, target, doors, snapshots, launch, call)
    if not _enough(tried, every=call.every_door):
        raise _not_suspended(target, tried)
    world.closed(target.id)
    result: Body = {"target": target.id, "proved": "yes", "doors": tried}
    if call.hold is not None:
        held = call.hold
        result["hold"] = {
            "every": held.every_seconds, "on_drift": held.on_drift, "again_per_hour": held.again_per_hour,
        }  # fmt: skip
    return result


def never_suspended(target: Target) -> Refused:
    """Why a target is left alone by everybody: closing it would take a protection away."""
    message = f"{target.id} is never suspended by Firedoor: {target.because}"
    do = "close what misuses it instead; whoever must close it does so by hand, and says so: firedoor by-hand"
    return Refused(Problem(code="K502", message=message, do=do))


async def _first_that_is_enough(
    world: World, target: Target, doors: tuple[Door, ...], snapshots: Mapping[str, Snapshot], launch: Launch, call: Call
) -> list[Body]:
    tried: list[Body] = []
    for door in doors:
        outcome = await _shut(world, target, door, snapshots, launch, call)
        if "receipt" in outcome:
            outcome.update(await _proof(world, target, door))
        tried.append(outcome)
        if outcome.get("proved") == "yes":
            break
        if outcome.get("target_refused"):
            raise Refused(_over_blocked(target, outcome))
    return tried


async def _every(
    world: World, target: Target, doors: tuple[Door, ...], snapshots: Mapping[str, Snapshot], launch: Launch, call: Call
) -> list[Body]:
    """Close all of them first: while one is open, callers may come in there and prove nothing about the others."""
    tried = [await _shut(world, target, door, snapshots, launch, call) for door in doors]
    for door, outcome in zip(doors, tried, strict=True):
        if "receipt" in outcome:
            outcome.update(await _proof(world, target, door))
    if all("receipt" in outcome for outcome in tried) and all(outcome.get("target_refused") for outcome in tried):
        raise Refused(_over_blocked(target, tried[0]))
    return tried


def _enough(tried: list[Body], *, every: bool) -> bool:
    proved = [outcome.get("proved") == "yes" for outcome in tried]
    return bool(proved) and (all(proved) if every else any(proved))


def _not_suspended(target: Target, tried: list[Body]) -> Unanswered:
    said = "; ".join(f"{one['door']}: {one.get('problem') or one.get('proof') or 'not proved'}" for one in tried)
    message = f"{target.id} is not suspended. {said}"
    return Unanswered(Problem(code="R104", message=message, do="close it by hand, or mend the door and try again"))


async def _shut(
    world: World, target: Target, door: Door, snapshots: Mapping[str, Snapshot], launch: Launch, call: Call
) -> Body:
    """Close one door, unless it may not be. What may have happened already is observed first."""
    left_alone = "" if call.allow_irreversible else await _irreversible(world, target, door)
    if left_alone:
        return {"door": door.name, "problem": left_alone}
    key = f"{launch.key}:{door.name}"
    outcome: Body = {"door": door.name, "key": key}
    try:
        receipt = await closed_already(world, target, door, key) if launch.observe or launch.attempt > 1 else None
        snapshot = snapshots.get(door.name)
        if receipt is None:
            if snapshot is None:
                return {**outcome, "problem": "its state was not captured"}
            receipt = await _suspend_or_observe(world, target, door, snapshot, key)
    except FiredoorError as error:
        return {**outcome, "problem": str(error)[:1000]}
    return {**outcome, "receipt": receipt.model_dump(mode="json")}


async def _irreversible(world: World, target: Target, door: Door) -> str:
    """Why a door is left alone; empty when it may be closed."""
    connector = connector_of(world, door)
    try:
        if isinstance(connector, KnowsReversibility):  # a whole plan may ask the far end, and people wait for this
            reversible = connector.reversibility(target, door)
        else:
            reversible = (await connector.plan(target, door)).reversible
    except FiredoorError as error:
        return f"whether it could be opened again cannot be seen: {error}"[:1000]
    if reversible == "no":
        return "it could not be opened again: left alone, because the playbook does not opt in"
    return ""


async def _proof(world: World, target: Target, door: Door) -> Body:
    """Look as callers do. A neighbour that refuses may have been closed on purpose a moment ago, by anybody."""
    try:
        verdict = await _looked(world, target, door)
    except FiredoorError as error:
        return {"problem": str(error)[:1000]}
    refused = any(probe.what == "target" and probe.serving is NO for probe in verdict.probes)
    return {
        "proved": str(verdict.holds), "probes": [probe.model_dump(mode="json") for probe in verdict.probes],
        "proof": _words(verdict), "target_refused": refused and verdict.holds is not YES,
    }  # fmt: skip


async def _looked(world: World, target: Target, door: Door) -> Verdict:
    await world.know_suspended()
    verdict = await connector_of(world, door).verify(target, door, "refused")
    if any(probe.what == "neighbour" and probe.serving is NO for probe in _counted(world, verdict)):
        await asyncio.sleep(SECOND_LOOK)
        await world.know_suspended()
        verdict = await connector_of(world, door).verify(target, door, "refused")
    return verdict


def _counted(world: World, verdict: Verdict) -> list[ProbeResult]:
    return [probe for probe in verdict.probes if probe.name not in world.closed_on_purpose()]


def _words(verdict: Verdict) -> str:
    """What was seen, in words; a platform that says closed while callers come in has lied, and that is said."""
    looks = ", ".join(f"{p.name} {serving(p.serving)}" + (f" ({p.status})" if p.status else "") for p in verdict.probes)
    came_in = any(probe.what == "target" and probe.serving is YES for probe in verdict.probes)
    return f"it said that it closed, and callers are answered: {looks}" if came_in else looks


def serving(answer: object) -> str:
    """A look in one word."""
    return "answers" if answer is YES else "refuses" if answer is NO else "is unknown"


async def _suspend_or_observe(world: World, target: Target, door: Door, snapshot: Snapshot, key: str) -> Receipt:
    """Suspend; when the call breaks off midway, look whether it happened instead of calling again."""
    try:
        return await connector_of(world, door).suspend(target, door, snapshot, key)
    except InDoubt:
        receipt = await closed_already(world, target, door, key)
        if receipt is None:
            raise
        return receipt


async def closed_already(world: World, target: Target, door: Door, key: str) -> Receipt | None:
    """A receipt if the door is closed. Raises InDoubt where that cannot be seen."""
    observation = await connector_of(world, door).observe(target, door, key)
    if observation.closed is UNKNOWN:
        message = f"it cannot be seen whether {target.id} is closed at {door.name}: {observation.detail}"
        raise InDoubt(Problem(code="R105", message=message, do="look at it by hand before anything is repeated"))
    if observation.closed is NO:
        return None
    # What a receipt of the call itself would hold, too: without it the door could not be opened again by us.
    left = {"mark": observation.mark, "version_token": observation.version_token}
    detail = {"observed": True, "ours": str(observation.ours), "detail": observation.detail, **left}
    return Receipt(
        target=target.id, door=door.name, action="suspend", operation_key=key, changed=observation.ours is YES,
        at=observation.at, detail=detail,
    )  # fmt: skip


def _over_blocked(target: Target, outcome: Body) -> Problem:
    silent = [
        probe["name"] for probe in outcome["probes"] if probe["what"] == "neighbour" and probe["serving"] != "yes"
    ]
    who = ", ".join(silent) or "its neighbours"
    message = f"{target.id} refuses, but {who} cannot be shown to answer: more may be closed than was meant"
    return Problem(
        code="R106", message=message, do="look at the neighbours; if they are well, answer that it was done by hand"
    )


def _snapshots(view: IncidentView, launch: Launch, call: Call) -> dict[str, Snapshot]:
    suffix = launch.instance.id.removeprefix(call.id)
    record = view.operations.get(f"{call.snapshot}{suffix}")
    raw = record.result.get("snapshots", []) if record else []
    return {item["door"]: Snapshot.model_validate(item) for item in raw}


async def prove(world: World, target: Target, door: Door, expect: Literal["refused", "serving"]) -> Body:
    """Look whether a target is as expected. Raises Unanswered when that is not shown."""
    verdict = await connector_of(world, door).verify(target, door, expect)
    if verdict.holds is not YES:
        looks = ", ".join(f"{probe.name} {serving(probe.serving)}" for probe in verdict.probes)
        message = f"{target.id} is not shown to be {expect}: {looks or 'nothing could be seen'}"
        raise Unanswered(Problem(code="R107", message=message, do="look at it by hand"))
    probes = [probe.model_dump(mode="json") for probe in verdict.probes]
    return {"target": target.id, "door": door.name, "proved": "yes", "probes": probes}


def connector_of(world: World, door: Door) -> Connector:
    """The driver of a door."""
    return world.connectors[door.connector]
