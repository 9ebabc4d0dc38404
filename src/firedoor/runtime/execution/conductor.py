"""The conductor: drives one incident from its journal until there is nothing to do.

Decides nothing about the incident; it takes turns (`core.turn`), writes what they
call for in one transaction each, starts effects side by side and takes the next
turn as soon as any of them ends. Whoever performs an effect (this process
directly, or a Prefect task run around it) is handed in. Killed at any point and
started again, it goes on from the journal.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from firedoor.core.execution.progress import Instance, Progress
from firedoor.core.execution.questions import render
from firedoor.core.execution.turn import Launch, Rules, Turn, next_turn
from firedoor.core.incident.scope import scope_of, typed_facts
from firedoor.core.incident.view import IncidentView, fold, suppose, take
from firedoor.core.journal import Body, Draft, Entry, Kind
from firedoor.core.playbook.plan import Plan
from firedoor.runtime.config.container import World
from firedoor.runtime.execution.incident_views import told
from firedoor.runtime.execution.perform import Performed, perform
from firedoor.runtime.execution.performer import OperationView, Performer, Shown, perform_directly
from firedoor.store.incidents.journal import Conflict, LostLease
from firedoor.store.incidents.leases import Lease

log = logging.getLogger(__name__)

Ending = Literal["waiting", "closed", "lost_lease"]
BLANK = re.compile(r"\{[{%].*?[}%]\}")  # what a title is filled in with
BOUNDARY = Callable[[str, str], Awaitable[None]]


async def no_boundary(_where: str, _operation: str) -> None:
    """Nothing happens between two lines, except in a test that kills the driver there."""


@dataclass
class Conductor:
    """One drive of one incident. `stopped_at` and `wake_at` say where it stopped and when time alone continues it."""

    world: World
    incident: str
    lease: Lease
    performer: Performer = perform_directly
    shown: Shown | None = None
    reflex_only: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    boundary: BOUNDARY = no_boundary
    fresh: bool = False  # the entries given to `drive` were just written by this process: nothing in them is in doubt
    stopped_at: int = 0
    wake_at: datetime | None = None

    def __post_init__(self) -> None:
        self._running: dict[str, asyncio.Task[Performed]] = {}
        self._to_show: asyncio.Queue[tuple[OperationView, Body] | None] = asyncio.Queue()
        self._own: set[str] = set()
        self._plan: Plan | None = None

    async def drive(self, entries: Sequence[Entry] = ()) -> Ending:
        """Drive until nothing is ready. `entries` are those already read, if any."""
        showing = asyncio.create_task(self._show()) if self.shown else None
        try:
            return await self._loop(list(entries))
        except LostLease:
            return "lost_lease"
        finally:
            for task in self._running.values():
                task.cancel()
            # Whoever drives next must find every effect either done or given up, never still under way.
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            if showing:
                self._to_show.put_nowait(None)
                await showing

    async def _loop(self, entries: list[Entry]) -> Ending:
        ours = frozenset(str(e.body["op"]) for e in entries if e.kind == Kind.STARTED) if self.fresh else frozenset()
        view = await self._read(entries)
        ended: list[Draft] = []
        while True:
            if self.wake.is_set():  # somebody wrote: what they wrote must not wait for an effect to end
                self.wake.clear()
                view = await self._catch_up(view, ended)
                ended = []
            turn = await self._turn(view, ended)
            ended = []
            if turn is None:
                view = await self._read([])
                continue
            view = self._view
            for launch in turn.launches:
                self._launch(view, replace(launch, observe=False) if launch.instance.id in ours else launch)
            ours = frozenset()
            if not self._running:
                self.stopped_at, self.wake_at = view.head.seq, turn.wake_at
                return "closed" if turn.over else "waiting"
            ended = await self._any(turn.wake_at)

    async def _read(self, entries: list[Entry]) -> IncidentView:
        found = entries or await asyncio.to_thread(self.world.store.entries, self.incident)
        view = fold(self.incident, found)
        self._view = view
        if self._plan is None:
            kept = self.world.store.plan_at_hand(view.plan_digest)
            self._plan = kept or await asyncio.to_thread(self.world.store.plan, view.plan_digest)
        self._show_entries(view, found)
        return view

    async def _catch_up(self, view: IncidentView, ended: list[Draft]) -> IncidentView:
        """Write what has ended, then take in what others wrote."""
        if ended:
            await self._append(ended, self.world.now(), None)
        entries = await asyncio.to_thread(self.world.store.entries, self.incident, view.head.seq)
        for entry in entries:
            take(view, entry)
        self._show_entries(view, entries)
        return view

    async def _turn(self, view: IncidentView, ended: list[Draft]) -> Turn | None:
        """Take a turn and write it. None: the journal has grown meanwhile, so it must be read again."""
        assert self._plan is not None  # noqa: S101 - read before the first turn
        now = self.world.now()
        head = view.head
        suppose(view, ended, now)
        rules: Rules = self.world.rules(self._plan, with_law=not self.reflex_only)
        turn = next_turn(rules, view, now, frozenset(self._running), reflex_only=self.reflex_only)
        drafts = [*ended, *turn.drafts]
        for launch in turn.launches:
            await self.boundary("planned", launch.instance.id)
        if drafts:
            try:
                entries = await self._append(drafts, now, head.seq)
            except Conflict:
                if ended:
                    await self._append(ended, now, None)
                return None
            view.head = type(head)(entries[-1].seq, entries[-1].hash)
            self._show_entries(view, entries)
        return turn

    async def _append(self, drafts: Sequence[Draft], now: datetime, expect: int | None) -> tuple[Entry, ...]:
        future = self.world.store.append(self.incident, drafts, now, expect=expect, token=self.lease.token)
        return await asyncio.wrap_future(future)

    def _launch(self, view: IncidentView, launch: Launch) -> None:
        self._own.add(launch.instance.id)
        self._running[launch.instance.id] = asyncio.create_task(self._effect(view, launch))

    async def _effect(self, view: IncidentView, launch: Launch) -> Performed:
        """Have the effect performed, once. Where the performer gives way it is performed here, observed if it began."""
        performed: list[Performed] = []
        began: list[Launch] = []
        turn = asyncio.Lock()

        async def effect() -> Body:
            async with turn:
                if not performed:
                    again = replace(launch, observe=True) if began else launch
                    began.append(again)
                    await self.boundary("started", launch.instance.id)
                    performed.append(await perform(self.world, view, again))
                    await self.boundary("performed", launch.instance.id)
            return performed[0].outcome

        try:
            await self.performer(self._shape(view, launch.instance), effect)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise  # we are being stopped; otherwise only whoever shows it was
        except Exception as error:  # noqa: BLE001 - whoever shows it failed; the effect is what counts
            log.info("%s was not shown: %r", launch.instance.id, error)
        await effect()
        return performed[0]

    async def _any(self, until: datetime | None) -> list[Draft]:
        """Wait until an effect has ended, somebody wrote to the journal, or time alone makes something ready.

        Returns what the ended effects write: an effect that takes hours must not hold up what is due meanwhile.
        """
        left = None if until is None else max((until - self.world.now()).total_seconds(), 0.0)
        woken = asyncio.create_task(self.wake.wait())
        await asyncio.wait([*self._running.values(), woken], timeout=left, return_when=asyncio.FIRST_COMPLETED)
        woken.cancel()
        drafts: list[Draft] = []
        for name, task in list(self._running.items()):
            if task.done():
                del self._running[name]
                drafts += task.result().drafts
                await self.boundary("ended", name)
        return drafts

    def _shape(self, view: IncidentView, instance: Instance) -> OperationView:
        assert self._plan is not None  # noqa: S101 - an instance is one of a plan
        return operation_view(self.world, self._plan, view, instance)

    def _show_entries(self, view: IncidentView, entries: Sequence[Entry]) -> None:
        """Queue what was finished by others; a view that fails must not stop the incident."""
        if self.shown is None or self._plan is None:
            return
        try:
            self._queue(self._plan, view, entries)
        except Exception as error:  # noqa: BLE001 - it is only shown
            log.warning("%s cannot be shown: %r", self.incident, error)

    def _queue(self, plan: Plan, view: IncidentView, entries: Sequence[Entry]) -> None:
        """What the reflex, a person, a driver before a crash, or a turn itself has finished."""
        finished = {Kind.FINISHED, Kind.TASK_ANSWERED, Kind.FAILED, Kind.SKIPPED}
        relevant = [entry for entry in entries if entry.kind in finished]
        if not relevant:
            return
        instances = Progress(plan, view).instances
        for entry in relevant:
            name = str(entry.body.get("op") or entry.body.get("task"))
            if name in instances and name not in self._own and entry.body.get("decides", True):
                self._own.add(name)
                self._to_show.put_nowait((self._shape(view, instances[name]), shown_outcome(entry)))

    async def _show(self) -> None:
        """Show in journal order, beside the work and never in front of it."""
        while (item := await self._to_show.get()) is not None:
            try:
                await self.shown(*item)  # type: ignore[misc]
            except Exception:  # noqa: BLE001, S112 - a view that fails must not stop the incident
                continue


def operation_view(world: World, plan: Plan, view: IncidentView, instance: Instance) -> OperationView:
    """What is shown of an operation: its id, its title filled in, and what it waited for.

    Where what came of it is not told, neither is what the title is filled in with; of an incident that only some need
    to know about not even the title, which may say what it is about.
    """
    operation, tell = instance.operation, told(view, plan)
    after = tuple(dict.fromkeys(edge.after for edge in operation.after))
    if view.readers is not None:
        number = [one.id for one in plan.operations].index(operation.id) + 1
        return OperationView(instance.id, f"Operation {number}", str(operation.phase), "operation", after, tell)
    title = operation.title if tell else BLANK.sub("…", operation.title)
    if "{{" in title:
        scope = scope_of(view, typed_facts(view.facts, {}), world.organisation.words, instance.item, instance.clock)
        title = render(title, scope)
    return OperationView(instance.id, title, str(operation.phase), operation.do, after, tell)


def shown_outcome(entry: Entry) -> Body:
    """What is shown of an entry that ended an operation."""
    body = entry.body
    if entry.kind == Kind.FAILED:
        return {"status": "failed", "error": body["problem"], "at": entry.at}
    if entry.kind == Kind.SKIPPED:
        return {"status": "skipped", "why": body.get("why", ""), "at": entry.at}
    if entry.kind == Kind.TASK_ANSWERED:
        return {"status": "finished", "outcome": body["choice"], "by": body["by"], "role": body["role"], "at": entry.at}
    return {"status": "finished", "outcome": body["outcome"], "at": entry.at, **body.get("result", {})}
