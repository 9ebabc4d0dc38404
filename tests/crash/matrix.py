"""`make test-crash`: real processes killed with SIGKILL at the boundaries of the journal, and counted from outside.

`firedoor up` runs beside a real Prefect server and a model server that counts every call. Each
shipped playbook is lived through once in peace, and then once for each boundary, where the
process is killed again and again: before the entry that says an effect begins, after it, after
the effect, before the entry that says how it ended, while people are waited for, and after a
decision. What reached the far end, and what the journal tells, must be the same as in peace. The
doors have no guard of their own (see `plain_door`); one row more goes through those of the http
connector. Three kills a row, `--all` takes every one. Three lives run side by side. Exits 1 when
anything differs. See docs/explanation/durability.md.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TextIO

from tests.crash.processes import Supervisor, table
from tests.crash.proof import FROM_OUTSIDE, Given, Lane, Seen

from firedoor.core.playbook.plan import Call
from firedoor.runtime.config import playbooks as library

IN_EFFECT = ("planned", "started", "performed", "ended")
WORDS = {
    "": "never",
    "planned": "before `started` is written",
    "started": "after `started`, before the effect",
    "performed": "after the effect",
    "ended": "before `finished` is written",
    "waiting": "while people are waited for",
    "decided": "after a decision is written",
}
THROUGH_HTTP = ", through `http`"
HEADS = ("playbook", "killed", "kills", "effects expected", "effects seen", "journal expected", "seen", "ended")
SAMPLE = 3  # kills of each playbook at each boundary
LANES = 3  # a lane leaves a core idle now and then


def differences(seen: Seen, peace: Seen) -> list[str]:
    """In words, what is not as in peace."""
    found = [] if seen.state == peace.state else [f"ended {seen.state}, not {peace.state}"]
    found += [] if seen.holds else ["the journal does not hold"]
    for name, one, other in (("far end", seen.effects, peace.effects), ("journal", seen.story, peace.story)):
        found += [
            f"{name}: {what} {one[what]} times, not {other[what]}"
            for what in sorted(one | other)
            if one[what] != other[what]
        ]
    return found


def cells(playbook: str, peace: Seen, *, everything: bool, day: int) -> list[Given]:
    """The lives that are compared with the one in peace: one for each boundary, and one through the http connector."""

    def points(boundary: str) -> tuple[str, ...]:
        if boundary in FROM_OUTSIDE:
            return tuple(map(str, _spread(range(peace.answers), SAMPLE if not everything else peace.answers, day)))
        chosen = peace.operations if everything else operations(playbook, peace.operations, day)
        return tuple(f"{boundary}:{operation}" for operation in chosen)

    lives = [Given(playbook, boundary, points(boundary)) for boundary in (*IN_EFFECT, *FROM_OUTSIDE)]
    return [*lives, Given(playbook, "performed", points("performed"), plain=False)]


def operations(playbook: str, started: Sequence[str], day: int) -> list[str]:
    """One that closes, one that opens and one that does neither, each of its kind in turn from day to day."""
    verbs = {one.id: one.verb for one in library.compiled(playbook).operations if isinstance(one, Call)}
    kinds: dict[str, list[str]] = {"suspend": [], "resume": [], "": []}
    for operation in started:
        verb = verbs.get(operation.partition("[")[0], "")
        kinds[verb if verb in kinds else ""].append(operation)
    return [names[day % len(names)] for names in kinds.values() if names]


def _spread(places: Sequence[int], many: int, day: int) -> list[int]:
    """So many of them, evenly, with a beginning that moves from day to day."""
    step = max(1, len(places) // max(1, many))
    return list(places[day % step :: step])[:many]


class Matrix:
    """The lanes, and the lives that are given to whichever is free."""

    def __init__(self, folder: Path, lanes: int) -> None:
        self.supervisors = [Supervisor(folder / f"lane-{number}") for number in range(1, lanes + 1)]
        self.pool = ThreadPoolExecutor(lanes)
        self.free: SimpleQueue[Lane] = SimpleQueue()

    def start(self) -> None:
        """Start all lanes side by side."""
        for lane in self.pool.map(_started, self.supervisors):
            self.free.put(lane)

    def live(self, given: Given) -> Future[Seen]:
        """Have it lived in the next lane that is free."""
        return self.pool.submit(self._live, given)

    def close(self) -> None:
        """End every process."""
        self.pool.shutdown(cancel_futures=True)
        for supervisor in self.supervisors:
            supervisor.close()

    def _live(self, given: Given) -> Seen:
        lane = self.free.get()
        try:
            seen = lane.live(given)
        finally:
            self.free.put(lane)
        _say(sys.stderr, f"{_name(given)}: {seen.kills} kills, {seen.seconds:.0f} s, {seen.state}")
        return seen


def _started(supervisor: Supervisor) -> Lane:
    lane = Lane(supervisor)
    lane.start()
    return lane


def _name(given: Given) -> str:
    return f"{given.playbook}, killed {WORDS[given.boundary]}{'' if given.plain else THROUGH_HTTP}"


def prove(matrix: Matrix, playbooks: list[str], chosen: argparse.Namespace) -> tuple[list[list[Any]], list[str]]:
    """The rows of the table, and every difference."""
    quiet = [(playbook, matrix.live(Given(playbook))) for playbook in playbooks]
    in_peace = {playbook: life.result() for playbook, life in quiet}
    lives = [
        (given, matrix.live(given))
        for playbook, peace in in_peace.items()
        for given in cells(playbook, peace, everything=chosen.all, day=chosen.day)
        if not chosen.boundary or given.boundary in chosen.boundary
    ]
    rows: list[list[Any]] = []
    faults = [f"{name} in peace: {seen.state}" for name, seen in in_peace.items() if seen.state != "closed"]
    for given, life in lives:
        seen, peace = life.result(), in_peace[given.playbook]
        rows.append(_row(given, seen, peace))
        missing = len(given.points) - seen.kills
        wrong = [*differences(seen, peace), *([f"{missing} kills are missing"] if missing else [])]
        faults += [f"{_name(given)}: {fault}" for fault in wrong]
    return rows, faults


def _row(given: Given, seen: Seen, peace: Seen) -> list[Any]:
    where = WORDS[given.boundary] + ("" if given.plain else THROUGH_HTTP)
    counted = (peace.effects, seen.effects, peace.story, seen.story)
    return [given.playbook, where, seen.kills, *(counter.total() for counter in counted), seen.state]


def _say(where: TextIO, *lines: str) -> None:
    where.write("\n".join(lines) + "\n")
    where.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.matrix", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--all", action="store_true", help="kill at every operation and every answer")
    parser.add_argument("--day", type=int, default=datetime.now(UTC).toordinal(), help="which of them is taken today")
    parser.add_argument("--playbook", action="append", help="only this one; repeat it for more")
    parser.add_argument("--boundary", action="append", choices=[*IN_EFFECT, *FROM_OUTSIDE], help="only this one")
    parser.add_argument("--lanes", type=int, default=LANES, help="how many lives run side by side")
    parser.add_argument("--keep", action="store_true", help="leave the folder with the logs")
    return parser.parse_args()


def main() -> int:
    """Print the table; 1 when anything differs."""
    options, began = _options(), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="firedoor-crash-"))
    matrix = Matrix(folder, options.lanes)
    try:
        matrix.start()
        rows, faults = prove(matrix, options.playbook or [path.stem for path in library.paths()], options)
    finally:
        matrix.close()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    _say(sys.stdout, table(HEADS, rows), *[f"differs: {fault}" for fault in faults])
    _say(sys.stdout, f"{sum(row[2] for row in rows)} kills in {time.monotonic() - began:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
