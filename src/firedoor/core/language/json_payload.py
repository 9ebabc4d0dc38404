"""Reads JSON that a stranger sent: strictly, within bounds, and with every problem named by its path.

Decides what is JSON at all here (RFC 8259 in UTF-8, each key once, finite numbers, no lone
surrogates, bounded size and depth). Messages quote the names of fields and never their values:
a value may be the very text that leaked. Leaves reading one object to `fields`.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from firedoor.core.json_types import Json
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.text import clean_text

MAXIMUM_PROBLEMS = 50  # more would not be read; the last one says how many were left out
MAXIMUM_NUMBER_DIGITS = 40

# A string (closed or not) or one bracket. Possessive, and an unclosed string runs to the end: linear on any input.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NO_TIME = frozenset(("infinity", "-infinity", "0000-00-00", "0000-00-00 00:00:00", "0000-00-00t00:00:00z"))
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # and surrogates, from headers


class _Twice(dict[str, Any]):
    """An object in which a key stood twice; readers disagree on which value counts, so neither does."""

    keys_twice: tuple[str, ...] = ()


class _NotANumber:
    """Stands where NaN, Infinity or a number out of range stood."""


def read_json(body: bytes, *, maximum_bytes: int, maximum_depth: int, maximum_whole: int | None = None) -> Json:
    """Return the JSON value in `body`. Raises InvalidInput with all problems (codes D101 to D107).

    A whole number beyond `maximum_whole` either way is no number that can be kept here; None: one of 40 digits may be.
    """
    check_size(body, maximum_bytes)
    if _depth(body, maximum_depth) > maximum_depth:
        message = f"the JSON is nested more than {maximum_depth} levels deep"
        raise _invalid("D102", message, "send the documented fields only")
    value = _decode(body)
    problems = list(islice(_unsound(value, "", maximum_whole or math.inf), MAXIMUM_PROBLEMS + 1))
    if problems:
        raise InvalidInput(bounded(problems))
    return value


def check_size(body: bytes, maximum_bytes: int) -> None:
    """Raise InvalidInput for a body that is too large to be read."""
    if len(body) > maximum_bytes:
        message = f"the body has {len(body)} bytes; at most {maximum_bytes} are read"
        raise _invalid("D101", message, "send fewer alerts at once")


def bounded(problems: list[Problem]) -> list[Problem]:
    """Keep the first problems, and say that there are more."""
    if len(problems) <= MAXIMUM_PROBLEMS:
        return problems
    rest = Problem(code="D199", message="there are more problems", do="correct the first ones and send it again")
    return [*problems[:MAXIMUM_PROBLEMS], rest]


def _invalid(code: str, message: str, do: str) -> InvalidInput:
    return InvalidInput(Problem(code=code, message=message, do=do))


def _depth(body: bytes, enough: int) -> int:
    """Return how deep brackets nest outside strings, or that it is too deep, before any parser recurses into them."""
    if body.count(b"[") + body.count(b"{") <= enough:
        return 0  # cannot be deeper than there are brackets: the usual case, without a scan
    deepest = level = 0
    for token in _TOKEN.finditer(body):
        mark = token.group()[:1]
        if mark != b'"':
            level += 1 if mark in b"[{" else -1
            deepest = max(deepest, level)
        if deepest > enough:
            break  # no need to know how much deeper
    return deepest


def _decode(body: bytes) -> Json:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _invalid("D103", f"the body is not UTF-8 (byte {error.start})", "send JSON encoded as UTF-8") from None
    try:
        read: Json = json.loads(
            text, object_pairs_hook=_object, parse_constant=_not_a_number, parse_float=_float, parse_int=_integer
        )
    except json.JSONDecodeError as error:
        message = f"the body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        raise _invalid("D104", message, "send one JSON value; see the example of this source") from None
    return read


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    read = dict(pairs)
    if len(read) == len(pairs):
        return read
    times = Counter(name for name, _ in pairs)
    twice = _Twice(read)
    twice.keys_twice = tuple(name for name, count in times.items() if count > 1)
    return twice


def _not_a_number(_text: str) -> _NotANumber:
    return _NotANumber()


def _float(text: str) -> float | _NotANumber:
    value = float(text) if len(text) <= MAXIMUM_NUMBER_DIGITS else math.inf
    return value if math.isfinite(value) else _NotANumber()


def _integer(text: str) -> int | _NotANumber:
    return int(text) if len(text) <= MAXIMUM_NUMBER_DIGITS else _NotANumber()


def _unsound(value: object, path: str, largest: float) -> Iterator[Problem]:
    """Yield what no reader may let pass, wherever it stands. Recursion is bounded by the depth already checked."""
    match value:
        case dict():
            if isinstance(value, _Twice):
                yield from (Problem(code="D105", field=join(path, name), message="this key stands twice in one object",
                                    do="send each key once") for name in value.keys_twice)  # fmt: skip
            for name, inner in value.items():
                yield from _unsound(name, join(path, "(a key)"), largest)
                yield from _unsound(inner, join(path, name), largest)
        case list():
            for index, inner in enumerate(value):
                yield from _unsound(inner, f"{path}[{index}]", largest)
        case _NotANumber():
            do = "send a JSON number; leave the field out if it is not known"
            yield Problem(code="D106", field=path or None, message="is not a finite number of at most 40 digits", do=do)
        case int() if abs(value) > largest:
            yield Problem(code="D106", field=path or None, message="is a larger number than can be kept", do="")
        case str() if _SURROGATE.search(value):
            message = "holds half of a surrogate pair, which is no character"
            yield Problem(code="D107", field=path or None, message=message, do="send complete characters")


def join(path: str, name: str) -> str:
    """Return the path of a field, a strange name quoted and cut, an index in brackets."""
    if name.isascii() and name.isdigit():
        return f"{path}[{name[:20]}]"
    shown = name if PLAIN_NAME.fullmatch(name) else json.dumps(name[:40])
    return f"{path}.{shown}" if path else shown


def one_line(text: str, maximum: int) -> str:
    """Return text without control characters or what nobody sees, on one line, cut to `maximum` characters."""
    flat = " ".join(clean_text(CONTROL.sub(" ", text)).split())
    return flat if len(flat) <= maximum else flat[: maximum - 1] + "…"


def instant(text: str) -> datetime | None:
    """Read RFC 3339 with a zone as UTC; None when it is anything else. Digits below a microsecond are dropped.

    Words of databases that mean "no time" become the first instant there is, which `dates.doubt` does not believe.
    """
    if text.strip().lower() in _NO_TIME:
        return datetime.min.replace(tzinfo=UTC)
    if not re.match(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}", text):
        return None  # ISO 8601 has many more forms (week dates, basic form); no sender of ours uses them
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else None
    except OverflowError:  # the first or the last hours of all: no time that anybody means
        return moment.replace(tzinfo=UTC)
