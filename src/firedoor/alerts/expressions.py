"""What a mapping writes for a field: a path, and what may be made of paths.

Decides four forms around the paths of `paths`:

    alert.title || rule.name                 the first that is there
    "{repository.full_name}#{alert.number}"  several joined; a text none of whose parts is there is not there
    digest:{rule} {time}                     SHA-256 of a path or a join: for an id that no field gives
    max:scores[*].@value  count:findings[*]  the largest number, or how many were found

Leaves the paths themselves to `paths`, and types and meanings to `mapping` and `mapped_item`.
"""

from __future__ import annotations

import hashlib
import re

from firedoor.alerts.paths import HEADER, MAXIMUM_PATH, Delivered, is_path, look_up_all, said
from firedoor.core.json_types import Json

FALLBACK = " || "
DIGEST, LARGEST, COUNT = "digest:", "max:", "count:"
MAXIMUM_PARTS = 8  # alternatives of one expression, and paths of one join
MAXIMUM_EXPRESSION = 2048  # characters
_PART = re.compile(r"\{([^{}]{1,512})\}")


def paths_in(expression: str) -> list[str]:
    """Every path that an expression reads."""
    found = []
    for one in expression.split(FALLBACK):
        bare = _bare(one)
        found += _PART.findall(bare) or [bare]
    return found


def wrong_with(expression: str) -> str:
    """Why an expression is none, in words; empty when it is one."""
    alternatives = expression.split(FALLBACK)
    if len(expression) > MAXIMUM_EXPRESSION or len(alternatives) > MAXIMUM_PARTS:
        return f"is too long: at most {MAXIMUM_PARTS} alternatives"
    for path in paths_in(expression):
        if not is_path(path):
            return f'"{path[:60]}" is no path: write /a/b/0, a.b[0] or a[?name=value]'
    if any(len(_PART.findall(one)) > MAXIMUM_PARTS for one in alternatives):
        return f"joins more than {MAXIMUM_PARTS} paths"
    return ""


def reads_header(expression: str) -> bool:
    """Whether it reads a header, which no signature over the body covers."""
    return any(path.startswith(HEADER) for path in paths_in(expression))


def first(delivered: Delivered, expression: str) -> Json:
    """The first value that an expression finds; None where it finds none."""
    return next(iter(everything(delivered, expression)), None)


def everything(delivered: Delivered, expression: str) -> list[Json]:
    """All values of the first alternative that finds any. An empty text is no value."""
    if FALLBACK not in expression and "{" not in expression and not expression.startswith((DIGEST, LARGEST, COUNT)):
        return [one for one in look_up_all(delivered, expression) if one != ""]  # the usual case
    for one in expression.split(FALLBACK):
        if found := [value for value in _alternative(delivered, one.strip()) if value != ""]:
            return found
    return []


def _alternative(delivered: Delivered, one: str) -> list[Json]:
    bare = _bare(one)
    found = _joined(delivered, bare) if _PART.search(bare) else look_up_all(delivered, bare)
    if one.startswith(COUNT):
        return [len(found)]
    if one.startswith(LARGEST):
        numbers = [number for number in map(_number, found) if number is not None]
        return [max(numbers)] if numbers else []
    if one.startswith(DIGEST):
        text = "\n".join(said(value) for value in found if isinstance(value, (str, int, float)))
        return [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()] if text else []
    return found


def _joined(delivered: Delivered, template: str) -> list[Json]:
    """The template with its paths filled in; nothing where none of them is there."""
    values = {path: next(iter(look_up_all(delivered, path)), None) for path in _PART.findall(template)}
    there = {path: said(value) for path, value in values.items() if isinstance(value, (str, int, float))}
    return [_PART.sub(lambda part: there.get(part[1], ""), template).strip()] if there else []


def _number(value: Json) -> float | None:
    """A number, also in quotes."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        return float(value) if not isinstance(value, str) or len(value) <= MAXIMUM_PATH else None
    except (ValueError, OverflowError):
        return None


def _bare(one: str) -> str:
    """An alternative without what is done with its values."""
    one = one.strip()
    for prefix in (DIGEST, LARGEST, COUNT):
        if one.startswith(prefix):
            return one.removeprefix(prefix).strip()
    return one
