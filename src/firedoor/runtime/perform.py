"""Performs one effect: a call to a connector, or putting something under custody.

Decides how doors are walked and what counts as done: a suspension only when the
data plane refuses and every neighbour still answers. An effect that may have
happened is observed before it is repeated. What happened is returned as journal
entries; leaves writing them, and what comes next, to the conductor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from firedoor.core.canonical import canonical
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.operations import Call, Keep, Retry
from firedoor.core.ports import Connector, Receipt, Snapshot
from firedoor.core.problems import FiredoorError, InDoubt, InvalidInput, Problem, Refused, Unanswered
from firedoor.core.scope import scope_of, typed_facts
from firedoor.core.targets import Door, Target
from firedoor.core.template import Template
from firedoor.core.ternary import NO, UNKNOWN, YES
from firedoor.core.turn import Launch
from firedoor.core.view import IncidentView, suspended_targets
from firedoor.runtime.keeping import keep
from firedoor.runtime.world import World

ACTOR = "firedoor"


@dataclass(frozen=True, slots=True)
class Performed:
    """What became of an effect: the entries to write, and a short outcome to show."""

    drafts: tuple[Draft, ...]
    outcome: Body


async def perform(world: World, view: IncidentView, launch: Launch) -> Performed:
    """Perform an effect. Never raises for what the outside world does: that becomes a `operation.failed` entry."""
    operation = launch.instance.operation
    assert isinstance(operation, (Call, Keep))  # noqa: S101 - nothing else is launched
    try:
        async with asyncio.timeout(operation.timeout_seconds):
            if isinstance(operation, Keep):
                drafts, result = await keep(world, view, launch, operation)
                return _finished(launch, "kept", result, drafts)
            drafts, result = await _call(world, view, launch, operation)
            return _finished(launch, "done", result, drafts)
    except TimeoutError:
        problem = Problem(
            code="R101", message=f"no end within {operation.timeout_seconds} s", do="look at the system by hand"
        )
        return _failed(world, launch, operation.retry, Unanswered(problem))
    except FiredoorError as error:
        return _failed(world, launch, operation.retry, error)
    except asyncio.CancelledError as error:
        if (task := asyncio.current_task()) is None or task.cancelling():
            raise  # we are being stopped; otherwise it is a fault inside a connector, and stops nobody else
        return _odd(world, launch, error)
    except Exception as error:  # noqa: BLE001 - a fault in a connector must stop neither the incident nor the others
        return _odd(world, launch, error)


def _odd(world: World, launch: Launch, error: BaseException) -> Performed:
    """What no connector should raise: a person looks at it, nothing is repeated by itself."""
    message = f"{type(error).__name__}: {error}"[:500]
    problem = Problem(code="R102", message=message, do="report it; do this step by hand")
    return _failed(world, launch, Retry(times=0, wait_seconds=0), FiredoorError(problem))


def _finished(launch: Launch, outcome: str, result: Body, drafts: tuple[Draft, ...]) -> Performed:
    finished = Draft(Kind.FINISHED, ACTOR, {"op": launch.instance.id, "outcome": outcome, "result": result})
    return Performed((*drafts, finished), {"status": "finished", "outcome": outcome, **result})


def _failed(world: World, launch: Launch, retry: Retry, error: FiredoorError) -> Performed:
    """Try again only where trying again can help: nothing that was refused or misconfigured."""
    hopeless = isinstance(error, (Refused, InvalidInput)) or not isinstance(error, Unanswered)
    final = hopeless or launch.attempt > retry.times
    body: Body = {"op": launch.instance.id, "attempt": launch.attempt, "problem": str(error)[:2000], "final": final}
    if not final:
        wait = timedelta(seconds=retry.wait_seconds * launch.attempt * world.retry_scale)
        body["retry_at"] = (world.now() + wait).isoformat()
    outcome = {"status": "failed", "error": str(error)[:2000], "final": final, "attempt": launch.attempt}
    return Performed((Draft(Kind.FAILED, ACTOR, body),), outcome)


async def _call(world: World, view: IncidentView, launch: Launch, call: Call) -> tuple[tuple[Draft, ...], Body]:
    target = world.target(target_name(world, view, launch))
    doors = _doors(target, call)
    match call.verb:
        case "capture":
            return await _capture(world, target, doors, launch)
        case "suspend":
            return (), await _suspend(world, view, target, doors, launch, call)
        case "verify":
            if target.id not in suspended_targets(view):
                return (), {"target": target.id, "note": "this incident does not hold it suspended (any more)"}
            return (), await _verify(world, target, doors[0], "refused")
        case "resume":
            return (), await _resume(world, view, target, launch)


def target_name(world: World, view: IncidentView, launch: Launch) -> str:
    """Which target an operation is about. Raises InvalidInput while that is unknown."""
    operation = launch.instance.operation
    template = str(getattr(operation, "target", None) or "")
    facts = typed_facts(view.facts, {})
    scope = scope_of(view, {**facts}, world.organisation.words, launch.instance.item, launch.instance.clock)
    name = Template.parse(template).render(scope).strip()
    if not name or name.startswith("[unknown"):
        raise InvalidInput(
            Problem(
                code="R103",
                message=f"which target {template} means is not known yet",
                do="set the fact, then try again",
            )
        )
    return name


def _doors(target: Target, call: Call) -> tuple[Door, ...]:
    if not call.doors:
        return target.doors
    by_name = {door.name: door for door in target.doors}
    chosen = tuple(by_name[name] for name in call.doors if name in by_name)
    return chosen or target.doors


async def _capture(
    world: World, target: Target, doors: tuple[Door, ...], launch: Launch
) -> tuple[tuple[Draft, ...], Body]:
    """Capture every door's state; one that cannot be captured cannot be closed, and says so. One is enough to go on."""
    looks = (_connector(world, door).capture_state(target, door) for door in doors)
    names = (door.name for door in doors)
    found = dict(zip(names, await asyncio.gather(*looks, return_exceptions=True), strict=True))
    snapshots = [snapshot for snapshot in found.values() if isinstance(snapshot, Snapshot)]
    failures = {name: error for name, error in found.items() if isinstance(error, FiredoorError)}
    for error in found.values():
        if isinstance(error, BaseException) and not isinstance(error, FiredoorError):
            raise error
    if not snapshots:
        raise _none_captured(list(failures.values()))
    drafts = tuple(_snapshot_evidence(launch, snapshot) for snapshot in snapshots)
    result: Body = {"target": target.id, "snapshots": [snapshot.model_dump(mode="json") for snapshot in snapshots]}
    if failures:
        result["not_captured"] = {name: str(error)[:1000] for name, error in failures.items()}
    return drafts, result


