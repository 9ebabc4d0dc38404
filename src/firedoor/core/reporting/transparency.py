"""The transparency report of a year: requests of people by law, how long they waited, how they were answered.

Decides that a request counts in the year in which it arrived (UTC), that practice counts nowhere, that a time is the
median and the ninetieth percentile of those whose both ends are known, and which heading of which law each number
stands under. Leaves what is counted of one request to `request_figures`.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from firedoor.core.journal import Body
from firedoor.core.reporting.metrics import Figure, percentile
from firedoor.core.reporting.request_figures import RequestFigure
from firedoor.core.requests.request import Ground, Outcome, RequestKind

NOT_SAID = "not_said"
TIMES: Mapping[str, str] = {
    "acknowledge": "from arrival until the first acknowledgement that was recorded",
    "remove": "from arrival until the answer that the content is gone",
    "answer": "from arrival until the answer, whichever it was",
}


@dataclass(frozen=True, slots=True)
class Heading:
    """A law, with what it says about such a report. `duties` are the beginnings of the ids of its duties."""

    law: str
    title: str
    citation: str
    says: str
    duties: tuple[str, ...]


HEADINGS = (
    Heading("take_it_down", "TAKE IT DOWN Act (United States)", "Pub. L. 119-12 sec 3; 47 USC 223a",
            "The Act asks for removal within 48 hours of a valid request, and for no yearly report.", ("us.tida.",)),
    Heading("uk_osa", "Online Safety Act 2023 (United Kingdom)", "ss 10(3A), 20, 21, 77",
            "A categorised service reports what a notice of Ofcom asks for (s 77).", ("uk.osa.",)),
    Heading("eu_dsa", "Digital Services Act (European Union)", "Regulation (EU) 2022/2065, Arts 15(1)(b), (d), 24(1)",
            "At least once a year: notices, what was done, the median time, complaints, their outcomes.", ("eu.dsa.",)),
)  # fmt: skip


def transparency(year: int, figures: Sequence[Figure], organisation: str, made_at: datetime) -> Body:
    """The report: {year, organisation, made_at, incidents, all, laws, other_laws, appeals, definitions}."""
    counted = [one for one in figures if not one.practice]
    found = [one for figure in counted for one in figure.requests if _year(one) == year]
    with_them = sum(any(_year(one) == year for one in figure.requests) for figure in counted)
    named = {duty for heading in HEADINGS for one in found for duty in one.laws if duty.startswith(heading.duties)}
    return {
        "year": year, "organisation": organisation or None, "made_at": made_at.isoformat(timespec="seconds"),
        "incidents": with_them, "all": section(found),
        "laws": [
            {"law": one.law, "title": one.title, "citation": one.citation, "says": one.says,
             **section([figure for figure in found if _under(figure, one.duties)])}
            for one in HEADINGS
        ],
        "other_laws": section([one for one in found if one.laws and not named & set(one.laws)]),
        "no_law": section([one for one in found if not one.laws]),
        "definitions": {"year": "requests that arrived from 1 January to 31 December, UTC", **TIMES},
    }  # fmt: skip


def section(found: Sequence[RequestFigure]) -> Body:
    """Count some requests: {requests, by_kind, open, removed, refused, withdrawn, refusals, times}."""
    outcomes = Counter(one.outcome for one in found)
    refused = Counter(one.ground or NOT_SAID for one in found if one.outcome == Outcome.REFUSED)
    return {
        "requests": len(found),
        "by_kind": {str(kind): sum(one.kind == kind for one in found) for kind in RequestKind},
        "open": outcomes[None], **{str(name): outcomes[name] for name in Outcome},
        "refusals": {name: refused[name] for name in (*map(str, Ground), NOT_SAID)},
        "times": {name: _time(_spans(found, ends)) for name, ends in _ENDS.items()},
    }  # fmt: skip


def as_csv(report: Mapping[str, object]) -> str:
    """One number a line (RFC 4180): law, measure, value. An unknown time is an empty field."""
    made = io.StringIO()
    lines = csv.writer(made)
    lines.writerow(["year", "law", "measure", "value"])
    for law, body in sections(report):
        for measure, value in _flat(body):
            lines.writerow([report["year"], law, measure, "" if value is None else value])
    return made.getvalue()


def sections(report: Mapping[str, object]) -> Iterable[tuple[str, Mapping[str, object]]]:
    """Every part of the report that has numbers, with its name."""
    laws = report["laws"]
    parts = [("all", report["all"]), *((one["law"], one) for one in laws if isinstance(laws, list))]  # type: ignore[attr-defined]
    parts += [("other_laws", report["other_laws"]), ("no_law", report["no_law"])]
    return [(str(name), body) for name, body in parts if isinstance(body, Mapping)]


def _flat(body: Mapping[str, object], before: str = "") -> Iterable[tuple[str, object]]:
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        elif not isinstance(value, str):
            yield f"{before}{name}", value


def _acknowledged(one: RequestFigure) -> str | None:
    return one.acknowledged_at


def _removed(one: RequestFigure) -> str | None:
    return one.answered_at if one.outcome == Outcome.REMOVED else None


def _answered(one: RequestFigure) -> str | None:
    return one.answered_at


_ENDS: Mapping[str, Callable[[RequestFigure], str | None]] = {
    "acknowledge": _acknowledged, "remove": _removed, "answer": _answered,
}  # fmt: skip


def _spans(found: Sequence[RequestFigure], ends: Callable[[RequestFigure], str | None]) -> list[float]:
    """Seconds from the arrival, of those that got so far. A clock that was set back makes no time negative."""
    known = [(one.received_at, end) for one in found if (end := ends(one))]
    return [max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(at)).total_seconds()) for at, end in known]


def _time(spans: Sequence[float]) -> Body:
    middle = round(median(spans), 2) if spans else None
    return {"known": len(spans), "median_seconds": middle, "p90_seconds": percentile(spans, 0.9)}


def _year(one: RequestFigure) -> int:
    return datetime.fromisoformat(one.received_at).year


def _under(one: RequestFigure, duties: tuple[str, ...]) -> bool:
    return any(duty.startswith(duties) for duty in one.laws)
