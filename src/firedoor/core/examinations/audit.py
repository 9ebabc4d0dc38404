"""Which stored content breaks a rule of a rule file: hash, path, rule, severity, time.

Decides when a rule is broken: when everything that the rule names fits (paths as patterns, media
types, digests, labels). Content itself is never read here: a listing with digests is enough.
"""

from __future__ import annotations

from collections.abc import Mapping

from firedoor.core.examinations.finding import MAXIMUM_LISTED, Examination, Finding, Json, rows, tally
from firedoor.core.examinations.rules import breaks, faults, rules_of
from firedoor.core.problems import InvalidInput
from firedoor.core.severity import Severity

RULES, LISTING = "compliance_rules", "content_listing"


def examine(inputs: Mapping[str, object]) -> Finding:
    """Hold every piece of content against every rule. Raises InvalidInput for rules that cannot be read."""
    rules = rules_of(inputs.get(RULES))
    listing = rows(inputs, LISTING, "content", "path", "sha256")
    if problems := [problem for rule in rules for problem in faults(rule)]:
        raise InvalidInput(problems[:20])
    broken = [_violation(item, rule) for item in listing for rule in rules if breaks(item, rule)]
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


def _violation(item: Json, rule: Json) -> Json:
    return {
        "path": str(item["path"]),
        "sha256": str(item["sha256"]),
        "rule": str(rule["id"]),
        "severity": str(Severity(rule["severity"])),
        "says": str(rule.get("says", "")),
        "modified_at": str(item.get("modified_at", "")),
    }


EXAMINATION = Examination("audit", (RULES, LISTING), examine, "Which stored content breaks which rule of a rule file.")
