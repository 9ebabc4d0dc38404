"""Draws what is affected: as a tree of words, as Mermaid, as SVG.

Decides that whatever is drawn is in columns from data to customers, that a drawing which would be too large shows the
first of each column and says how many more there are, and that words of the inventory are escaped in every form.
Leaves what is drawn to `affected`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from firedoor.core.inventory.affected import Affected
from firedoor.core.inventory.graph import KINDS, Edge, Node

ROWS = 30  # of one column
LINES = 400  # of a tree
WIDE, HIGH, GAP, ROW = 190, 34, 60, 46
LOOK = 'font-family="sans-serif" font-size="12" fill="currentColor" stroke="none"'
TITLES = {
    "dataset": "Data", "run": "Training", "model": "Models", "target": "Targets", "region": "Regions",
    "customer": "Customers", "recipient": "Recipients",
}  # fmt: skip


def text(found: Affected) -> str:
    """A tree from each start; what was shown above is not unfolded again."""
    below: dict[str, list[Edge]] = {}
    for edge in found.edges:
        below.setdefault(edge.start, []).append(edge)
    nodes, shown, lines = {node.key: node for node in found.nodes}, set[str](), list[str]()
    waiting = [(node.key, "", 0) for node in reversed(found.origin)]
    while waiting:
        key, how, depth = waiting.pop()
        again = key in shown and below.get(key)
        said = f" ({nodes[key].form})" if nodes[key].form else ""
        lines.append(f"{'  ' * depth}{how + ' ' if how else ''}{nodes[key].id}{said}{', see above' if again else ''}")
        if key not in shown:
            shown.add(key)
            waiting += [(edge.end, edge.how, depth + 1) for edge in reversed(below.get(key, ()))]
    more = [f"and {len(lines) - LINES} more lines; --format json has all"] if len(lines) > LINES else []
    return "\n".join([*lines[:LINES], *more])


def mermaid(found: Affected) -> str:
    """A flowchart; ids are numbers, so that no name of the inventory is read as syntax."""
    columns, more = _columns(found)
    shown = {node.key: f"n{number}" for number, node in enumerate(one for column in columns for one in column)}
    lines = ["flowchart LR"]
    lines += [f'  {shown[node.key]}["{_quoted(node)}"]' for column in columns for node in column]
    lines += [
        f"  {shown[e.start]} -->|{e.how}| {shown[e.end]}" for e in found.edges if {e.start, e.end} <= shown.keys()
    ]
    lines += [f"  %% not drawn: {one}" for one in more]
    return "\n".join(lines) + "\n"


def _quoted(node: Node) -> str:
    safe = "".join(f"#{ord(sign)};" if sign in '"#<>&;`[]{}|' else sign for sign in node.id[:80])
    return f"{TITLES[node.kind].lower()}: {safe}"


def svg(found: Affected) -> str:
    """A picture with a title and a description for who cannot see it. Colours come from the page around it."""
    columns, more = _columns(found)
    places = {
        node.key: (20 + x * (WIDE + GAP), 40 + y * ROW)
        for x, column in enumerate(columns)
        for y, node in enumerate(column)
    }
    width = 20 + len(columns) * (WIDE + GAP)
    height = 60 + max((len(column) for column in columns), default=0) * ROW + 20 * len(more)
    words = f"{len(found.nodes)} things are reached from {', '.join(node.id for node in found.starts)}"
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {LOOK}>',
        f"<title>{escape('What is affected')}</title><desc>{escape(words[:500])}</desc>",
        *(f'<text x="{20 + x * (WIDE + GAP)}" y="24" font-weight="bold">{TITLES[column[0].kind]}</text>'
          for x, column in enumerate(columns)),
        *_lines(found.edges, places), *_boxes(found, columns, places),
        *(f'<text x="20" y="{height - 12 - 18 * number}">{escape(one)}</text>' for number, one in enumerate(more)),
        "</svg>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _columns(found: Affected) -> tuple[list[list[Node]], list[str]]:
    """The nodes by kind, no more than `ROWS` of each, and what is left out in words."""
    by_kind = [[node for node in found.nodes if node.kind == kind] for kind in KINDS]
    left = [
        f"{len(column) - ROWS} more {TITLES[column[0].kind].lower()} are not drawn"
        for column in by_kind
        if column[ROWS:]
    ]
    return [column[:ROWS] for column in by_kind if column], left


def _lines(edges: Iterable[Edge], places: dict[str, tuple[int, int]]) -> Iterator[str]:
    for edge in edges:
        if edge.start in places and edge.end in places:
            (x1, y1), (x2, y2) = places[edge.start], places[edge.end]
            if x1 == x2:  # within a column, around its left side
                top, bottom = y1 + HIGH // 2, y2 + HIGH // 2
                path = f"M{x1} {top} C{x1 - 30} {top} {x1 - 30} {bottom} {x2} {bottom}"
            else:
                start, end = (x1 + WIDE, y1 + HIGH // 2), (x2, y2 + HIGH // 2)
                middle = (start[0] + end[0]) // 2
                path = f"M{start[0]} {start[1]} C{middle} {start[1]} {middle} {end[1]} {end[0]} {end[1]}"
            yield f'<path d="{path}" fill="none" stroke="currentColor" opacity="0.45"><title>{edge.how}</title></path>'


def _boxes(found: Affected, columns: list[list[Node]], places: dict[str, tuple[int, int]]) -> Iterator[str]:
    started = {node.key for node in found.starts}
    for node in (one for column in columns for one in column):
        x, y = places[node.key]
        dashed = ' stroke-dasharray="4 3"' if not node.described else ""
        heavy = 3 if node.key in started else 1
        name = node.id if len(node.id) <= 26 else f"{node.id[:25]}…"
        yield (
            f'<g><title>{escape(node.id)}</title><rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="4" '
            f'fill="none" stroke="currentColor" stroke-width="{heavy}"{dashed}/>'
            f'<text x="{x + 8}" y="{y + 21}">{escape(name)}</text></g>'
        )
