"""Keeps closed what an incident has closed: looks at it on a timer, until people open it again.

Decides nothing about what a look means (`core.holds`); it takes each look once among all
processes, asks the connectors, writes what follows, and closes a target again where the playbook
or a person says so, through the same `perform` as any other effect: journalled before and after,
observed when it is in doubt, under a key of its own. Needs no driver, no Prefect and no open
incident: what was closed stays held through pauses, aborts and the end of the incident.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from firedoor.core.execution.progress import Instance, Progress
from firedoor.core.execution.turn import Launch
from firedoor.core.incident.faults import HOLD
from firedoor.core.incident.hold_record import HoldRecord
from firedoor.core.incident.holds import (
    Look,
    again_key,
    again_of,
    commander,
    drift_task,
    judge,
    may_close_again,
    message,
    next_again,
    unfinished,
    what_follows,
    who_did_it,
)
from firedoor.core.incident.view import IncidentView, OperationRecord
from firedoor.core.journal import Body, Draft, Kind
from firedoor.core.playbook.plan import Call, Plan, Retry
from firedoor.core.ports import Observation, Receipt, Snapshot, Verdict
from firedoor.core.problems import FiredoorError
from firedoor.core.targets import Door, Target
from firedoor.core.tasks.releasing import failed_to_open
from firedoor.core.ternary import YES
from firedoor.runtime.config.container import World
from firedoor.runtime.execution.driver import Driver
from firedoor.runtime.execution.perform import perform
from firedoor.runtime.execution.resume import closed_by_us
from firedoor.runtime.execution.setting_aside import passes, set_aside, taken_up
from firedoor.runtime.execution.target_name import target_name
from firedoor.runtime.repeating import Failing, repeat
from firedoor.store.incidents import holds
from firedoor.store.incidents.holds import Claimed
from firedoor.store.incidents.journal import Conflict

PAUSE = 0.5  # seconds between two looks at what is due
SOON = timedelta(seconds=5)  # until a look that could not be taken is tried again
SIDE_BY_SIDE = 20
ATTEMPTS = 20  # how often entries are decided anew because somebody else wrote first

log = logging.getLogger(__name__)


class Holding:
    """The looks of one process; every API process and worker has one."""

    def __init__(self, world: World, driver: Driver) -> None:
        self.world = world
        self.driver = driver
        self.looked_at: datetime | None = None
        self.counts: Counter[str] = Counter()  # of this process: looks, drifted, closed_again, not_closed_again, unseen
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)
        self._under_way: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def forever(self, failing: Failing | None = None) -> None:
        """Look again and again; a slow target holds up no other, and no fault ends anything."""

        async def look() -> None:
            await self.begin_looks()

        try:
            await repeat("holding", look, PAUSE, failing)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def look(self) -> int:
        """Look at everything that is due, and wait for it. Returns how many looks this process took."""
        tasks = await self.begin_looks()
        await asyncio.gather(*tasks)
        return len(tasks)

    async def begin_looks(self) -> list[asyncio.Task[None]]:
        """Begin what is due and nobody else has taken; learn what other processes closed."""
        self.looked_at = now = self.world.now()
        await self.world.know_suspended()
        if self.world.brake is not None:
            await asyncio.to_thread(self.world.brake.read)
        begun = []
        for row in await asyncio.to_thread(holds.due, self.world.store, now):
            if (row["incident"], row["target"]) in self._under_way:
                continue
            claimed = await asyncio.wrap_future(holds.claim(self.world.store, row, now))
            if claimed is not None:
                begun.append(self._begin(claimed))
        return begun

    def _begin(self, claimed: Claimed) -> asyncio.Task[None]:
        key = (claimed.incident, claimed.target)
        self._under_way.add(key)
        task = asyncio.create_task(self._one(claimed), name=f"hold {claimed.target}")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._over(done, key))
        return task

    def _over(self, done: asyncio.Task[None], key: tuple[str, str]) -> None:
        self._tasks.discard(done)
        self._under_way.discard(key)

    async def _one(self, claimed: Claimed) -> None:
        """Take one look. Whatever goes wrong, the next one is taken."""
        after: timedelta | None = timedelta(seconds=claimed.every)
        closed = False
        try:
            async with self._slots:
                looking = _Looking(self.world, self.driver, claimed, self.counts)
                after, closed = await looking.take()
                if looking.view is not None:
                    await taken_up(self.world, looking.view, _part(claimed))
        except Exception as error:  # noqa: BLE001 - one target must not silence the others
            log.error("holding: %s of %s cannot be looked at: %s", claimed.target, claimed.incident, error)  # noqa: TRY400
            after = max(SOON, timedelta(seconds=claimed.every))
            await self._ask(claimed, error)
        now = self.world.now()
        await asyncio.wrap_future(holds.end_look(self.world.store, claimed, now + after, now if closed else None))

    async def _ask(self, claimed: Claimed, error: Exception) -> None:
        """A look that cannot be taken is told: else everybody takes the target for watched, and nobody watches it."""
        if not passes(error):
            what = f"Nobody sees whether {claimed.target} is still closed: it cannot be looked at"
            if await set_aside(self.world, claimed.incident, error, _part(claimed), what):
                self.driver.wake(claimed.incident)


def _part(claimed: Claimed) -> str:
    return f"{HOLD}{claimed.target}"


class _Looking:
    """One look at one target of one incident, and what follows from it."""

    def __init__(self, world: World, driver: Driver, claimed: Claimed, counts: Counter[str]) -> None:
        self.world = world
        self.driver = driver
        self.counts = counts
        self.incident, self.name = claimed.incident, claimed.target
        self.every = timedelta(seconds=claimed.every)
        self.view: IncidentView | None = None

    async def take(self) -> tuple[timedelta, bool]:
        """Returns when to look next, and whether it was seen closed."""
        self.view = view = await asyncio.to_thread(self.world.view, self.incident)
        plan = await asyncio.to_thread(self.world.store.plan, view.plan_digest)
        hold = view.holds.get(self.name)
        if hold is None:
            return self.every, False
        if (begun := unfinished(view, hold)) is not None:  # whoever began it is gone, for the look fell to us
            return await self._act(view, plan, hold, begun, observe=True)
        if self._being_opened(view, plan):
            return SOON, False
        if (by := self._opened_by_hand(view, plan)) is not None:
            await self._write(lambda _now, _hold: [Draft(Kind.HOLD_ENDED, "firedoor", by)])
            return self.every, False
        if hold.order and hold.order.do in ("close_again", "approve"):
            verb = "close" if hold.order.do == "close_again" else "open"
            return await self._begin_to(verb, view, hold.order.by)
        return await self._look(view, plan)

    async def _look(self, view: IncidentView, plan: Plan) -> tuple[timedelta, bool]:
        look, states = await self._see(view)
        asked = list(plan.roles)
        closing = False

        def decide(now: datetime, hold: HoldRecord | None) -> list[Draft]:
            nonlocal closing
            if hold is None:
                return []
            drafts = what_follows(hold, look, now, asked)
            closing = any(draft.kind == Kind.DRIFTED for draft in drafts) and may_close_again(hold, now)
            return [*drafts, self._started(hold, "close", "", states)] if closing else drafts

        written = await self._write(decide)
        self._count(look, written)
        if closing and written is not None and self.name in written.holds:
            hold = written.holds[self.name]
            begun = unfinished(written, hold)
            if begun is not None:
                return await self._act(written, plan, hold, begun)
        return self.every, look.seen == "closed"

    def _count(self, look: Look, written: IncidentView | None) -> None:
        self.counts["looks"] += 1
        story = written.hold_story[-1:] if written is not None else []
        if look.seen != "closed" and any(told.seen == look.words for told in story):
            self.counts["drifted" if look.seen == "open" else "unseen"] += 1

    async def _see(self, view: IncidentView) -> tuple[Look, list[Snapshot]]:
        """Ask callers' side and platform; what raises shows nothing. What is open is captured as well."""
        target = self.world.target(self.name)
        doors = await closed_by_us(view, target)
        looked = await asyncio.gather(*(self._door(target, *door) for door in doors))
        verdicts = [verdict for verdict, _ in looked if verdict is not None]
        observed = [(door[1], seen) for door, (_, seen) in zip(doors, looked, strict=True) if seen is not None]
        look = judge(verdicts, observed)
        if look.seen != "open":
            return look, []
        details = [seen.detail for _, seen in observed if seen.detail and seen.ours is not YES]
        states = await self._states(view, target)
        before = {snapshot.door: snapshot.state for _, _, snapshot in doors}
        said = [who_did_it(before.get(now.door, {}), now.state) for now in states]
        who = dict.fromkeys(word for words in (*said, who_did_it({}, {}, "; ".join(details))) for word in words)
        return Look(look.seen, look.words, tuple(who)), states

    async def _door(
        self, target: Target, door: Door, receipt: Receipt, _: Snapshot
    ) -> tuple[Verdict | None, Observation | None]:
        connector = self.world.connectors[door.connector]
        verdict: Verdict | None = None
        seen: Observation | None = None
        try:
            verdict = await connector.verify(target, door, "refused")
            seen = await connector.observe(target, door, receipt.operation_key)
        except FiredoorError as error:
            log.info("holding: %s at %s: %s", target.id, door.name, error)
        return verdict, seen

    async def _states(self, view: IncidentView, target: Target) -> list[Snapshot]:
        """The state of every door as it is now; a door that does not show it is left out, and is not closed then."""
        looks = (self.world.connectors[door.connector].capture_state(target, door) for door in self._ways(view, target))
        found = await asyncio.gather(*looks, return_exceptions=True)
        return [snapshot for snapshot in found if isinstance(snapshot, Snapshot)]

    def _ways(self, view: IncidentView, target: Target) -> list[Door]:
        """The doors whose state was captured before the first closing: those that it may be closed by."""
        captured = {
            snapshot["door"]
            for record in view.operations.values()
            for snapshot in record.result.get("snapshots", [])
            if snapshot["target"] == target.id
        }
        return [door for door in target.doors if door.name in captured]

    # -- closing again, and opening after the incident ----------------------------------------------

    async def _begin_to(self, verb: str, view: IncidentView, by: str) -> tuple[timedelta, bool]:
        states = await self._states(view, self.world.target(self.name)) if verb == "close" else []
        written = await self._write(lambda _now, hold: [self._started(hold, verb, by, states)] if hold else [])
        if written is None or self.name not in written.holds:
            return SOON, False
        hold = written.holds[self.name]
        plan = await asyncio.to_thread(self.world.store.plan, written.plan_digest)
        begun = unfinished(written, hold)
        return await self._act(written, plan, hold, begun) if begun else (SOON, False)

    def _started(self, hold: HoldRecord, verb: str, by: str, states: Sequence[Snapshot]) -> Draft:
        """With the states as they are now, whose version tokens the doors ask for; a resumption restores the first."""
        name = next_again(hold, verb)
        body: Body = {"op": name, "attempt": 1, "key": again_key(self.incident, name)}
        body["snapshots"] = [snapshot.model_dump(mode="json") for snapshot in states]
        return Draft(Kind.STARTED, "firedoor", {**body, "by": by} if by else body)

    async def _act(
        self, view: IncidentView, plan: Plan, hold: HoldRecord, name: str, *, observe: bool = False
    ) -> tuple[timedelta, bool]:
        """Perform it, journal its outcome, and ask people when it failed."""
        call = _call(plan, hold, name)
        launch = Launch(Instance(name, call), again_key(self.incident, name), 1, observe)
        performed = await perform(self.world, view, launch)
        failed = [draft for draft in performed.drafts if draft.kind == Kind.FAILED]

        def decide(now: datetime, hold: HoldRecord | None) -> list[Draft]:
            problem = failed[0].body["problem"] if failed else ""
            follow = self._failed(call, hold, problem, now, plan) if failed and hold else []
            return [*performed.drafts, *follow]

        await self._write(decide)
        if call.verb == "suspend":
            self.counts["not_closed_again" if failed else "closed_again"] += 1
        return (self.every if not failed else max(SOON, self.every)), not failed and call.verb == "suspend"

    def _failed(self, call: Call, hold: HoldRecord, problem: str, now: datetime, plan: Plan) -> list[Draft]:
        if call.verb == "resume":
            told = message([commander(plan.roles)], f"{self.name} could not be opened", problem)
            return [told, failed_to_open(plan, self.incident, self.name, call.id, problem, now)]
        return [drift_task(hold, f"It could not be closed again: {problem}", now, plan.roles)]

    # -- what others do to it ---------------------------------------------------------------------

    def _being_opened(self, view: IncidentView, plan: Plan) -> bool:
        return any(
            record.status == "started" and instance.id == op for op, record, instance in self._resumptions(view, plan)
        )

    def _opened_by_hand(self, view: IncidentView, plan: Plan) -> Body | None:
        """Who says that they opened it themselves, after it was closed."""
        for _, record, _instance in self._resumptions(view, plan):
            if record.by_hand and record.finished_seq > view.holds[self.name].seq:
                by = record.result.get("by", "")
                return {"target": self.name, "op": view.holds[self.name].op, "by": by, "why": "opened by hand"}
        return None

    def _resumptions(self, view: IncidentView, plan: Plan) -> list[tuple[str, OperationRecord, Instance]]:
        found = []
        for instance in Progress(plan, view).instances.values():
            record = view.operations.get(instance.id)
            operation = instance.operation
            if record is None or not isinstance(operation, Call) or operation.verb != "resume":
                continue
            try:
                same = target_name(self.world, view, Launch(instance, "", 1)) == self.name
            except FiredoorError:
                continue
            if same:
                found.append((instance.id, record, instance))
        return found

    async def _write(self, decide: Callable[[datetime, HoldRecord | None], list[Draft]]) -> IncidentView | None:
        """Decide on what the journal says, and write; decide anew when somebody else wrote first."""
        for _ in range(ATTEMPTS):
            view = await asyncio.to_thread(self.world.view, self.incident)
            now = self.world.now()
            drafts = decide(now, view.holds.get(self.name))
            if not drafts:
                return view
            try:
                future = self.world.store.append(self.incident, drafts, now, expect=view.head.seq)
                await asyncio.wrap_future(future)
            except Conflict:
                continue
            if view.closed_at is None:
                self.driver.wake(self.incident)
            return await asyncio.to_thread(self.world.view, self.incident)
        log.error("holding: %s is being written to by many at once", self.incident)
        return None


def _call(plan: Plan, hold: HoldRecord, name: str) -> Call:
    """The suspension of the plan once more, or its undoing, for this very target whatever the facts say now."""
    original = next(op for op in plan if op.id in (hold.op, hold.op.partition("[")[0]))
    assert isinstance(original, Call)  # noqa: S101 - only a suspension is held
    again = again_of(name)
    update: Body = {
        "id": name, "target": hold.target, "each": None, "reflex": False, "retry": Retry(times=0, wait_seconds=0),
        "snapshot": name,
        "verb": "resume" if again and again[1] == "open" else "suspend",
    }  # fmt: skip
    return original.model_copy(update=update)
