"""How strong the evidence of an incident is: it follows from its alerts and their methods, and from nobody's word.

Decides that no person may set this fact, by whatever way they come: it lets a machine act without asking, so whoever
could set it could have any target suspended. Decides as well what a playbook may fill it with. Leaves which methods
prove what to `alert`, and which alerts are enough together to `brake`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from firedoor.core.alerts.alert import Alert
from firedoor.core.facts import FactDefinition, Value, read_all
from firedoor.core.problems import InvalidInput, Problem

EVIDENCE, STRONG = "evidence_strength", "strong"
PERSON = "person:"  # how a journal names the people; alerts are `source:`, and what Firedoor works out is its own
CLAIMED = frozenset((PERSON, "system:"))
FROM_THE_METHOD = "{{ alert.strength }}"
_FROM_THE_METHOD = re.compile(r"\s*\{\{\s*alert\.strength\s*\}\}\s*")


def read_given(
    definitions: Mapping[str, FactDefinition], raw: Mapping[str, object], now: datetime | None = None
) -> dict[str, Value]:
    """Read the facts that somebody gives, see `read_all`; this fact is a problem whatever its value."""
    if EVIDENCE not in raw:
        return read_all(definitions, raw, now)
    problems = [_not_given()]
    try:
        read_all(definitions, {name: value for name, value in raw.items() if name != EVIDENCE}, now)
    except InvalidInput as error:
        problems += error.problems
    raise InvalidInput(problems)


def of_alert(alert: Alert, definitions: Mapping[str, FactDefinition]) -> dict[str, str]:
    """The fact as the method of an alert decides it; nothing without a method, or where no playbook knows the fact."""
    definition = definitions.get(EVIDENCE) if alert.method else None
    known = definition is not None and alert.strength in definition.choices
    return {EVIDENCE: str(alert.strength)} if known else {}


def is_claim(actor: str) -> bool:
    """Whether what this actor says of the evidence is somebody's word."""
    return actor.startswith(tuple(CLAIMED))


def is_from_the_method(value: object) -> bool:
    """Whether a start rule fills the fact with what the method of the alert proves, and with nothing else."""
    return isinstance(value, str) and _FROM_THE_METHOD.fullmatch(value) is not None


def _not_given() -> Problem:
    return Problem(
        code="F104",
        field=EVIDENCE,
        message=f"{EVIDENCE} follows from the alerts and how they were detected; nobody sets it",
        do="leave it out; what would be suspended without asking is then asked of a person",
    )
