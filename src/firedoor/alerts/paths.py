"""Paths into somebody else's JSON: where a mapping finds our fields.

Decides the forms of a path and what it finds:

    /a/b/0                           a JSON pointer (RFC 6901)
    a.b[0].c                         dotted, with indices
    classes[?class=='nsfw'].score    those items of a list for which this holds: == != > >= < <=, several with &&
    breakdown[*].detector_type       every item of a list, every value of an object
    scores[?@value>=0.5].@key        in an object, each value knows its key: @key, and what has no keys itself: @value
    tags[tag:model]                  the value of a tag, in "env:prod,model:chat" or in a list of such texts
    $.commonLabels.team              from the root of the body, where the alert itself is an item of it; $ is the root
    header:X-Request-Id              a header of the delivery

A text in which JSON stands is read on the way, as senders put a message into an envelope. A path may find several
values: a field that holds one takes the first. Leaves fallbacks and joins to `expressions`, and meanings to `mapping`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from firedoor.alerts.source import MAXIMUM_DEPTH, Headers, header
from firedoor.core.json_types import Json
from firedoor.core.language.json_payload import read_json
from firedoor.core.problems import InvalidInput

HEADER, ROOT, WHOLE = "header:", "$.", "$"
MAXIMUM_PATH = 512  # characters
MAXIMUM_INNER_BYTES = 256 * 1024
_NAME = r"[^.\[\]]+"
_BRACKET = r"\[(?:\d{1,6}|\*|\?[^\[\]]{3,400}|tag:[^\[\]]{1,128})\]"
_STEP = re.compile(rf"{_NAME}|{_BRACKET}")
_DOTTED = re.compile(rf"{_NAME}(?:{_BRACKET}|\.{_NAME})*")
_POINTER = re.compile(r"(?:/(?:[^/~]|~0|~1)*)+")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")  # what a header's name is made of (RFC 9110)
_CONDITION = re.compile(r"\s*([^=!<>\s][^=!<>]{0,127}?)\s*(==|!=|>=|<=|=|>|<)\s*(.{0,256}?)\s*", re.DOTALL)


@dataclass(frozen=True)
class Delivered:
    """Where a path begins: one item, the body in which it came, and the headers."""

    item: Json
    root: Json = None
    headers: Headers = field(default_factory=dict)


def is_path(path: str) -> bool:
    """Whether a path has one of the forms."""
    if len(path) > MAXIMUM_PATH:
        return False
    if path.startswith(HEADER):
        return bool(_TOKEN.fullmatch(path.removeprefix(HEADER)))
    path = path.removeprefix(ROOT)
    if path == WHOLE:
        return True
    if path.startswith("/"):
        return bool(_POINTER.fullmatch(path))
    filters = [step[2:-1] for step in _STEP.findall(path) if step.startswith("[?")]
    sound = all(_CONDITION.fullmatch(part) for one in filters for part in one.split("&&"))
    return bool(_DOTTED.fullmatch(path)) and sound


def look_up(value: Json, path: str, headers: Headers | None = None) -> Json:
    """Return the first that stands at a path; None where nothing does."""
    return next(iter(look_up_all(Delivered(value, value, headers or {}), path)), None)


def look_up_all(delivered: Delivered, path: str) -> list[Json]:
    """Return everything that stands at a path, in its order."""
    if path.startswith(HEADER):
        found: list[Json] = [header(delivered.headers, path.removeprefix(HEADER))]
        return [one for one in found if one is not None]
    if path == WHOLE:
        return [delivered.root]
    found = [delivered.root if path.startswith(ROOT) else delivered.item]
    path = path.removeprefix(ROOT)
    if path.startswith("/"):
        for step in path[1:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            found = [inner for one in found for inner in _child(opened(one), name)]
    else:
        for step in _STEP.findall(path):
            found = [inner for one in found for inner in _taken(one, step)]
    return [one for one in found if one is not None]


def said(value: object) -> str:
    """A scalar as a mapping writes it: true, 0.5, word."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _taken(value: Json, step: str) -> Iterator[Json]:
    """What one dotted step finds."""
    inside = step[1:-1] if step.startswith("[") else ""
    if inside.startswith("tag:"):
        yield from _tag(value, inside.removeprefix("tag:"))
        return
    value = opened(value)
    if inside == "*":
        yield from _items(value)
    elif inside.startswith("?"):
        conditions = [match for part in inside[1:].split("&&") if (match := _CONDITION.fullmatch(part))]
        yield from (item for item in _items(value) if all(_holds(item, *match.groups()) for match in conditions))
    else:
        yield from _child(value, inside or step)


def _items(value: Json) -> Iterator[Json]:
    """The items of a list, or the values of an object, each of which knows its key."""
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield {**inner, "@key": key} if isinstance(inner, dict) else {"@key": key, "@value": inner}


def _child(value: Json, step: str) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value.get(step)
    elif isinstance(value, list) and step.isascii() and step.isdigit() and len(step) < 7:
        yield value[int(step)] if int(step) < len(value) else None


def _holds(item: Json, name: str, sign: str, wanted: str) -> bool:
    """Whether a field of an item compares as a filter asks; what an item does not say holds for `!=` alone."""
    given: list[Json] = [item]
    for step in name.strip().split("."):
        given = [inner for one in given for inner in _child(opened(one), step)]
    value = next(iter(given), None)
    if len(wanted) > 1 and wanted[0] == wanted[-1] and wanted[0] in "'\"`":
        wanted = wanted[1:-1]
    if not isinstance(value, (str, int, float)):
        return sign == "!="
    if sign in ("=", "==", "!="):
        return (said(value) == wanted) != (sign == "!=")
    return _compares(said(value), sign, wanted)


def _compares(given: str, sign: str, wanted: str) -> bool:
    try:
        left, right = float(given), float(wanted)
    except ValueError:
        return False
    return {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[sign]


def _tag(value: Json, name: str) -> Iterator[str]:
    """The values of one tag: `name:value`, in one text with commas or in a list of texts."""
    texts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else ()
    for text in texts:
        key, colon, given = text.partition(":") if isinstance(text, str) else ("", "", "")
        if colon and key.strip() == name and given.strip():
            yield given.strip()


def opened(value: Json) -> Json:
    """The JSON that stands in a text; anything else as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        opened: Json = read_json(value.encode(), maximum_bytes=MAXIMUM_INNER_BYTES, maximum_depth=MAXIMUM_DEPTH)
    except (InvalidInput, UnicodeEncodeError, json.JSONDecodeError):
        return value
    return opened
