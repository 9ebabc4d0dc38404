"""Performs one effect: a call to a connector, or putting something under custody.

Decides what becomes of it: finished, failed for good, or tried again where trying again can
help. What happened is returned as journal entries. Leaves closing to `suspend`, opening to
`resume`, and writing the entries, and what comes next, to the conductor.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from firedoor.core.canonical import canonical
from firedoor.core.entries.custody import EvidenceKept
from firedoor.core.entries.run import OperationFailed
from firedoor.core.evidence.kinds import EvidenceKind
from firedoor.core.execution import missing_targets
from firedoor.core.execution.evidence_gaps import NotDescribed
from firedoor.core.execution.turn import Launch
from firedoor.core.incident.view import IncidentView, suspended_targets
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.playbook.plan import CONTENT_VERBS, Call, Keep, Retry
from firedoor.core.ports import Snapshot
from firedoor.core.problems import FiredoorError, InvalidInput, Problem, Refused, Unanswered
from firedoor.core.targets import Door, Target
from firedoor.runtime.config.container import World
from firedoor.runtime.execution.copies import NotProved, about_copies
from firedoor.runtime.execution.examine import NotTaken
from firedoor.runtime.execution.preserve import keep
from firedoor.runtime.execution.resume import resume
from firedoor.runtime.execution.suspend import never_suspended, prove, suspend
from firedoor.runtime.execution.target_name import target_name

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
            if operation.verb in CONTENT_VERBS:
                target = world.target(target_name(world, view, launch))
                drafts, outcome, result = await about_copies(world, view, target, launch, operation)
                return _finished(launch, outcome, result, drafts)
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
    body: OperationFailed = {
        "op": launch.instance.id,
        "attempt": launch.attempt,
        "problem": str(error)[:2000],
        "final": final,
    }
    if not final:
        wait = timedelta(seconds=retry.wait_seconds * launch.attempt * world.retry_scale)
        body["retry_at"] = (world.now() + wait).isoformat()
    if isinstance(error, NotDescribed):
        body["gap"] = error.gap
    if missing := missing_targets.record(error):
        body["absent"] = missing
    before = error.drafts if isinstance(error, (NotTaken, NotProved)) else ()
    outcome = {"status": "failed", "error": str(error)[:2000], "final": final, "attempt": launch.attempt}
    return Performed((*before, Draft(Kind.FAILED, ACTOR, body)), outcome)


async def _call(world: World, view: IncidentView, launch: Launch, call: Call) -> tuple[tuple[Draft, ...], Body]:
    target = world.target(target_name(world, view, launch))
    if target.never_suspend and call.verb in ("capture", "suspend"):
        raise never_suspended(target)
    doors = _doors(target, call)
    match call.verb:
        case "capture":
            return await _capture(world, target, doors, launch)
        case "suspend":
            return (), await suspend(world, view, target, doors, launch, call)
        case "verify":
            if target.id not in suspended_targets(view):
                return (), {"target": target.id, "note": "this incident does not hold it suspended (any more)"}
            return (), await prove(world, target, doors[0], "refused")
        case "resume":
            return (), await resume(world, view, target, launch)
        case _:  # copies of content, which `about_copies` performs
            raise AssertionError(call.verb)


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
    looks = (world.connectors[door.connector].capture_state(target, door) for door in doors)
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
    body: EvidenceKept = {
        "op": launch.instance.id, "name": f"state of {snapshot.target} at {snapshot.door}", "sha256": snapshot.digest,
        "size": len(canonical(snapshot.state)), "source": f"connector, door {snapshot.door}", "mode": "journal",
        "media_type": "application/json", "taken_at": snapshot.taken_at.isoformat(), "kind": str(EvidenceKind.STATE),
    }  # fmt: skip
    return Draft(Kind.EVIDENCE, ACTOR, body)
