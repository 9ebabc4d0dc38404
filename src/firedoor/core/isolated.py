"""Many things one after the other, of which one that fails leaves the others alone.

Decides that an exception about one of many (a duty, an incident, a file) is named with it and goes no further,
and how it is put into words: what it says, where in Firedoor it was raised, what to do. Leaves what follows to
whoever asked.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import asdict, dataclass
from typing import TypeVar

from firedoor.core.problems import FiredoorError, Problem

Item = TypeVar("Item")
Made = TypeVar("Made")
PACKAGE = "firedoor"
LONGEST = 600  # characters of what an error says


@dataclass(frozen=True, slots=True)
class Fault:
    """An exception in words. `kind` and `where` tell one fault from another; what it says may differ each time."""

    kind: str  # its class
    said: str
    where: str  # "core/dates/arithmetic.py add_months"; empty for a problem that was told on purpose
    do: str = ""

    @property
    def words(self) -> str:
        """In one sentence."""
        return f"{self.said} (in {self.where})." if self.where else f"{self.said}."

    def record(self) -> dict[str, str]:
        """As the journal holds it."""
        return asdict(self)


Failed = MutableMapping[str, Fault]
"""What failed, by its name."""


def each(
    items: Iterable[Item], work: Callable[[Item], Made], failed: Failed | None, name: Callable[[Item], str]
) -> Iterator[Made]:
    """Yield what `work` makes of each item. One that raises is put into `failed` under its name; the rest goes on.

    Without `failed` nobody would be told, so then it raises.
    """
    for item in items:
        try:
            made = work(item)
        except Exception as error:
            if failed is None:
                raise
            failed[name(item)] = fault_of(error)
        else:
            yield made


def fault_of(error: BaseException) -> Fault:
    """Put an exception into words."""
    if isinstance(error, FiredoorError):
        told = "; ".join(problem.message for problem in error.problems)
        advice = "\n".join(problem.do for problem in error.problems if problem.do)
        return Fault(error.problems[0].code, told[:LONGEST], "", advice)
    told = " ".join(str(error).split())
    name = type(error).__name__
    return Fault(name, f"{name}: {told}"[:LONGEST] if told else name, _where(error))


def problems_of(error: Exception, code: str) -> tuple[Problem, ...]:
    """What is wrong with something that somebody wrote; what nobody foresaw is a problem of `code`, and ours."""
    if isinstance(error, FiredoorError):
        return error.problems
    return (Problem(code=code, message=f"cannot be read: {fault_of(error).words}", do="please report it"),)


def _where(error: BaseException) -> str:
    """The last place in Firedoor that the error came through; empty when none is known."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        _, found, inside = frame.filename.rpartition(f"/{PACKAGE}/")
        if found:
            return f"{inside} {frame.name}"
    return ""
