"""Figures over incidents: how many, how long they took, how their clocks ended. For managers, not for a prosecutor.

Decides what is counted of one incident and how many are put together: the median and the ninetieth percentile (nearest
rank), of those incidents whose both ends are known; how many those are is always said. Leaves who may read which
incident to the interfaces, and the five durations to `durations`.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import median

from firedoor.core.history.durations import measures
from firedoor.core.history.operation_titles import Names
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body, Entry, Kind
from firedoor.core.reporting.report import clock_line
from firedoor.core.reporting.request_figures import RequestFigure, figures_of, from_body
from firedoor.core.severity import UNSAID, Severity

FORMULA = 3  # to be raised with every change of what is counted of one incident: figures that are kept then end
TIMES = ("detect", "confirm", "contain", "notify", "close")
ABOUT = {
    "detect": "From when it began until it was noticed", "confirm": "From opening until a person confirmed it",
    "contain": "From opening until the first target was proved closed",
    "notify": "From confirmation until the first notice was sent", "close": "From opening until it was closed",
}  # fmt: skip
CLOCKS = ("met", "late", "missed", "waived", "open", "fell_away")
_ENDS = {"met_no_limit": "met", "superseded": "fell_away", "not_applicable": "fell_away"}
_OVER = frozenset(("closed", "dismissed"))


@dataclass(frozen=True, slots=True)
class Figure:
    """What is counted of one incident: nothing of its content. Seconds; None where an end is not known."""

    incident: str
    type: str
    severity: str
    state: str
    opened_at: str
    closed_at: str | None
    seconds: tuple[float | None, ...]  # in the order of TIMES
    clocks: tuple[int, ...]  # in the order of CLOCKS
    reopened: int
    dismissed: bool
    practice: bool = False  # in none of the numbers
    requests: tuple[RequestFigure, ...] = ()


def figure_of(view: IncidentView, entries: Sequence[Entry], names: Names) -> Figure:
    """Count one incident."""
    lasted = {measure["name"]: measure["seconds"] for measure in measures(view, entries, names)}
    ends = Counter(_ends(clock_line(clock)["result"]) for clock in view.clocks.values())
    return Figure(
        incident=view.id, type=str(view.type), severity=view.shown_severity, state=str(view.state),
        opened_at=view.opened_at, closed_at=view.closed_at, seconds=tuple(lasted[name] for name in TIMES),
        clocks=tuple(ends[end] for end in CLOCKS), reopened=_reopened(entries),
        dismissed=str(view.state) == "dismissed", practice=view.practice, requests=figures_of(view),
    )  # fmt: skip


def written(figure: Figure) -> Body:
    """A figure as JSON, without the incident that it is of."""
    return {name: value for name, value in asdict(figure).items() if name != "incident"}


def read_back(incident: str, body: Body) -> Figure:
    """A figure as it was written."""
    lists = {"seconds": tuple(body["seconds"]), "clocks": tuple(body["clocks"])}
    requests = tuple(from_body(one) for one in body["requests"])
    return Figure(**{**body, "incident": incident, **lists, "requests": requests})


def summary(all_of_them: Sequence[Figure]) -> Body:
    """Put figures together: {incidents, open, closed, false_alarms, reopened, practice, by_*, times, clocks}.

    Practice is counted by itself and stands in no other number.
    """
    figures = [one for one in all_of_them if not one.practice]
    closed = [one for one in figures if one.closed_at]
    return {
        "incidents": len(figures), "open": len(figures) - len(closed),
        "closed": sum(not one.dismissed for one in closed), "false_alarms": sum(one.dismissed for one in figures),
        "reopened": sum(one.reopened > 0 for one in figures), "practice": len(all_of_them) - len(figures),
        "by_severity": _count([*map(str, reversed(Severity)), UNSAID], [one.severity for one in figures]),
        "by_type": dict(sorted(Counter(one.type for one in figures).items())),
        "by_month": dict(sorted(Counter(one.opened_at[:7] for one in figures).items())),
        "times": [_time(name, [one.seconds[place] for one in figures]) for place, name in enumerate(TIMES)],
        "clocks": {name: sum(one.clocks[place] for one in figures) for place, name in enumerate(CLOCKS)},
    }  # fmt: skip


def as_csv(figures: Sequence[Figure]) -> str:
    """One line an incident (RFC 4180). An unknown span is an empty field."""
    written = io.StringIO()
    lines = csv.writer(written)
    times, clocks = [f"{name}_seconds" for name in TIMES], [f"clocks_{name}" for name in CLOCKS]
    about = ["incident", "type", "severity", "state", "opened_at", "closed_at"]
    lines.writerow([*about, *times, *clocks, "reopened", "practice"])
    for one in figures:
        head = [one.incident, one.type, one.severity, one.state, one.opened_at, one.closed_at or ""]
        spans = ("" if span is None else span for span in one.seconds)
        lines.writerow([*head, *spans, *one.clocks, one.reopened, int(one.practice)])
    return written.getvalue()


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile: the smallest value that at least this share do not exceed; None of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _time(name: str, seconds: Sequence[float | None]) -> Body:
    known = [span for span in seconds if span is not None]
    middle = round(median(known), 2) if known else None
    return {"name": name, "about": ABOUT[name], "known": len(known), "unknown": len(seconds) - len(known),
            "median_seconds": middle, "p90_seconds": percentile(known, 0.9)}  # fmt: skip


def _count(names: Sequence[str], found: Sequence[str]) -> dict[str, int]:
    counted = Counter(found)
    return {name: counted[name] for name in names}


def _ends(result: str) -> str:
    return _ENDS.get(result, result)


def _reopened(entries: Sequence[Entry]) -> int:
    """How often an incident that had ended went on."""
    states: list[object] = [entry.body["state"] for entry in entries if entry.kind == Kind.STATE]
    return sum(before in _OVER and after not in _OVER for before, after in pairwise(states))
