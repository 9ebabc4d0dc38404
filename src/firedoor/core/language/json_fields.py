"""Reads one JSON object field by field, and collects every problem with its path.

Decides how a string, a word of a closed set, a number, an instant or an array is checked, and what
is said when it does not fit. Never quotes a value: it may be the very text that leaked.
Leaves what the fields mean to the sources in `alerts`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import TypeVar

from firedoor.core.json_types import Json, JsonObject
from firedoor.core.language.json_payload import CONTROL, instant, join
from firedoor.core.problems import Problem, nearest
from firedoor.core.text import clean_text

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]*")


Kind = TypeVar("Kind")


class Fields:
    """Reads one JSON object field by field and collects every problem with its path.

    A reading method returns None when the field is absent, null or wrong; what is wrong
    is in `problems`, which all readers of one payload share.
    """

    def __init__(self, value: object, path: str, problems: list[Problem]) -> None:
        self.path, self.problems = path, problems
        self.value: JsonObject = value if isinstance(value, dict) else {}
        self.usable = isinstance(value, dict)
        if not self.usable:
            self._wrong_type("", "an object", value)

    def at(self, name: str) -> str:
        """Return the path of one field."""
        return join(self.path, name) if name else self.path or "(the body)"

    def problem(self, code: str, name: str, message: str, do: str = "") -> None:
        """Collect a problem about one field."""
        self.problems.append(Problem(code=code, field=self.at(name), message=message, do=do))

    def _wrong_type(self, name: str, expected: str, got: object) -> None:
        kinds = {dict: "an object", list: "an array", str: "a string", bool: "true or false", type(None): "null"}
        self.problem("D111", name, f"must be {expected}, not {kinds.get(type(got), 'a number')}", f"send {expected}")

    def _get(self, name: str, kind: type[Kind], expected: str, *, required: bool) -> Kind | None:
        got = self.value.get(name)
        if got is None:
            if required and self.usable:
                self.problem("D110", name, "is missing", f"send {expected}")
            return None
        if not isinstance(got, kind):
            self._wrong_type(name, expected, got)
            return None
        return got

    def text(self, name: str, *, required: bool = False, maximum: int = 256) -> str | None:
        """Read a string that names something: not empty, no control characters, at most `maximum` long."""
        got = self._get(name, str, "a string", required=required)
        if got is None:
            return None
        if CONTROL.search(got) or len(got) > maximum or (required and not clean_text(got).strip()):
            self.problem(
                "D112", name, f"must be 1 to {maximum} characters on one line", "send an identifier, never content"
            )
            return None
        return clean_text(got).strip() or None

    def word(self, name: str, known: Collection[str], *, required: bool = False) -> str | None:
        """Read one of a closed set of words."""
        got = self.text(name, required=required, maximum=64)
        if got is not None and got not in known:
            self.problem("D113", name, "is not a word that is known here", nearest(got, known))
            return None
        return got

    def number(self, name: str, low: float = -1e12, high: float = 1e12) -> float | None:
        """Read a finite number within bounds. true and false are not numbers."""
        got = self.value.get(name)
        if got is None:
            return None
        if isinstance(got, bool) or not isinstance(got, (int, float)):
            self._wrong_type(name, "a number", got)
            return None
        if not low <= got <= high:
            self.problem("D114", name, f"must be from {low:g} to {high:g}", "send the number in its documented unit")
            return None
        return float(got)

    def whole(self, name: str, high: int = 10**10, *, required: bool = False) -> int | None:
        """Read a whole number from 0 to `high`."""
        got = self._get(name, int, "a whole number", required=required)
        if got is None or isinstance(got, bool) or not 0 <= got <= high:
            if got is not None:
                self.problem("D114", name, f"must be a whole number from 0 to {high}", "")
            return None
        return int(got)

    def moment(self, name: str, *, required: bool = False) -> datetime | None:
        """Read an instant with its zone; the result is in UTC."""
        got = self._get(name, str, "an instant", required=required)
        if got is None:
            return None
        read = instant(got)
        if read is None:
            self.problem(
                "D115",
                name,
                "must be an instant with a zone (RFC 3339)",
                "for example 2026-11-21T02:59:41Z or ...+01:00",
            )
        return read

    def object(self, name: str, *, required: bool = False) -> Fields | None:
        """Read an object inside this one."""
        got = self._get(name, dict, "an object", required=required)
        return None if got is None else Fields(got, self.at(name), self.problems)

    def array(self, name: str, maximum: int, *, required: bool = False) -> list[Json]:
        """Read an array of at most `maximum` items."""
        got: list[Json] | None = self._get(name, list, "an array", required=required)
        if got is not None and len(got) > maximum:
            self.problem("D116", name, f"has {len(got)} items; at most {maximum} are read", "send fewer")
            return []
        return got or []

    def objects(self, name: str, maximum: int, *, required: bool = False) -> list[Fields]:
        """Read an array of objects."""
        items = self.array(name, maximum, required=required)
        return [
            Fields(item, f"{self.at(name) if name else self.path}[{index}]", self.problems)
            for index, item in enumerate(items)
        ]

    def identifier(self, name: str, *, required: bool = False) -> str | None:
        """Read the name of a type or category: letters, digits and `_ . : / -`, so that no sentence fits into it."""
        got = self.text(name, required=required, maximum=128)
        if got is not None and not IDENTIFIER.fullmatch(got):
            self.problem("D112", name, "must be letters, digits, _ . : / or -", "send an identifier, never content")
            return None
        return got

    def texts(self, name: str, maximum: int, longest: int = 128) -> tuple[str, ...]:
        """Read an array of strings; doubles are dropped, the order is kept."""
        inner = self._indexed(name, maximum)
        read = [inner.text(index, required=True, maximum=longest) for index in inner.value]
        return tuple(dict.fromkeys(text for text in read if text))

    def identifiers(self, name: str, maximum: int) -> tuple[str, ...]:
        """Read an array of identifiers; doubles are dropped, the order is kept."""
        inner = self._indexed(name, maximum)
        read = [inner.identifier(index, required=True) for index in inner.value]
        return tuple(dict.fromkeys(text for text in read if text))

    def _indexed(self, name: str, maximum: int) -> Fields:
        """Return an array as an object whose keys are the indices."""
        items = self.array(name, maximum)
        return Fields({str(index): item for index, item in enumerate(items)}, self.at(name), self.problems)
