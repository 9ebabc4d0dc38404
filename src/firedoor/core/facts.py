"""Facts about an incident: typed values in which unknown is a value and numbers are ranges.

Decides what a fact may hold, how it is written (on a command line and in JSON)
and how it is read back. Leaves which facts exist to the playbook and to the
vocabulary of the law, and what follows from them to `expression` and the duties.

Written forms, by type:

    text      any words                       choice    one of its words
    flag      yes | no | unknown              list      words, comma-separated
    count     12 | 1..500 | 1.. | ..500       instant   2026-10-24T10:00:00+02:00
    target    the id of a target              unknown   for any of them
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from firedoor.core import places
from firedoor.core.content import hidden
from firedoor.core.content.locators import locator_fault
from firedoor.core.dates.arithmetic import doubt, zone_named
from firedoor.core.json_types import Json
from firedoor.core.problems import InvalidInput, Problem, nearest
from firedoor.core.severity import Severity
from firedoor.core.ternary import UNKNOWN, Ternary

MAXIMUM_TEXT = 10_000  # characters
MAXIMUM_COUNT = 10**10  # people; more than live
ZONE = "time_zone"  # the fact that names a zone of the IANA database
NOT_KNOWN = "leave it out, or write unknown, if the time is not known"


PLACES = "write what is known in words, and places as addresses or keys; never the content itself"


class FactType(StrEnum):
    """What kind of value a fact holds."""

    TEXT = "text"
    FLAG = "flag"
    COUNT = "count"
    CHOICE = "choice"
    LIST = "list"
    INSTANT = "instant"
    TARGET = "target"
    SEVERITY = "severity"


class Count(BaseModel):
    """How many, at least and at most. `maximum` None means that no upper bound is known."""

    model_config = ConfigDict(frozen=True)

    minimum: int = Field(ge=0)
    maximum: int | None = None

    @property
    def exact(self) -> bool:
        """Both ends are the same."""
        return self.minimum == self.maximum

    def __str__(self) -> str:
        if self.exact:
            return str(self.minimum)
        return f"at least {self.minimum}" if self.maximum is None else f"{self.minimum} to {self.maximum}"


Value = str | Ternary | Count | tuple[str, ...] | datetime | Severity
Facts = Mapping[str, Value]


class FactDefinition(BaseModel):
    """A fact that a playbook or the law knows: its type, the question that asks for it, its words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    type: FactType
    ask: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    sealed: bool = False  # about a victim or a witness: shown only to those who need it

    def problem(self, got: object, expected: str, do: str = "") -> Problem:
        """Say that a value does not fit this fact."""
        return Problem(
            code="F101",
            field=self.name,
            message=f"{self.name} is a {self.type}: got {_short(got)}, expected {expected}",
            do=do,
        )


def read(definition: FactDefinition, raw: object) -> Value:
    """Read a JSON value or a written form. Raises InvalidInput naming the fact."""
    if raw is None or raw in ("unknown", "", UNKNOWN):
        return UNKNOWN
    match definition.type:
        case FactType.TEXT | FactType.TARGET:
            return _text(definition, raw)
        case FactType.FLAG:
            return _flag(definition, raw)
        case FactType.COUNT:
            return _count(definition, raw)
        case FactType.CHOICE:
            return _choice(definition, raw)
        case FactType.LIST:
            return _list(definition, raw)
        case FactType.INSTANT:
            return _instant(definition, raw)
        case FactType.SEVERITY:
            return _severity(definition, raw)


def stated(definition: FactDefinition, raw: object) -> Value:
    """Read what somebody says now, see `read`; a word that names no place or time zone is refused with the nearest.

    Places are kept in capitals, as the law's tables have them. What a journal holds already is read by `read`: an old
    word stays what it was.
    """
    value = read(definition, raw)
    if value is UNKNOWN:
        return value
    if definition.name == ZONE:
        _need_zone(definition, str(value))
    if definition.name not in places.FACTS:
        return value
    words = value if isinstance(value, tuple) else (str(value),)
    strange = [word for word in words if not places.is_place(word)]
    if strange:
        raise InvalidInput(definition.problem(strange[0], "a place", places.meant(strange[0])))
    named = tuple(dict.fromkeys(word.strip().upper() for word in words))
    return named if isinstance(value, tuple) else named[0]


def _need_zone(definition: FactDefinition, name: str) -> None:
    try:
        zone_named(name)
    except InvalidInput as error:
        raise InvalidInput(
            problem.model_copy(update={"field": definition.name}) for problem in error.problems
        ) from None


def write(value: object) -> Json:
    """Write a value as JSON; `read` of it gives the same value. Unknown is null; what is no value of a fact is text."""
    if value is UNKNOWN:
        return None
    if isinstance(value, Ternary):
        return value.value
    if isinstance(value, Count):
        return value.minimum if value.exact else {"min": value.minimum, "max": value.maximum}
    if isinstance(value, datetime):
        return value.isoformat()
    return [str(item) for item in value] if isinstance(value, tuple) else str(value)


