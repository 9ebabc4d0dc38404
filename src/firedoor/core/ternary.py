"""Yes, no and unknown, with Kleene's strong logic of three values.

Decides how unknowns combine. Leaves what is unknown, and what to do about it,
to `facts`, `expression` and the law.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Ternary(StrEnum):
    """An answer. `unknown` is an answer, not an error."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        raise TypeError("a Ternary has no truth value: compare it with YES, NO or UNKNOWN")


YES, NO, UNKNOWN = Ternary.YES, Ternary.NO, Ternary.UNKNOWN


def of(value: bool) -> Ternary:  # noqa: FBT001 - lifting a bool is what it is for
    """Lift a Python bool."""
    return YES if value else NO


def negate(value: Ternary) -> Ternary:
    """Kleene negation: the negation of unknown is unknown."""
    return {YES: NO, NO: YES, UNKNOWN: UNKNOWN}[value]


def all_of(values: Iterable[Ternary]) -> Ternary:
    """Kleene conjunction: one no decides; otherwise one unknown leaves it unknown."""
    seen = tuple(values)
    return NO if NO in seen else UNKNOWN if UNKNOWN in seen else YES


def any_of(values: Iterable[Ternary]) -> Ternary:
    """Kleene disjunction: one yes decides; otherwise one unknown leaves it unknown."""
    seen = tuple(values)
    return YES if YES in seen else UNKNOWN if UNKNOWN in seen else NO
