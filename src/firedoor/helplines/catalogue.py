"""The table of who helps: every `*.yaml` of this folder, read once, checked whole.

Decides that ids are unique and that every country has a name in each language. Leaves what an entry means to
`core.requests.help`, and reading the sources again to people: `firedoor doctor` says when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.requests.help import HelpEntry

FOLDER = Path(__file__).parent
NAMES = "countries.yaml"


@dataclass(frozen=True, slots=True)
class Helplines:
    """The entries, and what their countries are called: by code, by language."""

    entries: tuple[HelpEntry, ...]
    names: Mapping[str, Mapping[str, str]]

    def stale(self, today: date) -> tuple[HelpEntry, ...]:
        """The entries whose day of review has passed, the longest overdue first."""
        over = (one for one in self.entries if one.review_by < today)
        return tuple(sorted(over, key=lambda one: (one.review_by, one.id)))


@cache
def helplines() -> Helplines:
    """The table that comes with Firedoor."""
    return load(FOLDER)


def load(folder: Path) -> Helplines:
    """Read every YAML file of a folder. Raises InvalidInput with every problem at once."""
    problems: list[Problem] = []
    entries: dict[str, HelpEntry] = {}
    for path in sorted(folder.glob("*.yaml")):
        for given in _entries(path):
            try:
                entry = HelpEntry.model_validate(given)
            except ValidationError as error:
                name = given.get("id", "?")
                problems += [_problem(path, f"{name}: {'.'.join(map(str, one['loc']))}: {one['msg']}")
                             for one in error.errors()]  # fmt: skip
                continue
            if entry.id in entries:
                problems.append(_problem(path, f"{entry.id} exists twice"))
            entries[entry.id] = entry
    names = _names(folder / NAMES)
    used = {country for one in entries.values() for country in one.countries}
    problems += [_problem(folder / NAMES, f"{country} has no name") for country in sorted(used - set(names))]
    if problems:
        raise InvalidInput(problems)
    return Helplines(tuple(entries.values()), names)


def _entries(path: Path) -> list[Mapping[str, object]]:
    found: list[Mapping[str, object]] = yaml.safe_load(path.read_text(encoding="utf-8")).get("entries") or []
    return found


def _names(path: Path) -> Mapping[str, Mapping[str, str]]:
    found: Mapping[str, Mapping[str, str]] = yaml.safe_load(path.read_text(encoding="utf-8")).get("names") or {}
    return found


def _problem(path: Path, message: str) -> Problem:
    return Problem(code="H101", field=path.name, message=message[:300], do="see the other entries of the table")
