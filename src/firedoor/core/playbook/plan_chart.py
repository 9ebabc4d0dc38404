"""Where the steps of a plan stand on its picture, and which arrows are between them.

Decides the geometry: the operations of one step are one box, each phase is a band, and a box stands below what it waits
for. An arrow that others imply is left out, because a plan of a hundred operations has several hundred. Positions are
whole numbers. Leaves drawing to the template, and the whole truth to the list beside the picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Any

from firedoor.core.lifecycle import Phase
from firedoor.core.playbook.plan import SETTLED, Ask, Call, Choose, Keep, Operation, Tell

Body = dict[str, Any]
BOX, TALL, GAP, ROW, BAND = 284, 46, 14, 70, 30  # units of the picture
IN_A_ROW = 4
LEFT = 12
LETTERS = 42  # of one line in a box
_HOLE = re.compile(r"\{\{\s*(?:facts\.|item\.|clock\.|organisation\.)?([\w.]+)[^}]*\}\}")


def plan_chart(operations: Sequence[Operation]) -> Body:
    """Return {width, height, bands, boxes, arrows}. Each box has id, x, y, lines, who and title."""
    steps = _steps(operations)
    arrows = _arrows(operations, list(steps))
    boxes: dict[str, Body] = {}
    bands, y = [], 0
    for phase in Phase:
        names = [name for name, found in steps.items() if found[0].phase == phase]
        if names:
            rows = _rows(names, arrows)
            bands.append({"phase": str(phase), "y": y, "height": BAND + len(rows) * ROW})
            boxes |= _placed(rows, steps, y + BAND)
            y += BAND + len(rows) * ROW
    width = LEFT + max((box["x"] for box in boxes.values()), default=0) + BOX
    drawn = [_arrow(boxes[before], boxes[after], sure=sure) for (before, after), sure in arrows.items()]
    return {"width": width, "height": y, "bands": bands, "boxes": list(boxes.values()), "arrows": drawn}


def plain_title(text: str) -> str:
    """A title of the plan before its facts are known: `{{ facts.endpoint }}` reads as <endpoint>."""
    return " ".join(_HOLE.sub(lambda found: f"<{found[1].replace('_', ' ')}>", text).split())


def who(operation: Operation) -> str:
    """Who does it, in a few words; empty where Firedoor does it in its turn."""
    if isinstance(operation, Ask):
        role = operation.role.replace("_", " ")
        return role if operation.approvals == 1 else f"{operation.approvals} x {role}"
    if isinstance(operation, (Call, Keep)) and operation.reflex:
        return "at once"
    return " and ".join(operation.to).replace("_", " ") if isinstance(operation, Tell) else ""


def step_title(operations: Sequence[Operation]) -> str:
    """The name of a step: that of its only telling operation, else the last part of its id."""
    telling = [one for one in operations if not isinstance(one, Choose)]
    if len(telling) == 1:
        return plain_title(telling[0].title)
    words = operations[0].step.rpartition(".")[2].replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def _steps(operations: Iterable[Operation]) -> dict[str, list[Operation]]:
    steps: dict[str, list[Operation]] = {}
    for operation in operations:
        steps.setdefault(operation.step, []).append(operation)
    return steps


def _arrows(operations: Sequence[Operation], order: Sequence[str]) -> dict[tuple[str, str], bool]:
    """The arrows between steps in the order of the plan, without those that others imply; False: only if it ends so."""
    step_of = {operation.id: operation.step for operation in operations}
    place = {name: number for number, name in enumerate(order)}
    found: dict[tuple[str, str], bool] = {}
    for operation in operations:
        for edge in operation.after:
            before = step_of[edge.after]
            if place[before] < place[operation.step]:
                key = (before, operation.step)
                found[key] = found.get(key, True) and edge.on == SETTLED
    reach = _reach(found, order)
    implied = {
        (first, last) for first, last in found
        if any(last in reach[middle] for begin, middle in found if begin == first and middle != last)
    }  # fmt: skip
    return {key: sure for key, sure in found.items() if key not in implied}


def _reach(arrows: Mapping[tuple[str, str], bool], order: Sequence[str]) -> dict[str, set[str]]:
    """What lies behind each step, near or far."""
    reach: dict[str, set[str]] = {name: set() for name in order}
    for name in reversed(order):
        for begin, end in arrows:
            if begin == name:
                reach[name] |= {end} | reach[end]
    return reach


def _rows(names: Sequence[str], arrows: Mapping[tuple[str, str], bool]) -> list[list[str]]:
    """The steps of a phase in rows: below whatever they wait for, and so many beside each other."""
    depth: dict[str, int] = {}
    for name in names:
        depth[name] = max(
            (depth[before] + 1 for before, after in arrows if after == name and before in depth), default=0
        )
    rows = []
    for level in range(max(depth.values()) + 1):
        same = [name for name in names if depth[name] == level]
        rows += [same[start : start + IN_A_ROW] for start in range(0, len(same), IN_A_ROW)]
    return rows


def _placed(rows: Sequence[Sequence[str]], steps: Mapping[str, Sequence[Operation]], top: int) -> dict[str, Body]:
    placed = {}
    for number, row in enumerate(rows):
        for column, name in enumerate(row):
            title = step_title(steps[name])
            people = list(dict.fromkeys(filter(None, (who(one) for one in steps[name]))))
            placed[name] = {
                "id": name, "x": LEFT + column * (BOX + GAP), "y": top + number * ROW, "width": BOX, "height": TALL,
                "title": title, "lines": _lines(title, people), "asks": any(isinstance(o, Ask) for o in steps[name]),
                "acts": any(isinstance(o, Call) for o in steps[name]), "who": ", ".join(people),
            }  # fmt: skip
    return placed


def _lines(title: str, people: Sequence[str]) -> list[str]:
    second = wrap(", ".join(people), LETTERS, max_lines=1, placeholder="…") if people else []
    first = wrap(title, LETTERS, max_lines=1 if second else 2, placeholder="…")
    return [*first, *second]


def _arrow(before: Body, after: Body, *, sure: bool) -> Body:
    """A curve from below one box to above the other."""
    x1, y1 = before["x"] + BOX // 2, before["y"] + TALL
    x2, y2 = after["x"] + BOX // 2, after["y"]
    bend = max((y2 - y1) // 2, 18)
    return {"path": f"M{x1} {y1}C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}", "sure": sure}
