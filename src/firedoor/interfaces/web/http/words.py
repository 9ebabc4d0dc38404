"""How instants, spans and states read on a page, in words that need no legend.

Decides the wording and the marked-up times, which the script turns into the viewer's own zone. Leaves every value to
whoever asks for it.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from markupsafe import Markup

from firedoor.core.dates.arithmetic import recorded
from firedoor.core.history import durations

ISO = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2}))")
SEVERITIES = ("critical", "high", "unknown", "medium", "low", "info")  # what nobody has said may be grave
STATES = {
    "open": "open", "contained": "contained", "remediating": "in remediation", "reviewing": "in review",
    "closed": "closed", "dismissed": "dismissed",
}  # fmt: skip
PARTS = {
    "store": "database", "watch": "deadline checks", "holding": "target checks", "recovery": "recovery",
    "drives": "workers", "alerts": "alert intake", "sources": "alert sources",
}  # fmt: skip
WRAPPED = 75  # characters; a longer line was broken by the width of its file
TYPES = {
    "data_leakage_in_ai_models": "Data leakage from a model",
    "nonconsensual_content_generation": "Nonconsensual content",
    "unauthorized_ai_training": "Unauthorised training",
}


def instant(value: str | datetime | None, zone: str = "") -> Markup:
    """An instant as a `time` element in UTC; the script adds the viewer's zone. `zone` is an authority's, if named."""
    if not value:
        return Markup('<span class="quiet">no fixed deadline</span>')
    at = recorded(value)
    if at is None:
        return _no_instant(value)
    shown = at.strftime("%Y-%m-%d %H:%M UTC")
    there = "" if not zone else f" · {_in_zone(at, zone)}"
    return Markup('<time datetime="{}" data-instant>{}</time>{}').format(at.isoformat(), shown, there)


def there(value: str | datetime, zone: str) -> Markup:
    """An instant as the clock on the wall of a zone shows it, with its day; no script changes it."""
    from zoneinfo import ZoneInfo

    found = recorded(value)
    if found is None:
        return _no_instant(value)
    at = found.astimezone(ZoneInfo(zone))
    shown = f"{at:%a} {at.day} {at:%b %Y, %H:%M} {zone}"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), shown)


def countdown(value: str | datetime | None, now: datetime) -> Markup:
    """The span until an instant; the script lets it run."""
    if not value:
        return Markup('<span class="quiet">no fixed deadline</span>')
    at = recorded(value)
    if at is None:
        return _no_instant(value)
    kind = "late" if at < now else "soon" if at - now < timedelta(hours=4) else "calm"
    return Markup('<time class="countdown {}" datetime="{}" data-countdown>{}</time>').format(
        kind, at.isoformat(), span(at - now)
    )


def span(left: timedelta) -> str:
    """A span in two units: `2 d 03 h`, `3 h 07 min`, `41 min`; overdue ones say so."""
    seconds = int(left.total_seconds())
    minutes, late = abs(seconds) // 60, seconds < 0
    days, hours = minutes // 1440, minutes % 1440 // 60
    if days:
        words = f"{days} d {hours:02} h"
    elif hours:
        words = f"{hours} h {minutes % 60:02} min"
    else:
        words = f"{minutes} min"
    return f"{words} overdue" if late else words


def state(value: str) -> str:
    """A state in words."""
    return STATES.get(value, value.replace("_", " "))


def part(name: str) -> str:
    """A part of the system as an operator calls it."""
    return PARTS.get(name, plain(name))


def health(how: str) -> str:
    """How a part is; `well` is the word of the API."""
    return "OK" if how == "well" else how


def type_of(value: str) -> str:
    """The type of an incident in words."""
    return TYPES.get(value, value.replace("_", " "))


def plain(value: object) -> str:
    """A name with its underscores and dashes read as spaces."""
    return str(value).replace("_", " ").replace("-", " ")


def who(actor: str) -> str:
    """An actor of the journal as people say it: `person:ann` is ann, `source:s` is the source s."""
    kind, mark, name = actor.partition(":")
    return name if mark and kind == "person" else f"the source {name}" if mark and kind == "source" else actor


def size(octets: int) -> str:
    """A size in the largest unit that leaves a number of at least one."""
    for unit, amount in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if octets >= amount:
            return f"{octets / amount:.1f} {unit}"
    return f"{octets} bytes"


def flow(text: str) -> str:
    """A text without the line breaks of the file that it was written in; short lines, as of a list, stay lines."""
    lines = text.strip().split("\n")
    return "".join(line + (" " if len(line) > WRAPPED else "\n") for line in lines).rstrip()


def instants(text: str) -> Markup:
    """Words of a duty, with every written instant in them as `instant` shows it."""
    parts = ISO.split(text)
    return Markup("").join(instant(part) if number % 2 else part for number, part in enumerate(parts))


def _no_instant(value: object) -> Markup:
    """What stands in the place of an instant; the rest of the page is about others."""
    return Markup('<span class="bad">{} (not a valid time: the record was altered)</span>').format(str(value)[:60])


def _in_zone(at: datetime, zone: str) -> str:
    from zoneinfo import ZoneInfo

    there = at.astimezone(ZoneInfo(zone))
    return f"{there.day} {there:%b %H:%M} {zone}"


def sentence(words: str) -> str:
    """Words that begin a sentence; names within them keep their capitals."""
    return words[:1].upper() + words[1:]


FILTERS = {
    "instant": instant, "countdown": countdown, "state": state, "part": part, "health": health, "type_of": type_of,
    "plain": plain, "who": who, "size": size, "flow": flow, "instants": instants, "there": there,
    "lasting": durations.span, "sentence": sentence,
}  # fmt: skip
