"""Which outputs a classifier scores at or above the threshold of a category.

Decides what is over: a score that is at least its category's threshold. A category without a
threshold is told, not passed over. Scores and thresholds are recorded together, because a
score means nothing without the threshold of that day. Outputs appear by digest and request.
"""

from __future__ import annotations

from collections.abc import Mapping

from firedoor.core.examinations.finding import MAXIMUM_LISTED, Examination, Finding, Json, number, rows, tally
from firedoor.core.problems import InvalidInput, Problem

SCORES, THRESHOLDS = "output_scores", "thresholds"


def examine(inputs: Mapping[str, object]) -> Finding:
    """Compare every score with its threshold. Raises InvalidInput for forms that cannot be read."""
    outputs = rows(inputs, SCORES, "outputs", "sha256", "scores")
    limits = _thresholds(inputs)
    over, unknown = [], set()
    for output in outputs:
        if not isinstance(output["scores"], Mapping):
            raise InvalidInput(_problem(SCORES, "scores is a mapping of categories to numbers"))
        for category, raw in sorted(output["scores"].items()):
            limit = limits.get(category)
            if limit is None:
                unknown.add(str(category))
            elif number(SCORES, raw) >= limit:
                over.append(_line(output, category, number(SCORES, raw), limit))
    digests = {line["sha256"] for line in over}
    report: Json = {
        "outputs": len(outputs),
        "outputs_over": len(digests),
        "thresholds": {category: repr(limit) for category, limit in sorted(limits.items())},
        "categories_without_a_threshold": sorted(unknown),
        "over_by_category": tally(line["category"] for line in over),
        "over": over[:MAXIMUM_LISTED],
    }
    said = f"{len(digests)} of {len(outputs)} outputs are at or over a threshold"
    return Finding(report, said + (f"; no threshold for {', '.join(sorted(unknown))}" if unknown else ""))


def _thresholds(inputs: Mapping[str, object]) -> dict[str, float]:
    found = inputs.get(THRESHOLDS)
    found = found.get("thresholds", found) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping) or not found:
        raise InvalidInput(_problem(THRESHOLDS, "is a mapping of categories to numbers, and not an empty one"))
    return {str(category): number(THRESHOLDS, raw) for category, raw in found.items()}


def _line(output: Json, category: str, score: float, limit: float) -> Json:
    line = {"sha256": str(output["sha256"]), "category": category, "score": repr(score), "threshold": repr(limit)}
    return {**line, "request": str(output["request"])} if "request" in output else line


def _problem(name: str, message: str) -> Problem:
    return Problem(code="X103", field=name, message=f"{name}: {message}", do="see docs/how-to/examine-evidence.md")


EXAMINATION = Examination(
    "scores", (SCORES, THRESHOLDS), examine, "Which outputs a classifier scores at or over its thresholds."
)
