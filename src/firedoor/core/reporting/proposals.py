"""What one incident suggests to change in its playbook: proposals, worked out from the record, as a unified diff.

Decides three suggestions and nothing else: a longer limit where every answer to a question came late, the doors in the
order in which they closed, and every door where one did not close at all. Each says why. A proposal is never applied
by Firedoor: the text of the file is changed only in the diff. Limits that a law sets are never proposed to be longer.
Leaves reading files to `runtime.library` and the decision to the people of the review.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from firedoor.core.dates.duration import show_duration
from firedoor.core.history.durations import span
from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.view import IncidentView, TaskView
from firedoor.core.journal import Body, Entry, Kind
from firedoor.core.playbook.plan import Ask, Call

NICE = (300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 259200, 604800, 1209600, 2592000, 7776000)
HEAD = (
    "# Proposals from the record of {incident}, to be judged by the people of the review. Nothing was changed.\n"
    "# Playbook {playbook} {version}; read each reason before you take a line over.\n"
)
NOTHING = "# The record of {incident} proposes no change to {playbook} {version}.\n"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One line of a step to set: `field: value`, and why."""

    step: str
    field: str
    value: str
    because: str
    entries: tuple[int, ...] = ()

    def as_json(self) -> Body:
        """For the report and the API."""
        return {
            "step": self.step, "field": self.field, "value": self.value, "because": self.because,
            "entries": list(self.entries), "proposal": True,
        }  # fmt: skip


def proposals(view: IncidentView, entries: Sequence[Entry], names: Names) -> list[Proposal]:
    """Return what the record suggests, one proposal for a field of a step."""
    found: dict[tuple[str, str], Proposal] = {}
    for one in (*_limits(view, names), *_doors(view, entries, names)):
        found.setdefault((one.step, one.field), one)
    return list(found.values())


def _limits(view: IncidentView, names: Names) -> Iterator[Proposal]:
    """Questions that were answered, and never in time."""
    by_operation: dict[str, list[TaskView]] = {}
    for task in view.tasks.values():
        operation = names.operation(task.op)
        if isinstance(operation, Ask) and task.clock is None and task.answers:
            by_operation.setdefault(operation.id, []).append(task)
    for name, tasks in by_operation.items():
        operation = names.operation(name)
        given = [answer for task in tasks for answer in task.answers]
        if isinstance(operation, Ask) and all(answer.get("late") for answer in given):
            yield _longer(operation, max(_waited(task) for task in tasks), len(given))


def _longer(ask: Ask, took: float, answers: int) -> Proposal:
    limit = next((seconds for seconds in NICE if seconds >= max(took, ask.within_seconds)), NICE[-1])
    because = (
        f"every answer came late ({answers}), the slowest after {span(took)} of {show_duration(ask.within_seconds)}; "
        "where the time must not grow, reach the role faster instead"
    )
    return Proposal(ask.step, "within", show_duration(limit), because)


def _waited(task: TaskView) -> float:
    answered = datetime.fromisoformat(task.answers[-1]["at"])
    return (answered - datetime.fromisoformat(task.opened_at)) / timedelta(seconds=1)


def _doors(view: IncidentView, entries: Sequence[Entry], names: Names) -> Iterator[Proposal]:
    for instance, record in view.operations.items():
        operation = names.operation(instance)
        if isinstance(operation, Call) and operation.verb == "suspend" and not operation.every_door:
            tried = record.result.get("doors", [])
            good = [str(door["door"]) for door in tried if door.get("proved") == "yes"]
            bad = [str(door["door"]) for door in tried if door.get("proved") != "yes"]
            if good and bad:
                because = f"{', '.join(bad)} did not close; {', '.join(good)} did"
                yield Proposal(operation.step, "fallback", _listed([*good, *bad]), because, (record.finished_seq,))
    for entry in entries:
        operation = names.operation(str(entry.body.get("op", "")))
        final = entry.kind == Kind.FAILED and entry.body.get("final")
        if final and isinstance(operation, Call) and operation.verb == "suspend" and not operation.every_door:
            because = f"no door that was tried closed: {str(entry.body['problem'])[:200]}"
            yield Proposal(operation.step, "fallback", "all", because, (entry.seq,))


def _listed(names: Iterable[str]) -> str:
    return f"[{', '.join(names)}]"


def diff(
    made: Sequence[Proposal], files: Mapping[str, str], view: IncidentView
) -> tuple[str, list[Proposal]]:  # fmt: skip
    """Return the text of the diff over the playbook's files, and the proposals whose step stands in none of them."""
    about = {"incident": view.id, "playbook": view.playbook, "version": view.version}
    if not made:
        return NOTHING.format(**about), []
    changed, placed = dict(files), set()
    for one in made:
        for name, text in changed.items():
            new = with_field(text, one)
            if new is not None:
                changed[name] = new
                placed.add(one)
                break
    reasons = [f"# {one.step}: {one.field}: {one.value} - {' '.join(one.because.split())}\n" for one in made]
    left = [one for one in made if one not in placed]
    note = [f"# {one.step} has no id of its own in these files: set {one.field}: {one.value} by hand\n" for one in left]
    body = [line for name in files for line in _unified(name, files[name], changed[name])]
    return "".join([HEAD.format(**about), *reasons, *note, *body]), left


def _unified(name: str, before: str, after: str) -> Iterator[str]:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return (line if line.endswith("\n") else f"{line}\n" for line in lines)


def with_field(text: str, one: Proposal) -> str | None:
    """The file with one field of one step set; None when the step, by its `id:`, is not in it."""
    lines = text.splitlines(keepends=True)
    short = re.escape(one.step.rpartition(".")[2])
    at = next((i for i, line in enumerate(lines) if re.fullmatch(rf"\s+(?:- )?id: {short}\s*(?:#.*)?", line)), None)
    if at is None:
        return None
    indent = len(lines[at]) - len(lines[at].lstrip()) + (2 if lines[at].lstrip().startswith("- ") else 0)
    new = f"{' ' * indent}{one.field}: {one.value}\n"
    own = next((i for i in _block(lines, at, indent) if re.match(rf" {{{indent}}}{one.field}:", lines[i])), None)
    if own is None:
        return "".join([*lines[: at + 1], new, *lines[at + 1 :]])
    return "".join([*lines[:own], new, *lines[own + 1 :]])


def _block(lines: Sequence[str], at: int, indent: int) -> Iterator[int]:
    """The lines of the step around line `at`: those at its own indentation or deeper, up to the next step."""
    start = at
    while start > 0 and not _begins(lines[start], indent):
        start -= 1
    end = at + 1
    while end < len(lines) and not _ends(lines[end], indent):
        end += 1
    return iter(range(start, end))


def _begins(line: str, indent: int) -> bool:
    return line.startswith(f"{' ' * (indent - 2)}- ")


def _ends(line: str, indent: int) -> bool:
    return bool(line.strip()) and len(line) - len(line.lstrip()) < indent
