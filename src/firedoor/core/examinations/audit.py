"""Which stored content breaks a rule of a rule file: hash, path, rule, severity, time.

Decides when a rule is broken: when everything that the rule names fits (paths as patterns, media
types, digests, labels). Content itself is never read here: a listing with digests is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from firedoor.core.examinations.finding import MAXIMUM_LISTED, Examination, Finding, Json, rows, tally
from firedoor.core.json_types import as_array, as_object
from firedoor.core.problems import InvalidInput, Problem, nearest
from firedoor.core.severity import Severity

RULES, LISTING = "compliance_rules", "content_listing"
CRITERIA = ("paths", "media_types", "sha256", "labels")


def examine(inputs: Mapping[str, object]) -> Finding:
    """Hold every piece of content against every rule. Raises InvalidInput for rules that cannot be read."""
    rules = rows(inputs, RULES, "rules", "id", "severity")
    listing = rows(inputs, LISTING, "content", "path", "sha256")
    _check(rules)
    broken = [_violation(item, rule) for item in listing for rule in rules if _breaks(item, rule)]
    broken.sort(key=lambda line: (-Severity(line["severity"]).rank, line["path"], line["rule"]))
    report: Json = {
        "audited": len(listing),
        "rules": len(rules),
        "violations": len(broken),
        "content_in_violation": len({line["path"] for line in broken}),
        "by_severity": tally(line["severity"] for line in broken),
        "by_rule": tally(line["rule"] for line in broken),
        "broken": broken[:MAXIMUM_LISTED],
    }
    pieces = report["content_in_violation"]
    return Finding(report, f"{pieces} of {len(listing)} pieces of content break a rule ({len(broken)} violations)")


def _breaks(item: Json, rule: Json) -> bool:
    return all(_fits(item, name, rule[name]) for name in CRITERIA if name in rule)


def _fits(item: Json, criterion: str, wanted: object) -> bool:
    """Whether a piece meets one criterion, which has the form that `_check` asks for."""
    if criterion == "labels":
        labels = item.get("labels") or {}
        return all(str(labels.get(name, "")) == str(value) for name, value in as_object(wanted).items())
    words = [str(word) for word in as_array(wanted)]
    match criterion:
        case "paths":
            return any(fnmatchcase(str(item["path"]), pattern) for pattern in words)
        case "media_types":
            return any(fnmatchcase(str(item.get("media_type", "")), kind) for kind in words)
        case _:
            return str(item["sha256"]).lower() in {word.lower() for word in words}


def _violation(item: Json, rule: Json) -> Json:
    return {
        "path": str(item["path"]),
        "sha256": str(item["sha256"]),
        "rule": str(rule["id"]),
        "severity": str(Severity(rule["severity"])),
        "says": str(rule.get("says", "")),
        "modified_at": str(item.get("modified_at", "")),
    }


def _check(rules: list[Json]) -> None:
    problems = [problem for rule in rules for problem in _faults(rule)]
    if problems:
        raise InvalidInput(problems[:20])


def _faults(rule: Json) -> Iterator[Problem]:
    severity = str(rule["severity"])
    if severity not in tuple(Severity):
        yield _problem(rule, f'severity "{severity}"', nearest(severity, list(Severity)))
    if not any(name in rule for name in CRITERIA):
        yield _problem(rule, "names nothing that could be broken", f"give one of {', '.join(CRITERIA)}")
    for name in CRITERIA:
        if name in rule and not isinstance(rule[name], dict if name == "labels" else list):
            yield _problem(rule, f"{name} has the wrong form", "labels is a mapping, the others are lists")


def _problem(rule: Json, message: str, do: str) -> Problem:
    return Problem(code="X104", field=RULES, message=f"rule {rule['id']}: {message}", do=do)


EXAMINATION = Examination("audit", (RULES, LISTING), examine, "Which stored content breaks which rule of a rule file.")
