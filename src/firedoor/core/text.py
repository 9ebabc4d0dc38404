"""Text that came from outside, as Firedoor keeps it: one cleaner for every door.

Decides which characters of a text are kept. Dropped are those that no reader sees and that change what a screen, a
terminal, a log or a database makes of the rest: control characters (NUL and ESC among them), overrides and isolates of
writing direction, characters without width, fillers and tags. Kept are those that a script needs: joiners between
letters of joining scripts, marks of direction in text that runs from right to left, and what makes one picture of
several emoji. Line breaks become LF, or a space where a text is one line. Half a surrogate pair is refused: it is no
character, and leaving it out would hide that. Bytes of evidence are no text and never come here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import TypeVar, cast

from firedoor.core.problems import InvalidInput, Problem

_PLAIN = re.compile(r"[ -~]*")
_PLAIN_LINES = re.compile(r"[\n\t -~]*")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BREAK = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

# What a terminal obeys, or a reader is deceived by: controls, and overrides and isolates of direction (UAX 9).
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

# Invisible, though Unicode calls them letters or marks: fillers, and what is no character at all.
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufffe\uffff") | {
    chr(at) for at in range(0xFDD0, 0xFDF0)
}
# Format characters that are seen: signs that span the digits after them (Arabic, Syriac, Kaithi).
_SEEN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_JOINERS, _DIRECTIONS = frozenset("\u200c\u200d"), frozenset("\u200e\u200f\u061c")
_BLACK_FLAG, _END_OF_TAGS = "\U0001f3f4", "\U000e007f"

Spans = tuple[tuple[int, int], ...]
_JOINING: Spans = ((0x0600, 0x07FF), (0x0840, 0x0DFF), (0x0F00, 0x109F), (0x1780, 0x18AF), (0x1A20, 0x1B7F),
                   (0xA800, 0xABFF), (0x10A00, 0x11FFF), (0x1E900, 0x1E95F))  # fmt: skip
_PICTURES: Spans = ((0x00A9, 0x00AE), (0x203C, 0x3299), (0xFE0F, 0xFE0F), (0x1F000, 0x1FAFF))
_SELECTORS: Spans = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
_MONGOLIAN, _MONGOLIAN_SELECTORS = ((0x1800, 0x18AF),), ((0x180B, 0x180F),)
_TAGS: Spans = ((0xE0000, 0xE007F),)


def clean_text(text: str, *, lines: bool = False) -> str:
    """Return the text in NFC, without what nobody sees; on one line unless `lines`. Cleaning twice changes nothing.

    Raises InvalidInput (D107) for half a surrogate pair.
    """
    if (_PLAIN_LINES if lines else _PLAIN).fullmatch(text):
        return text
    if _SURROGATE.search(text):
        message = "the text holds half of a surrogate pair, which is no character"
        raise InvalidInput(Problem(code="D107", message=message, do="send complete characters"))
    broken = _BREAK.sub("\n", text)
    cleaned = broken if lines else re.sub("[\n\t]+", " ", broken)
    while (once_more := _without_unseen(cleaned)) != cleaned:  # what is dropped may bring two others together
        cleaned = once_more
    return cleaned


def for_terminal(text: str) -> str:
    """Return text for a terminal, which obeys control characters: a mark stands where one stood, lines stay lines.

    What was kept before there was a cleaner, and what another system says, goes through here on its way to a person.
    """
    marked = _OBEYED.sub("?", _SURROGATE.sub("?", text.replace("\r\n", "\n")))
    return clean_text(marked, lines=True)


Cleaned = TypeVar("Cleaned")


def clean_value(value: Cleaned, lines: Callable[[str], bool], name: str = "") -> Cleaned:
    """Return a JSON value with every text in it cleaned, keys included. `lines` says which names keep their lines."""
    return cast("Cleaned", _cleaned(value, lines, name))  # what it is made of changes, and its shape does not


def _cleaned(value: object, lines: Callable[[str], bool], name: str) -> object:
    match value:
        case str():
            return clean_text(value, lines=lines(name))
        case dict():
            return {clean_text(key): _cleaned(inner, lines, f"{name}.{key}") for key, inner in value.items()}
        case list() | tuple():
            return [_cleaned(inner, lines, name) for inner in value]
        case _:
            return value


def _without_unseen(text: str) -> str:
    right_to_left = any(
        unicodedata.bidirectional(letter) in ("R", "AL") for letter in text if letter not in _DIRECTIONS
    )
    around = zip(("", *text), text, (*text[1:], ""), strict=False)
    kept = [letter for before, letter, after in around if _is_kept(before, letter, after, right_to_left=right_to_left)]
    return unicodedata.normalize("NFC", _without_tags("".join(kept)))


def _is_kept(before: str, letter: str, after: str, *, right_to_left: bool) -> bool:
    if letter in _JOINERS:
        return _joins(before, after, letter)
    if letter in _DIRECTIONS:
        return right_to_left and before not in _DIRECTIONS
    if _in(letter, _SELECTORS):
        return bool(before) and not before.isspace() and not _in(before, _SELECTORS)
    if _in(letter, _MONGOLIAN_SELECTORS):
        return _in(before, _MONGOLIAN) and not _in(before, _MONGOLIAN_SELECTORS)
    if letter in _FILLERS:
        return False
    category = unicodedata.category(letter)
    if category == "Cf":
        return letter in _SEEN or _in(letter, _TAGS)
    return category != "Cc" or letter in "\n\t"


def _joins(before: str, after: str, joiner: str) -> bool:
    """Whether a joiner is part of a word of a joining script, or makes one picture of two."""
    if _in(before, _PICTURES) or unicodedata.category(before or " ") == "Sk":
        return joiner == "\u200d" and _in(after, _PICTURES)
    is_letter = unicodedata.category(before or " ")[0] in "LM"
    return is_letter and _in(before, _JOINING) and (_in(after, _JOINING) or not after or after in " \n.,;:!?)")


def _without_tags(text: str) -> str:
    """Tags spell the flag of a region after a black flag (UTS 51); anywhere else they are text that nobody sees."""
    if not any(_in(letter, _TAGS) for letter in text):
        return text
    flag = f"{_BLACK_FLAG}[\U000e0030-\U000e0039\U000e0061-\U000e007a]{{3,6}}{_END_OF_TAGS}"
    parts: Iterable[str] = re.split(f"({flag})", text)
    return "".join(part if re.fullmatch(flag, part) else re.sub("[\U000e0000-\U000e007f]", "", part) for part in parts)


def _in(letter: str, spans: Spans) -> bool:
    return bool(letter) and any(low <= ord(letter) <= high for low, high in spans)