def _none_captured(errors: list[FiredoorError]) -> FiredoorError:
    """Trying again helps where at least one door did not answer."""
    if len(errors) > 1 and any(isinstance(error, Unanswered) for error in errors):
        return Unanswered([problem for error in errors for problem in error.problems])
    return errors[0]


def _snapshot_evidence(launch: Launch, snapshot: Snapshot) -> Draft:
    """The snapshot itself stands in the journal, in the same transaction; evidence refers to it by digest."""
    body: Body = {
        "op": launch.instance.id, "name": f"state of {snapshot.target} at {snapshot.door}", "sha256": snapshot.digest,
        "size": len(canonical(snapshot.state)), "source": f"connector, door {snapshot.door}", "mode": "journal",
        "media_type": "application/json", "taken_at": snapshot.taken_at.isoformat(),
    }  # fmt: skip
    return Draft(Kind.EVIDENCE, ACTOR, body)


def _connector(world: World, door: Door) -> Connector:
    return world.connectors[door.connector]


async def _suspend(
    world: World, view: IncidentView, target: Target, doors: tuple[Door, ...], launch: Launch, call: Call
) -> Body:
    """Walk the doors until one is proved closed."""
    tried: list[Body] = []
    snapshots = _snapshots(view, launch, call)
    for door in doors:
        left_alone = "" if call.allow_irreversible else await _irreversible(world, target, door)
        if left_alone:
            tried.append({"door": door.name, "problem": left_alone})
            continue
        outcome = await _close(world, target, door, snapshots, launch)
        tried.append(outcome)
        if outcome.get("proved") == "yes":
            world.suspended.add(target.id)
            return {"target": target.id, "proved": "yes", "doors": tried}
        if outcome.get("target_refused"):
            raise Refused(_over_blocked(target, outcome))
    said = "; ".join(
        f"{outcome['door']}: {outcome.get('problem') or outcome.get('proof') or 'not proved'}" for outcome in tried
    )
    raise Unanswered(
        Problem(
            code="R104",
            message=f"{target.id} is not suspended. {said}",
            do="close it by hand, or mend the door and try again",
        )
    )


async def _irreversible(world: World, target: Target, door: Door) -> str:
    """Why a door is left alone; empty when it may be closed."""
    try:
        plan = await _connector(world, door).plan(target, door)
    except FiredoorError as error:
        return f"whether it could be opened again cannot be seen: {error}"[:1000]
    if plan.reversible == "no":
        return "it could not be opened again: left alone, because the playbook does not opt in"
    return ""


async def _close(world: World, target: Target, door: Door, snapshots: Mapping[str, Snapshot], launch: Launch) -> Body:
    """Close one door and look at the data plane. What may have happened already is observed first."""
    connector, key = _connector(world, door), f"{launch.key}:{door.name}"
    outcome: Body = {"door": door.name, "key": key}
    try:
        receipt = await _closed_already(world, target, door, key) if launch.observe or launch.attempt > 1 else None
        snapshot = snapshots.get(door.name)
        if receipt is None:
            if snapshot is None:
                return {**outcome, "problem": "its state was not captured"}
            receipt = await _suspend_or_observe(world, target, door, snapshot, key)
        outcome["receipt"] = receipt.model_dump(mode="json")
        verdict = await connector.verify(target, door, "refused")
    except FiredoorError as error:
        return {**outcome, "problem": str(error)[:1000]}
    proof = [probe.model_dump(mode="json") for probe in verdict.probes]
    refused = any(probe.what == "target" and probe.serving is NO for probe in verdict.probes)
    words = ", ".join(
        f"{p.name} {_serving(p.serving)}" + (f" ({p.status})" if p.status else "") for p in verdict.probes
    )
    return {
        **outcome,
        "proved": str(verdict.holds),
        "probes": proof,
        "proof": words,
        "target_refused": refused and verdict.holds is not YES,
    }


