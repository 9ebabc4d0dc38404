"""What a reader of a format gives back, and how it reads: bytes are judged by what they hold, never by their name.

Decides that an id of another system is kept as it is, with spaces made into hyphens; that what was not understood is
listed with its file; and that what is too large or nested too deep is refused in words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from pydantic import ValidationError

from firedoor.core.assets import LONGEST, Customer, Dataset, Model, Owner, Recipient, TrainingRun
from firedoor.core.json_types import JsonObject, as_object
from firedoor.core.problems import InvalidInput, Problem

Files = Mapping[str, bytes]
DEEPEST = 60  # levels of JSON
SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(slots=True)
class Entries:
    """What was read. `passed_over` names what was not understood, `questions` what a person has to settle."""

    owners: dict[str, Owner] = field(default_factory=dict)
    datasets: dict[str, Dataset] = field(default_factory=dict)
    training_runs: dict[str, TrainingRun] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    recipients: dict[str, Recipient] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Format:
    """One format: its name, which files of a folder it is read from, and its reader, which raises InvalidInput."""

    kind: str
    says: str
    wants: Callable[[str], bool]  # a path relative to the folder, with slashes
    read: Callable[[Files], Entries]


def identifier(*parts: str) -> str:
    """Make an id out of names of another system; empty where there is none."""
    words = ("-".join(re.split(r"[\s\x00-\x1f\x7f]+", part.strip())) for part in parts if part and part.strip())
    return "/".join(words)[:LONGEST]


def objects(name: str, content: bytes) -> JsonObject:
    """Read one JSON object. Raises InvalidInput naming the file."""
    found = parsed(name, content)
    if not isinstance(found, Mapping):
        raise refused(name, "holds no JSON object")
    return as_object(found)


def parsed(name: str, content: bytes) -> object:
    """Read JSON, not deeper than `DEEPEST`. Raises InvalidInput naming the file."""
    try:
        found: object = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise refused(name, "is not UTF-8") from None
    except (ValueError, RecursionError) as error:
        line = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise refused(name, f"is not JSON{line}") from None
    if _depth(found) > DEEPEST:
        raise refused(name, f"is nested more than {DEEPEST} deep")
    return found


def _depth(value: object) -> int:
    """How deep a value is nested, without descending by calls."""
    level, depth = [value], 0
    while level and depth <= DEEPEST:
        level = [inner for one in level for inner in _inside(one)]
        depth += 1
    return depth


def _inside(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()


def refused(name: str, what: str, do: str = "") -> InvalidInput:
    """The problem of one file."""
    return InvalidInput(Problem(code="I220", field=name[:200], message=f"{name[:200]} {what}", do=do))


def texts(value: object) -> tuple[str, ...]:
    """A text, or a list of texts, as the formats write either. Anything else is empty."""
    found = value if isinstance(value, list | tuple) else [value]
    return tuple(one.strip() for one in found if isinstance(one, str) and one.strip())


def day(value: object) -> date | None:
    """The day of a date or an instant; None for anything else."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def instant(milliseconds: object) -> datetime | None:
    """An instant that is written as milliseconds since 1970; None for anything else."""
    digits = str(milliseconds)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 14:
        return None
    return datetime.fromtimestamp(int(digits) / 1000, UTC)


def sha256(value: object) -> str | None:
    """A SHA-256 in lower case; None for anything else."""
    text = str(value).removeprefix("sha256:")
    return text.lower() if SHA256.fullmatch(text) else None


def unread(name: str, held: Mapping[str, object], known: Iterable[str]) -> Iterator[str]:
    """The keys of an object that a reader does not use, as sentences."""
    strange = sorted(set(held) - set(known))
    if strange:
        yield f"{name}: not used: {', '.join(strange[:30])}" + (
            f" and {len(strange) - 30} more" if strange[30:] else ""
        )


def told(name: str, error: ValidationError) -> str:
    """Why an entry could not be made, as a sentence."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return f"{name}: " + "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in faults[:5])
