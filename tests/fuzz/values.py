"""Ugly values: of each type those that programs, spreadsheets and strangers really send, and random ones."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from firedoor.core.facts import FactDefinition, FactType

INSTANTS = (
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-12:00",
    "1970-01-01T00:00:00Z", "1601-01-01T00:00:00Z", "1899-12-30T00:00:00Z", "1904-01-01T00:00:00Z", "infinity",
    "-infinity", "0000-00-00 00:00:00", "2038-01-19T03:14:08Z", "2200-12-31T23:59:59Z", "2201-01-01T00:00:00Z",
    "2026-02-30T10:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T10:00:60Z", "2026-11-21T10:00:00", "2026-11-21",
    "2026-W47-6", "20261121T100000Z", "1764385154", "1764385154000", "21/11/2026", "now", "tomorrow", "NaT", "null",
    "2026-11-21T10:00:00+25:00", "2026-11-21T10:00:00.123456789Z", "1970-01-02T00:00:00+14:00",
    "\u0662\u0660\u0662\u0666",
    "2026-11-21T10:00:00Z", "2026-01-31T23:59:59+00:00", "2028-02-29T12:00:00+05:45", "2035-06-01T00:00:00Z",
)  # fmt: skip
TEXTS = (
    "", " ", "\x00", "a\x00b", "\ud800", "\u202e", "\ufeff", "\u2028", "e\u0301", "x" * 10_001, "\U0001f525" * 50,
    "{{ 7*7 }}",
    "{{ 1/0 }}", "{% for a in b %}", "%s%n", "../../etc/passwd", "'; DROP TABLE x;--", "<script>alert(1)</script>",
    "=cmd()", "\r\nX: y", "[unknown]", "unknown", "None", "null", "nan", "yes", "no", "true", "[]", "{}", "-", "*",
    "..",
    "CON", "__class__", "constructor", "INC-2026-0001", "T1", "0", "-1", "\n", "a" * 255, "%00", "\x1b[2J",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**39, -(10**39), 0.1, -0.0, 1e308, 5e-324, True,
    False,
)  # fmt: skip
COUNTS: tuple[Any, ...] = (
    "1..500",
    "..5",
    "5..",
    "..",
    "5..1",
    "1e3",
    "-5",
    "99999999999",
    {"min": 1},
    {"max": -1},
    {"min": "x"},
    {},
)

texts = st.sampled_from(TEXTS) | st.text(max_size=40)
numbers = st.sampled_from(NUMBERS) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
instants = st.sampled_from(INSTANTS) | st.datetimes(timezones=st.timezones() | st.none()).map(str)
scalars = st.none() | st.booleans() | numbers | texts | instants
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=8
)


def of_fact(definition: FactDefinition) -> st.SearchStrategy[Any]:
    """Values for a fact: good ones, ugly ones of its type, and ones of no type at all."""
    words = st.sampled_from(definition.choices) if definition.choices else texts
    by_type: dict[FactType, st.SearchStrategy[Any]] = {
        FactType.INSTANT: instants, FactType.COUNT: st.sampled_from(COUNTS) | numbers | st.integers(0, 5000),
        FactType.FLAG: st.sampled_from(["yes", "no", "unknown", "YES", True, 0]), FactType.CHOICE: words | texts,
        FactType.LIST: st.lists(words | texts, max_size=4) | texts,
        FactType.SEVERITY: st.sampled_from(["low", "medium", "high", "critical", "HIGH", 5]),
        FactType.TARGET: st.sampled_from(["chat-large", "nowhere"]) | texts, FactType.TEXT: texts,
    }  # fmt: skip
    return by_type[definition.type] | by_type[definition.type] | anything


@st.composite
def spoilt(draw: st.DrawFn, value: Any) -> Any:
    """A JSON value in which a few places were made ugly, left out or doubled."""
    return _spoil(draw, value, draw(st.integers(0, 3)))


def _spoil(draw: st.DrawFn, value: Any, often: int) -> Any:
    for _ in range(often):
        value = _one(draw, value)
    return value


def _one(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and value:
        name = draw(st.sampled_from(sorted(value)))
        if draw(st.integers(0, 9)) == 0:
            return {key: inner for key, inner in value.items() if key != name}
        return {**value, name: _one(draw, value[name])}
    if isinstance(value, list) and value:
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], _one(draw, value[index]), *value[index + 1 :]]
    return draw(anything)
