"""The rules of an audit: which forms of rule files are read, and when a piece of content breaks a rule.

Decides that a rule is broken when everything that it names fits, and that a rule which only has a name and a severity,
as some tools write them, is broken by content that is marked with that name. Leaves reading content to whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from firedoor.core.examinations.finding import Json, rows
from firedoor.core.json_types import as_array, as_object
from firedoor.core.problems import Problem, nearest
from firedoor.core.severity import Severity

RULES = "compliance_rules"
LISTS = ("paths", "media_types", "extensions", "sha256", "keywords", "marked")
MAPPINGS = ("labels", "scores")
NUMBERS = ("min_bytes", "max_bytes")
CRITERIA = (*LISTS, *MAPPINGS, *NUMBERS)
CONTENT = ("keywords",)  # criteria for which the content itself is read
OTHER_NAMES = {
    "name": "id", "rule": "id", "ruleid": "id", "level": "severity", "path": "paths", "extension": "extensions",
    "media_type": "media_types", "keyword": "keywords", "description": "says", "message": "says", "hashes": "sha256",
}  # fmt: skip
WORDS = {"critical": "critical", "severe": "critical", "moderate": "medium", "warning": "medium", "minor": "low",
         "error": "high", "informational": "info", "information": "info", "notice": "info"}  # fmt: skip


def rules_of(found: object) -> list[Json]:
    """The rules of a file: a list, or a mapping with the list under `rules`, whatever the case of its names."""
    if isinstance(found, Mapping):
        found = next((value for name, value in found.items() if str(name).lower() in ("rules", "policies")), found)
    if isinstance(found, list):
        found = [_named(one) if isinstance(one, Mapping) else one for one in found]
    return rows({RULES: found}, RULES, "rules", "id", "severity")


def _named(rule: Mapping[str, object]) -> Json:
    capitals = "Name" in rule and "Severity" in rule
    small = {str(name) if str(name).islower() else str(name).lower(): value for name, value in rule.items()}
    known = {OTHER_NAMES.get(name, name): value for name, value in small.items()}
    if capitals:
        severity = str(known["severity"]).strip().lower()
        known["severity"] = WORDS.get(severity, severity)
        known |= {name: [known[name]] for name in LISTS if isinstance(known.get(name), str)}
        if not any(name in known for name in CRITERIA):
            known["marked"] = [str(known["id"])]
    return known


def breaks(item: Mapping[str, object], rule: Mapping[str, object]) -> bool:
    """Whether a piece (path, sha256; perhaps media_type, size, labels, scores, words) breaks a rule."""
    return all(_fits(item, name, rule[name]) for name in CRITERIA if name in rule)


def _fits(item: Mapping[str, object], criterion: str, wanted: object) -> bool:
    """Whether a piece meets one criterion, which has the form that `faults` asks for."""
    words = [str(word) for word in as_array(wanted)]
    path = str(item["path"])
    match criterion:
        case "labels":
            labels = as_object(item.get("labels"))
            return all(str(labels.get(name, "")) == str(value) for name, value in as_object(wanted).items())
        case "scores":
            scores = as_object(item.get("scores"))
            return all(_number(scores.get(name)) >= _number(least) for name, least in as_object(wanted).items())
        case "min_bytes" | "max_bytes":
            size = _number(item.get("size"))
            return size >= _number(wanted) if criterion == "min_bytes" else size <= _number(wanted)
        case "paths":
            return any(fnmatchcase(path, pattern) for pattern in words)
        case "media_types":
            return any(fnmatchcase(str(item.get("media_type", "")), kind) for kind in words)
        case "extensions":
            return path.lower().endswith(tuple("." + word.lower().lstrip(".") for word in words))
        case "keywords":
            return bool({word.casefold() for word in words} & {str(one) for one in as_array(item.get("words"))})
        case "marked":
            return bool({word.casefold() for word in words} & _marks(item))
        case _:
            return str(item["sha256"]).lower() in {word.lower() for word in words}


def _marks(item: Mapping[str, object]) -> set[str]:
    """What content is marked with: the labels that are set, tags, and names of rules that a tool gave it."""
    labels = as_object(item.get("labels"))
    found = {str(name) for name, value in labels.items() if str(value).lower() in ("true", "yes", "1")}
    found |= {str(value) for value in labels.values() if isinstance(value, str)}
    found |= {str(one) for name in ("tags", "violations", "labels") for one in as_array(item.get(name))}
    return {one.casefold() for one in found}


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("-inf")


def faults(rule: Mapping[str, object]) -> Iterator[Problem]:
    """What is wrong with a rule."""
    severity = str(rule["severity"])
    if severity not in tuple(Severity):
        yield _problem(rule, f'severity "{severity}"', nearest(severity, list(Severity)))
    if not any(name in rule for name in CRITERIA):
        yield _problem(rule, "names nothing that could be broken", f"give one of {', '.join(CRITERIA)}")
    forms = dict.fromkeys(LISTS, list) | dict.fromkeys(MAPPINGS, dict)
    for name, form in forms.items():
        if name in rule and not isinstance(rule[name], form):
            yield _problem(rule, f"{name} has the wrong form", "labels and scores are mappings, the others are lists")
    for name in NUMBERS:
        if name in rule and (isinstance(rule[name], bool) or not isinstance(rule[name], int)):
            yield _problem(rule, f"{name} is no number of bytes", "write 1000000")


def _problem(rule: Mapping[str, object], message: str, do: str) -> Problem:
    return Problem(code="X104", field=RULES, message=f"rule {rule['id']}: {message}", do=do)