def show(value: object) -> str:
    """Write a value for a person."""
    if value is UNKNOWN:
        return "unknown"
    if isinstance(value, datetime):
        return value.isoformat()
    return (", ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)


def read_all(
    definitions: Mapping[str, FactDefinition], raw: Mapping[str, object], now: datetime | None = None
) -> dict[str, Value]:
    """Read several facts that somebody states. Raises InvalidInput with every problem at once.

    With `now`, whoever states an instant that lies far ahead is told.
    """
    values: dict[str, Value] = {}
    problems: list[Problem] = []
    for name, given in raw.items():
        definition = definitions.get(name)
        if definition is None:
            problems.append(
                Problem(
                    code="F100",
                    field=name,
                    message=f"no fact is called {_short(name)}",
                    do=nearest(name, definitions),
                )
            )
            continue
        try:
            values[name] = value = stated(definition, given)
            if fault := _content(name, value):
                problems.append(Problem(code="F103", field=name, message=f"{name}: {fault}", do=PLACES))
            if isinstance(value, datetime):
                _believed(definition, value, now)
        except InvalidInput as error:
            problems.extend(error.problems)
    if problems:
        raise InvalidInput(problems)
    return values


def _content(name: str, value: Value) -> str:
    """Why a fact is content; "" for nearly all of them. Facts called after locators hold locators."""
    if isinstance(value, tuple):
        fault = locator_fault if name.endswith("locators") else hidden
        return next(filter(None, map(fault, value)), "") or hidden("\n".join(value))
    return hidden(value) if isinstance(value, str) else ""


def known(facts: Facts, names: Iterable[str]) -> bool:
    """Whether every one of these facts has a value."""
    return all(facts.get(name, UNKNOWN) is not UNKNOWN for name in names)


def _text(definition: FactDefinition, raw: object) -> str:
    if not isinstance(raw, str):
        raise InvalidInput(definition.problem(raw, "words"))
    if len(raw) > MAXIMUM_TEXT:
        raise InvalidInput(definition.problem(raw, f"at most {MAXIMUM_TEXT} characters"))
    return raw


def _flag(definition: FactDefinition, raw: object) -> Ternary:
    if isinstance(raw, bool):
        return Ternary.YES if raw else Ternary.NO
    word = str(raw).strip().lower()
    if word in ("yes", "true"):
        return Ternary.YES
    if word in ("no", "false"):
        return Ternary.NO
    raise InvalidInput(definition.problem(raw, "yes, no or unknown"))


def _count(definition: FactDefinition, raw: object) -> Count:
    if isinstance(raw, Count):
        return raw
    if isinstance(raw, Mapping) and set(raw) <= {"min", "max"}:
        return _range(definition, raw, raw.get("min", 0), raw.get("max"))
    if isinstance(raw, bool) or not isinstance(raw, (int, str)):
        raise InvalidInput(definition.problem(raw, "a whole number or a range such as 1..500"))
    low, dots, high = str(raw).strip().partition("..")
    if not dots:
        return _range(definition, raw, low, low)
    return _range(definition, raw, low or 0, high or None)


def _range(definition: FactDefinition, raw: object, low: object, high: object) -> Count:
    minimum = _whole(definition, raw, low)
    maximum = None if high is None else _whole(definition, raw, high)
    if maximum is not None and maximum < minimum:
        raise InvalidInput(definition.problem(raw, "the smaller number first"))
    return Count(minimum=minimum, maximum=maximum)


def _whole(definition: FactDefinition, raw: object, part: object) -> int:
    if isinstance(part, bool) or not isinstance(part, (int, str)):
        raise InvalidInput(definition.problem(raw, "whole numbers"))
    digits = str(part).strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 11 or int(digits) > MAXIMUM_COUNT:
        raise InvalidInput(definition.problem(raw, f"a whole number from 0 to {MAXIMUM_COUNT}"))
    return int(digits)


def _choice(definition: FactDefinition, raw: object) -> str:
    if not isinstance(raw, str) or raw not in definition.choices:
        raise InvalidInput(definition.problem(raw, "one of its words", nearest(str(raw), definition.choices)))
    return raw


def _list(definition: FactDefinition, raw: object) -> tuple[str, ...]:
    words = [word.strip() for word in raw.split(",") if word.strip()] if isinstance(raw, str) else raw
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words) or len(words) > 1000:
        raise InvalidInput(definition.problem(raw, "a list of words"))
    strange = [word for word in words if definition.choices and word not in definition.choices]
    if strange:
        raise InvalidInput(definition.problem(strange[0], "words it knows", nearest(strange[0], definition.choices)))
    return tuple(dict.fromkeys(words))


def _instant(definition: FactDefinition, raw: object) -> datetime:
    try:
        instant = raw if isinstance(raw, datetime) else datetime.fromisoformat(str(raw))
    except ValueError:
        raise InvalidInput(definition.problem(raw, "an instant such as 2026-10-24T10:00:00+02:00")) from None
    if instant.tzinfo is None:
        raise InvalidInput(
            definition.problem(raw, "an instant with its offset", "add the offset, for example +02:00 or Z")
        )
    return _believed(definition, instant)


def _believed(definition: FactDefinition, instant: datetime, now: datetime | None = None) -> datetime:
    if why := doubt(instant, now):
        got = definition.problem(instant.isoformat(), f"a time that was meant: this one {why}", NOT_KNOWN)
        raise InvalidInput(got)
    return instant


def _severity(definition: FactDefinition, raw: object) -> Severity:
    try:
        return Severity(str(raw))
    except ValueError:
        words = [severity.value for severity in Severity]
        raise InvalidInput(definition.problem(raw, "a severity", nearest(str(raw), words))) from None


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return f'"{text[:60]}{"..." if len(text) > 60 else ""}"'
