"""Durations as people write them in a playbook: `30m`, `72h`, `10d`, `1h30m`.

Decides the written form. A day is 24 hours here; legal periods, where a day is
a civil date, are counted in `dates`.
"""

from __future__ import annotations

import re
from datetime import timedelta

from firedoor.core.problems import InvalidInput, Problem

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_FORM = re.compile(r"(?:([0-9]{1,5})d)?(?:([0-9]{1,5})h)?(?:([0-9]{1,5})m)?(?:([0-9]{1,5})s)?")


def parse_duration(text: str) -> timedelta:
    """Read a duration. Raises InvalidInput when it is empty, zero or misspelt."""
    match = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
    seconds = sum(int(n) * unit for n, unit in zip(match.groups(), _UNITS.values(), strict=True) if n) if match else 0
    if seconds <= 0:
        raise InvalidInput(
            Problem(code="P110", message=f'"{text}" is not a duration', do="write it as 30m, 72h, 10d or 1h30m")
        )
    return timedelta(seconds=seconds)


def show_duration(seconds: int) -> str:
    """Write seconds the way a person would read them."""
    parts = []
    for unit, size in _UNITS.items():
        amount, seconds = divmod(seconds, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts) or "0s"
