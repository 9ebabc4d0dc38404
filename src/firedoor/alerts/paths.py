"""Paths into somebody else's JSON: where a mapping finds our fields.

Decides the forms of a path and what it finds:

    /a/b/0                          a JSON pointer (RFC 6901)
    a.b[0].c                        dotted, with indices
    classes[?class=general_nsfw]    those items of a list whose field has this value, whatever their order
    breakdown[*].detector_type      every item
    tags[tag:model]                 the value of a tag, in "env:prod,model:chat" or in a list of such texts
    header:X-Request-Id             a header of the delivery

A text in which JSON stands is read on the way, as senders put a message into an envelope. A path may find several
values: a field that holds one takes the first. Leaves what the values mean to `mapping`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from firedoor.alerts.source import MAXIMUM_DEPTH, Headers, header
from firedoor.core.json_types import Json
from firedoor.core.language.json_payload import read_json
from firedoor.core.problems import InvalidInput

HEADER = "header:"
MAXIMUM_INNER_BYTES = 256 * 1024
_NAME = r"[^.\[\]]+"
_BRACKET = r"\[(?:\d{1,6}|\*|\?[^\[\]=]{1,128}=[^\[\]]{0,256}|tag:[^\[\]]{1,128})\]"
_STEP = re.compile(rf"{_NAME}|{_BRACKET}")
_DOTTED = re.compile(rf"{_NAME}(?:{_BRACKET}|\.{_NAME})*")
_POINTER = re.compile(r"(?:/(?:[^/~]|~0|~1)*)+")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")  # what a header's name is made of (RFC 9110)


def is_path(path: str) -> bool:
    """Whether a path has one of the forms."""
    if path.startswith(HEADER):
        return bool(_TOKEN.fullmatch(path.removeprefix(HEADER)))
    return bool((_POINTER if path.startswith("/") else _DOTTED).fullmatch(path))


def look_up(value: Json, path: str, headers: Headers | None = None) -> Json:
    """Return the first that stands at a path; None where nothing does."""
    return next(iter(look_up_all(value, path, headers)), None)


def look_up_all(value: Json, path: str, headers: Headers | None = None) -> list[Json]:
    """Return everything that stands at a path, in its order."""
    if path.startswith(HEADER):
        found: list[Json] = [header(headers or {}, path.removeprefix(HEADER))]
    elif path.startswith("/"):
        found = [value]
        for step in path[1:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            found = [inner for one in found for inner in _child(_opened(one), name)]
    else:
        found = [value]
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
    value = _opened(value)
    if inside == "*":
        yield from value if isinstance(value, list) else ()
    elif inside.startswith("?"):
        name, _, wanted = inside[1:].partition("=")
        yield from (item for item in value if _has(item, name, wanted)) if isinstance(value, list) else ()
    else:
        yield from _child(value, inside or step)


def _child(value: Json, step: str) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value.get(step)
    elif isinstance(value, list) and step.isascii() and step.isdigit() and len(step) < 7:
        yield value[int(step)] if int(step) < len(value) else None


def _has(item: Json, name: str, wanted: str) -> bool:
    given = item.get(name) if isinstance(item, dict) else None
    return isinstance(given, (str, int, float)) and said(given) == wanted


def _tag(value: Json, name: str) -> Iterator[str]:
    """The values of one tag: `name:value`, in one text with commas or in a list of texts."""
    texts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else ()
    for text in texts:
        key, colon, given = text.partition(":") if isinstance(text, str) else ("", "", "")
        if colon and key.strip() == name and given.strip():
            yield given.strip()


def _opened(value: Json) -> Json:
    """The JSON that stands in a text; anything else as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        opened: Json = read_json(value.encode(), maximum_bytes=MAXIMUM_INNER_BYTES, maximum_depth=MAXIMUM_DEPTH)
    except (InvalidInput, UnicodeEncodeError, json.JSONDecodeError):
        return value
    return opened
