"""A finding against what is known: one statement, which is taken whole or not at all.

Decides what contradicts what: a count that lies outside a known range, another target, another choice. A list adds to a
list and contradicts nothing. Leaves which target serves a model, and writing the facts, to the runtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from firedoor.core.examinations.finding import Finding, Json


@dataclass(frozen=True, slots=True)
class Statement:
    """What becomes of a finding: the facts to set, or why none is set, with both sides."""

    facts: Json = field(default_factory=dict)
    refused: str = ""
    contradicts: tuple[str, ...] = ()  # the facts about which two things are said


def stated(finding: Finding, values: Mapping[str, object], known: Mapping[str, object]) -> Statement:
    """Hold a finding, with its targets named as the inventory names them, against the known facts."""
    if not values:
        return Statement()
    if finding.plausible is not None and finding.plausible.fails:
        return Statement(refused=f"not plausible: only {finding.plausible.words}; ledgers keyed differently look so")
    if unnamed := [name for name, value in values.items() if value is None]:
        return Statement(refused=f"{', '.join(unnamed)}: no target, or more than one, serves what was found")
    against = tuple(name for name, value in values.items() if not _agrees(known.get(name), value))
    if against:
        sides = "; ".join(f"{name} is {_shown(known[name])}, and this says {_shown(values[name])}" for name in against)
        return Statement(refused=f"it contradicts what is known: {sides}", contradicts=against)
    taken = {name: _with(known.get(name), value) for name, value in values.items()}
    return Statement({name: value for name, value in taken.items() if value is not None})


def _with(known: object, found: object) -> object:
    """What a fact is from now on; None where the finding adds nothing to it."""
    if known is None:
        return found
    if not isinstance(known, list) or not isinstance(found, list):
        return None
    new = [one for one in found if one not in known]
    return [*known, *new] if new else None


def _agrees(known: object, found: object) -> bool:
    if known is None or isinstance(known, list) or known == found:
        return True
    if _is_count(known) and _is_count(found):
        (low, high), (least, most) = _range(known), _range(found)
        return (most is None or low <= most) and (high is None or least <= high)
    return False


def _is_count(value: object) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, dict) and "min" in value)


def _range(value: object) -> tuple[int, int | None]:
    if isinstance(value, Mapping):
        return int(value.get("min") or 0), value.get("max")
    return int(str(value)), int(str(value))


def _shown(value: object) -> str:
    if isinstance(value, dict):
        least, most = _range(value)
        return f"{least} to {most}" if most is not None else f"at least {least}"
    return str(value)
