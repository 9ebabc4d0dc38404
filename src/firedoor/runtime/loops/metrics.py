"""Counts incidents for the figures: each once for a state of its journal, kept in the database for every process.

Decides that a question is answered within a moment, whatever is counted by then, and that the rest is counted beside
everything else, slowly, those that are over first. A figure is only ever taken for the very head of the chain, and by
the very formula, that it was worked out with. Leaves what is counted to `core.figures`, who may read it to the
interfaces.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from firedoor import __version__
from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.view import fold, readable
from firedoor.core.journal import Head
from firedoor.core.reporting.metrics import FORMULA, Figure, figure_of, read_back, written
from firedoor.runtime.config.container import World
from firedoor.runtime.repeating import Failing, repeat
from firedoor.store.incidents import figure_rows
from firedoor.store.incidents.figure_rows import Counted

VERSION = f"{FORMULA} of {__version__}"  # another release may read a journal otherwise
PATIENCE = 1.0  # seconds that a question may count for
LOOK = 30.0  # seconds between two looks for what is not counted yet
FIRST = 5.0  # seconds after the start: alerts come first
BATCH = 25  # incidents that are counted and written at once
SHARE = 4  # of the time, one part in so many is spent counting

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """The figures of some incidents, how many are not counted yet, and how many journals cannot be read."""

    figures: list[Figure]
    waiting: int = 0
    unreadable: int = 0


class Counting:
    """What this process knows of the figures. `figures` may be called from any thread."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._known: dict[str, tuple[Head, Figure]] = {}
        self._unreadable: dict[str, Head] = {}
        self._one_at_a_time = threading.Lock()  # two who count the same would only take each other's time

    async def forever(self, failing: Failing | None = None) -> None:
        """Count what is not counted, again and again; no fault ends it."""

        async def count() -> float | None:
            begun = time.monotonic()
            counted = await asyncio.to_thread(self.count_some)
            return (SHARE - 1) * (time.monotonic() - begun) if counted else None

        await asyncio.sleep(FIRST)
        await repeat("figures", count, LOOK, failing)

    def count_some(self) -> int:
        """Count a batch of those that are lacking, and keep them. Returns how many; 0 means that none is left."""
        lacking = figure_rows.lacking(self.world.store, VERSION, BATCH + len(self._unreadable))
        wanted = [one for one in lacking if self._unreadable.get(one.incident) != one.head][:BATCH]
        with self._one_at_a_time:
            return len(self._count(wanted, None)) if wanted else 0

    def figures(self, wanted: Sequence[Counted], patience: float | None = PATIENCE) -> Found:
        """The figures of these incidents, in this order. What is not kept is counted for so many seconds, or wholly."""
        missing = self._missing(wanted)
        if missing:
            for one, body in figure_rows.kept(self.world.store, VERSION, missing):
                self._known[one.incident] = (one.head, read_back(one.incident, body))
            missing = self._missing(missing)
        if missing and self._one_at_a_time.acquire(timeout=-1 if patience is None else patience):
            try:
                self._count(self._missing(missing), patience)
            finally:
                self._one_at_a_time.release()
        found = [self._known[one.incident][1] for one in wanted if self._knows(one)]
        waiting = self._missing(wanted)
        unreadable = sum(self._unreadable.get(one.incident) == one.head for one in waiting)
        return Found(found, len(waiting) - unreadable, unreadable)

    def _missing(self, wanted: Sequence[Counted]) -> list[Counted]:
        return [one for one in wanted if not self._knows(one)]

    def _knows(self, one: Counted) -> bool:
        """Whether it was counted at that entry; or at a later one, where somebody wrote while the question ran."""
        head, _ = self._known.get(one.incident, (None, None))
        return head is not None and (head == one.head or head.seq > one.head.seq)

    def _count(self, wanted: Sequence[Counted], patience: float | None) -> list[Counted]:
        """Count until the time is over; keep what was counted, batch by batch. Returns those that were looked at."""
        end = None if patience is None else time.monotonic() + patience
        looked: list[Counted] = []
        for start in range(0, len(wanted), BATCH):
            if end is not None and time.monotonic() > end:
                break
            batch = wanted[start : start + BATCH]
            counted = [(one.incident, *found) for one in batch if (found := self._one(one)) is not None]
            rows = [(name, head, written(figure)) for name, head, figure in counted]
            figure_rows.keep(self.world.store, VERSION, rows).result()
            self._known.update({name: (head, figure) for name, head, figure in counted})
            looked += batch
        return looked

    def _one(self, one: Counted) -> tuple[Head, Figure] | None:
        """Count one incident from its journal, and say at which entry; None where that is not the head it must have."""
        try:
            entries, plan = self.world.store.entries(one.incident), self.world.store.plan(one.plan_digest)
            view = fold(one.incident, entries)
            figure = figure_of(view, readable(view, entries), Names(plan, self.world.definitions(plan)))
            head = Head(entries[-1].seq, entries[-1].hash)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are counted
            log.error("figures: the journal of %s cannot be counted: %s", one.incident, error)  # noqa: TRY400
            self._unreadable[one.incident] = one.head
            return None
        if head.seq <= one.head.seq and head != one.head:  # it does not hold what the list says: `journal verify` tells
            self._unreadable[one.incident] = one.head
            return None
        return head, figure