def _serving(answer: object) -> str:
    return "answers" if answer is YES else "refuses" if answer is NO else "is unknown"


async def _suspend_or_observe(world: World, target: Target, door: Door, snapshot: Snapshot, key: str) -> Receipt:
    """Suspend; when the call breaks off midway, look whether it happened instead of calling again."""
    try:
        return await _connector(world, door).suspend(target, door, snapshot, key)
    except InDoubt:
        receipt = await _closed_already(world, target, door, key)
        if receipt is None:
            raise
        return receipt


async def _closed_already(world: World, target: Target, door: Door, key: str) -> Receipt | None:
    """A receipt if the door is closed. Raises InDoubt where that cannot be seen."""
    observation = await _connector(world, door).observe(target, door, key)
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


async def _verify(world: World, target: Target, door: Door, expect: Literal["refused", "serving"]) -> Body:
    verdict = await _connector(world, door).verify(target, door, expect)
    if verdict.holds is not YES:
        words = (
            ", ".join(f"{probe.name} {_serving(probe.serving)}" for probe in verdict.probes) or "nothing could be seen"
        )
        raise Unanswered(
            Problem(code="R107", message=f"{target.id} is not shown to be {expect}: {words}", do="look at it by hand")
        )
    return {
        "target": target.id,
        "door": door.name,
        "proved": "yes",
        "probes": [p.model_dump(mode="json") for p in verdict.probes],
    }


async def _resume(world: World, view: IncidentView, target: Target, launch: Launch) -> Body:
    """Open again what this incident closed, last door first, and prove that it answers."""
    closed = _closed_doors(view, target.id)
    if not closed:
        return {"target": target.id, "changed": False, "note": "this incident never suspended it"}
    doors = {door.name: door for door in target.doors}
    receipts = []
    for name, (receipt, snapshot) in reversed(closed.items()):
        door = doors.get(name)
        if door is None:
            raise Refused(
                Problem(code="R108", message=f"{target.id} has no door {name} any more", do="open it by hand")
            )
        receipts.append(await _open(world, target, door, launch, snapshot, receipt))
    world.suspended.discard(target.id)
    proof = await _verify(world, target, doors[next(iter(closed))], "serving")
    return {**proof, "changed": True, "receipts": [receipt.model_dump(mode="json") for receipt in receipts]}


async def _open(
    world: World, target: Target, door: Door, launch: Launch, snapshot: Snapshot, closed_by: Receipt
) -> Receipt:
    """Open one door. What may have happened already is observed first."""
    connector, key = _connector(world, door), f"{launch.key}:{door.name}"
    if launch.observe or launch.attempt > 1:
        opened = await _open_already(world, target, door, key)
        if opened is not None:
            return opened
    try:
        return await connector.resume(target, door, snapshot, key, closed_by)
    except InDoubt:
        opened = await _open_already(world, target, door, key)
        if opened is None:
            raise
        return opened


async def _open_already(world: World, target: Target, door: Door, key: str) -> Receipt | None:
    """A receipt if the door is open. Raises InDoubt where that cannot be seen."""
    observation = await _connector(world, door).observe(target, door, key)
    if observation.closed is UNKNOWN:
        message = f"it cannot be seen whether {target.id} is open at {door.name}: {observation.detail}"
        raise InDoubt(Problem(code="R105", message=message, do="look at it by hand before anything is repeated"))
    if observation.closed is YES:
        return None
    detail = {"observed": True, "detail": observation.detail}
    return Receipt(
        target=target.id, door=door.name, action="resume", operation_key=key, changed=True, at=observation.at,
        detail=detail,
    )  # fmt: skip


def _closed_doors(view: IncidentView, target: str) -> dict[str, tuple[Receipt, Snapshot]]:
    """The doors of a target that this incident closed: its own receipts, and the states before."""
    snapshots: dict[str, Snapshot] = {}
    receipts: dict[str, Receipt] = {}
    for record in sorted(view.operations.values(), key=lambda record: record.finished_seq):
        result: Mapping[str, Any] = record.result
        if record.status != "finished" or result.get("target") != target:
            continue
        for item in result.get("snapshots", []):
            snapshots.setdefault(item["door"], Snapshot.model_validate(item))
        for door in result.get("doors", []):
            if door.get("receipt"):
                receipts[door["door"]] = Receipt.model_validate(door["receipt"])
    return {name: (receipt, snapshots[name]) for name, receipt in receipts.items() if name in snapshots}
