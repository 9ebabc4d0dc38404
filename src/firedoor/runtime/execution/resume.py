"""Opens again what an incident has closed, last door first, and proves that it answers.

Decides when opening is refused although people agreed: under a legal hold, while it is being
closed again, and while another incident holds the same target closed. What may have happened is
observed before it is repeated. Leaves who must agree to the playbook.
"""

from __future__ import annotations

import asyncio

from firedoor.core.execution.turn import Launch
from firedoor.core.incident.holds import unfinished
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body
from firedoor.core.ports import Receipt, Snapshot
from firedoor.core.problems import InDoubt, Problem, Refused, Unanswered
from firedoor.core.targets import Door, Target
from firedoor.core.tasks.releasing import under_legal_hold
from firedoor.core.ternary import UNKNOWN, YES
from firedoor.runtime.config.container import World
from firedoor.runtime.execution.suspend import connector_of, prove

Closed = dict[str, tuple[Receipt, Snapshot]]


async def resume(world: World, view: IncidentView, target: Target, launch: Launch) -> Body:
    """Open again what this incident closed, and prove that it answers."""
    closed = closed_doors(view, target.id)
    if not closed:
        return {"target": target.id, "changed": False, "note": "this incident never suspended it"}
    _may_be_opened(view, target, launch)
    released = await _held_by_others(world, view, target, closed)
    if released:
        return {"target": target.id, "changed": False, "released": True, "note": released}
    doors = {door.name: door for door in target.doors}
    receipts = []
    for name, (receipt, snapshot) in reversed(closed.items()):
        door = doors.get(name)
        if door is None:
            raise Refused(
                Problem(code="R108", message=f"{target.id} has no door {name} any more", do="open it by hand")
            )
        receipts.append(await _open(world, target, door, launch, snapshot, receipt))
    world.opened(target.id)
    proof = await prove(world, target, doors[next(iter(closed))], "serving")
    return {**proof, "changed": True, "receipts": [receipt.model_dump(mode="json") for receipt in receipts]}


def _may_be_opened(view: IncidentView, target: Target, launch: Launch) -> None:
    hold = view.holds.get(target.id)
    under_way = unfinished(view, hold) if hold else None
    if under_way and under_way != launch.instance.id:
        raise Unanswered(_problem("R113", f"{target.id} is being closed again at this moment", "try again in a minute"))
    if view.legal_hold:
        raise Refused(under_legal_hold(view, target.id))


async def _held_by_others(world: World, view: IncidentView, target: Target, closed: Closed) -> str:
    """Why it stays closed though this incident lets go of it; empty when nobody else holds it."""
    others = [one for one in await world.holders(target.id) if one != view.id]
    if not others:
        return ""
    names = ", ".join(others)
    if any(receipt.changed or receipt.detail.get("ours") in (True, "yes") for receipt, _ in closed.values()):
        do = "their people let go of it first; the incident that closed it opens it last"
        raise Refused(_problem("K503", f"{target.id} is held closed by {names} as well", do))
    return f"it was closed before; it stays closed for {names}"


async def _open(
    world: World, target: Target, door: Door, launch: Launch, snapshot: Snapshot, closed_by: Receipt
) -> Receipt:
    """Open one door. What may have happened already is observed first."""
    connector, key = connector_of(world, door), f"{launch.key}:{door.name}"
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
    observation = await connector_of(world, door).observe(target, door, key)
    if observation.closed is UNKNOWN:
        message = f"it cannot be seen whether {target.id} is open at {door.name}: {observation.detail}"
        raise InDoubt(_problem("R105", message, "look at it by hand before anything is repeated"))
    if observation.closed is YES:
        return None
    detail = {"observed": True, "detail": observation.detail}
    return Receipt(
        target=target.id, door=door.name, action="resume", operation_key=key, changed=True, at=observation.at,
        detail=detail,
    )  # fmt: skip


def closed_doors(view: IncidentView, target: str) -> Closed:
    """The doors of a target that this incident closed: its own receipts, the newest ones, and the states before."""
    snapshots: dict[str, Snapshot] = {}
    receipts: dict[str, Receipt] = {}
    for record in sorted(view.operations.values(), key=lambda record: record.finished_seq):
        result = record.result
        if record.status != "finished" or result.get("target") != target:
            continue
        for item in result.get("snapshots", []):
            snapshots.setdefault(item["door"], Snapshot.model_validate(item))
        for door in result.get("doors", []):
            if receipt := door.get("receipt"):
                receipts[door["door"]] = Receipt.model_validate(receipt)
    return {name: (receipt, snapshots[name]) for name, receipt in receipts.items() if name in snapshots}


async def closed_by_us(view: IncidentView, target: Target) -> list[tuple[Door, Receipt, Snapshot]]:
    """The doors of a target that are still in the inventory and that this incident closed."""
    doors = {door.name: door for door in target.doors}
    found = await asyncio.to_thread(closed_doors, view, target.id)
    return [(doors[name], receipt, snapshot) for name, (receipt, snapshot) in found.items() if name in doors]


def _problem(code: str, message: str, do: str) -> Problem:
    return Problem(code=code, message=message, do=do)
