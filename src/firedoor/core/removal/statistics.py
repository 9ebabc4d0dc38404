"""What a count of hits proves: exact intervals, what would have been found, and whether members score like strangers.

Decides the methods, which are exact where numbers are small: Clopper and Pearson's interval (Biometrika 26, 1934) by
bisection of the binomial tail, and Mann and Whitney's test of ranks (1947) with the correction for ties. No number is
rounded towards a better one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
_Tail = Callable[[float], float]
FEWEST = 8  # scores of each sort below which ranks prove nothing
STEPS = 60  # of a bisection: far below the last digit that is shown


@dataclass(frozen=True, slots=True)
class Rate:
    """Hits among answers, with the interval of the true rate and the least rate that would have shown itself."""

    n: int
    hits: int
    low: float
    high: float
    detectable: float | None  # the rate of which one hit at least would have been seen, with 95 %; None: nothing asked


def rate(hits: int, n: int) -> Rate:
    """The rate of hits, with its exact 95 % interval."""
    if n == 0:
        return Rate(0, 0, 0.0, 1.0, None)
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if hits == 0 else _solve(lambda p: tail - _at_least(hits, n, p), above=False)
    high = 1.0 if hits == n else _solve(lambda p: tail - (1 - _at_least(hits + 1, n, p)), above=True)
    return Rate(n, hits, low, high, 1 - (1 - CONFIDENCE) ** (1 / n))


def power(before: Rate, asked: int) -> float:
    """How likely `asked` answers would have shown one hit at least, had nothing been removed. By the low end."""
    return 1 - (1 - before.low) ** asked if before.n else 0.0


def _at_least(hits: int, n: int, p: float) -> float:
    """The chance of so many hits or more."""
    if p <= 0 or p >= 1:
        return float(hits <= 0 or p >= 1)
    logs = (
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p)
        for k in range(hits, n + 1)
    )
    return min(1.0, math.fsum(math.exp(one) for one in logs))


def _solve(short: _Tail, *, above: bool) -> float:
    """Where a tail crosses its share; the end of the last step that lies on the careful side."""
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        if (short(middle) > 0) is not above:
            low = middle
        else:
            high = middle
    return high if above else low


@dataclass(frozen=True, slots=True)
class Ranks:
    """How members of the removed data score against strangers. `auc` .5: alike; `p` of the one-sided test."""

    members: int
    strangers: int
    auc: float
    p: float


def ranks(members: Sequence[float], strangers: Sequence[float]) -> Ranks | None:
    """Whether members score higher (more familiar to the model) than strangers; None where there are too few."""
    m, n = len(members), len(strangers)
    if min(m, n) < FEWEST:
        return None
    everyone = sorted([*((score, 1) for score in members), *((score, 0) for score in strangers)])
    total, ties, start = 0.0, 0.0, 0
    while start < len(everyone):
        end = start
        while end < len(everyone) and everyone[end][0] == everyone[start][0]:
            end += 1
        middle = (start + 1 + end) / 2
        total += middle * sum(kind for _, kind in everyone[start:end])
        ties += (end - start) ** 3 - (end - start)
        start = end
    u, count = total - m * (m + 1) / 2, m + n
    variance = m * n / 12 * (count + 1 - ties / (count * (count - 1)))
    z = (u - m * n / 2 - 0.5) / math.sqrt(variance) if variance > 0 else 0.0
    return Ranks(m, n, u / (m * n), 0.5 * math.erfc(z / math.sqrt(2)))
