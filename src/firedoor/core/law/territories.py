"""What the facts already say about places: a country implies its union, a total bounds its parts.

Decides only what follows with certainty. A list of places for people may be
incomplete, so a place that is not on it stays unknown, never "no"; the places
where the organisation is established or serves are its own statement, and complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from firedoor.core.dates.arithmetic import zone_named
from firedoor.core.facts import Count, Facts, Value
from firedoor.core.problems import InvalidInput
from firedoor.core.ternary import UNKNOWN

# The EU's Member States, and Iceland, Liechtenstein and Norway: the GDPR applies there by EEA Joint Committee
# Decision 154/2018.
EEA = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip
_WIDER = {**dict.fromkeys(EEA, "EU"), "GB": "UK", "EEA": "EU"}
_LISTS = ("established_in", "serves", "jurisdictions")
_AT_LEAST_ONE = Count(minimum=1)


class Enriched(dict[str, Value]):
    """Facts to which everything that follows from them was added; not changed afterwards."""


def enrich(facts: Facts) -> dict[str, Value]:
    """Return the facts with what follows from them. Never replaces a known value by a wider one."""
    if isinstance(facts, Enriched):
        return facts
    found = Enriched(facts)
    for name in _LISTS:
        places = found.get(name)
        if isinstance(places, tuple):
            found[name] = _with_wider(places)
    places, total = found.get("jurisdictions"), found.get("people_affected")
    for place in places if isinstance(places, tuple) else ():
        name = f"residents_{place.lower().replace('-', '_')}"
        if found.get(name, UNKNOWN) is UNKNOWN:
            found[name] = _AT_LEAST_ONE
    if found.get(ONE_STATE, UNKNOWN) is UNKNOWN and (most := _most_in_a_state(found)):
        found[ONE_STATE] = Count(minimum=most)
    if isinstance(total, Count) and total.maximum is not None:
        found.update(_bounded(found, total.maximum))
    return found


def zone_of(facts: Mapping[str, object]) -> str:
    """The zone in which the organisation answers to its authority; UTC while it is unknown or no zone."""
    return known_zone(facts) or "UTC"


def known_zone(facts: Mapping[str, object]) -> str:
    """The same; empty while it is unknown or no zone."""
    name = facts.get("time_zone", UNKNOWN)
    if not isinstance(name, str) or name is UNKNOWN:
        return ""
    try:
        return zone_named(name).key
    except InvalidInput:  # `facts.stated` refuses it; here an incident must go on
        return ""


# What every surface says of such a limit: pages, terminal, report, messages, calendar.
IN_UTC = "calculated in UTC because the organisation's time zone is not set"


def counted_in(duty_zone: str, facts: Mapping[str, object]) -> tuple[str, bool]:
    """The zone in which a limit's days are counted, and whether it is UTC for want of anything better."""
    return duty_zone or zone_of(facts), not duty_zone and not known_zone(facts)


def _with_wider(places: tuple[str, ...]) -> tuple[str, ...]:
    upper = tuple(place.upper() for place in places)
    wider = (_WIDER.get(place) or (place.split("-")[0] if "-" in place else "") for place in upper)
    return tuple(dict.fromkeys((*upper, *filter(None, wider))))


ONE_STATE = "residents_of_one_us_state"  # in the state of the United States that has the most of them
_PLACES = (
    "eu", "uk", "us", "us_ca", "us_tx", "us_ny", "us_fl", "us_co", "us_wa", "br", "in", "au", "ca", "jp", "kr", "sg",
    "cn", "my",
)  # fmt: skip
RESIDENTS = (*(f"residents_{place}" for place in _PLACES), ONE_STATE)


def _most_in_a_state(found: Facts) -> int:
    """The most people that are known to live in one state."""
    counts = (count for name, count in found.items() if name.startswith("residents_us_"))
    return max((count.minimum for count in counts if isinstance(count, Count)), default=0)


def _bounded(found: Facts, most: int) -> dict[str, Value]:
    """No place can have more affected people than there are affected people."""
    bounded: dict[str, Value] = {}
    for name in RESIDENTS:
        count = found.get(name, UNKNOWN)
        low, high = (count.minimum, count.maximum) if isinstance(count, Count) else (0, None)
        if low <= most and (high is None or high > most):
            bounded[name] = _between(low, most)
    return bounded


@lru_cache(maxsize=256)
def _between(low: int, high: int) -> Count:
    return Count(minimum=low, maximum=high)
