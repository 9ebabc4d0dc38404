"""Inputs for facts and fields, and reading them back from a form that was sent.

Decides which input each type of fact has, how an instant gets its offset (a chosen zone), and that an input that was
left empty says nothing. Leaves whether a value fits its fact to `core.facts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from firedoor.core.dates import arithmetic
from firedoor.core.facts import FactDefinition, FactType
from firedoor.core.journal import Body
from firedoor.core.law.territories import known_zone
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.severity import Severity
from firedoor.core.text import clean_text
from firedoor.interfaces.web.http.fields import clean_field
from firedoor.runtime.config.container import World

NOWHERE = "the time zone of this time is not said, and the organisation's own is not known"
FACT, FIELD, LOW, HIGH, ZONE = "fact.", "field.", ".low", ".high", ".zone"
LONG = frozenset(("findings", "measures", "attended", "reasons_for_delay", "root_cause"))
WORDS = {"reference": "Reference or receipt number that proves it", "reasons_for_delay": "Reasons for the delay"}
ZONES = ("UTC", "Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles")


async def form_of(request: Request) -> dict[str, object]:
    """What was sent, names with several values as lists; words and names of files cleaned."""
    form: FormData = await request.form()
    given = {name: [_cleaned(name, one) for one in form.getlist(name)] for name in form}
    return {name: values if len(values) > 1 else values[0] for name, values in given.items()}


def _cleaned(name: str, value: str | UploadFile) -> str | UploadFile:
    if isinstance(value, str):
        return clean_field(name, value)
    value.filename = clean_text(value.filename or "")
    return value


def fact_input(
    world: World, definition: FactDefinition, prefix: str, given: Mapping[str, object], now: str = ""
) -> Body:
    """One input: its kind, its choices, and what was typed before. `now` is the value that it has, in words."""
    name = f"{prefix}{FACT}{definition.name}"
    typed = given.get(name, "")
    shown: Body = {
        "name": name, "fact": definition.name, "type": str(definition.type), "ask": definition.ask or definition.name,
        "choices": list(definition.choices), "value": typed, "now": now, "unknown": "unknown" in _list(typed),
    }  # fmt: skip
    match definition.type:
        case FactType.COUNT:
            shown |= {"low": given.get(name + LOW, ""), "high": given.get(name + HIGH, "")}
        case FactType.SEVERITY:
            shown["choices"] = [str(severity) for severity in Severity]
        case FactType.TARGET:
            shown["choices"] = sorted(world.inventory.targets)
        case FactType.INSTANT:
            shown |= {"zones": _zones(world), "zone": given.get(name + ZONE, "")}
        case FactType.LIST:
            shown["value"] = _list(typed)
    return shown


def field_input(name: str, prefix: str, given: Mapping[str, object]) -> Body:
    """One input for words that a choice requires."""
    long, key = name in LONG, f"{prefix}{FIELD}{name}"
    label = WORDS.get(name, name.replace("_", " ").capitalize())
    return {"name": key, "field": name, "long": long, "label": label, "value": given.get(key, "")}


def read_fact(definition: FactDefinition, prefix: str, given: Mapping[str, object]) -> object:
    """The written form of what was put in; None where nothing was, and "unknown" where that was chosen."""
    name = f"{prefix}{FACT}{definition.name}"
    typed = given.get(name, "")
    if "unknown" in _list(typed):
        return "unknown"
    match definition.type:
        case FactType.COUNT:
            low, high = str(given.get(name + LOW, "")).strip(), str(given.get(name + HIGH, "")).strip()
            return f"{low}..{high}" if low or high else None
        case FactType.LIST:
            words = [word.strip() for one in _list(typed) for word in str(one).split(",")]
            return [word for word in words if word] or None
        case FactType.INSTANT:
            return _instant(str(typed).strip(), str(given.get(name + ZONE, "UTC"))) or None
        case _:
            return str(typed).strip() or None


def read_facts(definitions: Iterable[FactDefinition], prefix: str, given: Mapping[str, object]) -> dict[str, object]:
    """Those facts that were put in."""
    found = {one.name: read_fact(one, prefix, given) for one in definitions}
    return {name: value for name, value in found.items() if value is not None}


def read_instant(name: str, given: Mapping[str, object]) -> datetime:
    """An instant in the zone that was chosen. Raises InvalidInput where it is missing, never was, or was twice."""
    typed, zone = str(given.get(name, "")).strip(), str(given.get(name + ZONE, "UTC"))
    if not typed:
        raise InvalidInput(
            Problem(code="W148", field=name, message="no instant was given", do="choose a day and a time")
        )
    return arithmetic.instant(_instant(typed, zone))


def zones(world: World, *first: str) -> list[str]:
    """The zones to choose from: those named, the organisation's own, and some of the world."""
    return list(dict.fromkeys((*filter(None, first), *_zones(world))))


def _instant(typed: str, zone: str) -> str:
    """An instant with its offset. What cannot be read goes on as it was typed, so that the core says what is wrong.

    Raises InvalidInput for a time that the change of clocks skips or repeats, or of which nobody says where it was that
    late: a limit must not hang on a guess.
    """
    if len(typed.strip()) <= len("2026-11-22"):  # a day is no instant, and midnight is a guess
        return typed
    try:
        at, where = datetime.fromisoformat(typed), ZoneInfo(zone or "UTC")
    except (ValueError, KeyError, OSError):
        return typed
    if not (at.tzinfo or zone):
        problem = Problem(code="W149", field="zone", message=NOWHERE, do="choose the zone beside the time")
        raise InvalidInput(problem)
    return (at if at.tzinfo else _on_the_wall(at, where)).isoformat()


def _on_the_wall(at: datetime, where: ZoneInfo) -> datetime:
    """A time of a zone's wall clock. A form has no place for an offset: where one is needed, UTC is the way."""
    try:
        return arithmetic.local(at, where)
    except InvalidInput as error:
        found = error.problems[0]
        do = "choose the zone UTC, and give the time in UTC"
        raise InvalidInput(Problem(code=found.code, field=found.field, message=found.message, do=do)) from None


def _zones(world: World) -> list[str]:
    """The organisation's own comes first; while it is unknown, an empty choice does, and whoever types is asked."""
    return list(dict.fromkeys((known_zone(world.organisation.facts), *ZONES)))


def _list(typed: object) -> list[str]:
    return [str(one) for one in typed] if isinstance(typed, list) else [str(typed)] if typed else []
