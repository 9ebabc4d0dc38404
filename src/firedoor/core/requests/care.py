"""Care for the people who decide about intimate content: how many cases one person has decided, and how many may be.

Decides what counts (a case once, however many answers it took), over which spans, and in which words somebody else is
asked to take over. Nobody sees the content here; reading about it all day is a burden all the same. Without a bound in
`organisation.yaml` it is counted and nothing is held back. Leaves who decided what to the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from firedoor.core.severity import Severity

DAY, WEEK = timedelta(hours=24), timedelta(days=7)
SEVERE = frozenset((str(Severity.HIGH), str(Severity.CRITICAL)))


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many cases one person decides at most; None: not bounded. `severe` are those of high or critical severity."""

    cases_in_24_hours: int | None = None
    cases_in_7_days: int | None = None
    severe_cases_in_24_hours: int | None = None


NO_BOUNDS = Bounds()
BOUNDS = tuple(one.name for one in fields(Bounds))


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision: by whom, in which case, of which severity, when."""

    by: str
    incident: str
    severity: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Load:
    """How many cases of each severity somebody decided within 24 hours and within 7 days."""

    day: Mapping[str, int]
    week: Mapping[str, int]

    def count(self, bound: str) -> int:
        """What a bound is compared with."""
        if bound == "cases_in_7_days":
            return sum(self.week.values())
        severe = bound.startswith("severe")
        return sum(number for name, number in self.day.items() if not severe or name in SEVERE)


def load_of(decided: Iterable[Decided], now: datetime) -> Load:
    """Count the cases of one person."""
    found = list(decided)
    return Load(_cases(found, now - DAY), _cases(found, now - WEEK))


def _cases(decided: Iterable[Decided], since: datetime) -> dict[str, int]:
    """Each case once, at the severity that it has now."""
    cases = {one.incident: one.severity for one in decided if one.at >= since}
    return dict(sorted(Counter(cases.values()).items()))


def reached(bounds: Bounds, load: Load) -> str:
    """In words, which bound somebody has reached; "" for none."""
    for name in BOUNDS:
        bound = getattr(bounds, name)
        if bound is not None and load.count(name) >= bound:
            return f"{load.count(name)} {name.replace('_', ' ')} were decided; the bound is {bound}"
    return ""


def read_bounds(given: object) -> Bounds:
    """Read the section of a profile. Raises ValueError in words."""
    said = {} if given is None else given
    if not isinstance(said, dict):
        raise ValueError(f"not a list of bounds: {', '.join(BOUNDS)}")  # noqa: TRY004 - what was given is wrong, not the program
    if strange := sorted(set(map(str, said)) - set(BOUNDS)):
        raise ValueError(f"known: {', '.join(BOUNDS)}; not {', '.join(strange)}")
    numbers = {name: int(str(value)) if str(value).isdigit() else -1 for name, value in said.items()}
    if wrong := [name for name, number in numbers.items() if not 1 <= number <= 10_000]:
        raise ValueError(f"{', '.join(wrong)}: a whole number from 1 to 10000")
    return Bounds(**numbers)
