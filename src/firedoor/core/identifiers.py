"""The form of every word that a playbook makes up: facts, choices, steps, roles and parts.

Decides which words are accepted, in one place for all of them: they stand in conditions, in file names, in drills
(where `*`, `[` and `.` have a meaning) and in addresses, and two that look alike must not be two. Leaves what a word
refers to to `checks`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

from firedoor.core.language.yaml_source import Path, Source
from firedoor.core.problems import Problem

Kind = Literal["fact", "choice", "step", "role", "part"]
CODE: dict[Kind, str] = {"fact": "P104"}
OTHER = "P108"
_UNDERLINED = "small letters a to z, digits and _, beginning with a letter"
_HYPHENED = "small letters a to z, digits, - and _, beginning with a letter"
_FORMS: dict[Kind, tuple[re.Pattern[str], str, int]] = {
    "fact": (re.compile(r"[a-z][a-z0-9_]{0,62}"), _UNDERLINED, 63),
    "choice": (re.compile(r"[a-z][a-z0-9_]{0,40}"), _UNDERLINED, 41),
    "step": (re.compile(r"[a-z][a-z0-9_-]{0,62}"), _HYPHENED, 63),
    "role": (re.compile(r"[a-z][a-z0-9_-]{0,39}"), _HYPHENED, 40),
    "part": (re.compile(r"[a-z][a-z0-9-]{1,62}"), "small letters a to z, digits and -, beginning with a letter", 63),
}
_SHOWN = 40  # characters of a word that is shown again


def identifier_problem(kind: Kind, word: object, source: Source, path: Path) -> Iterator[Problem]:
    """Yield what is wrong with one word, at its place."""
    pattern, form, longest = _FORMS[kind]
    text = word if isinstance(word, str) else str(word)
    if isinstance(word, str) and pattern.fullmatch(text):
        return
    why = f"it is {len(text)} characters long, and {longest} is the most" if len(text) > longest else _odd(text, form)
    yield source.problem(path, CODE.get(kind, OTHER), f'"{shown(text)}" is no name for a {kind}: {why}', f"use {form}")


def step_words(data: dict[str, object], source: Source, path: Path) -> Iterator[Problem]:
    """The words that one step makes up or names: its id, the answers that it offers, the part that it uses."""
    if isinstance(data.get("id"), str):
        yield from identifier_problem("step", data["id"], source, (*path, "id"))
    if isinstance(data.get("use"), str):
        yield from identifier_problem("part", data["use"], source, (*path, "use"))
    answers = data.get("answers")
    for choice in answers if isinstance(answers, dict) else ():
        yield from identifier_problem("choice", choice, source, (*path, "answers", choice))


def shown(text: str) -> str:
    """A word as it can be shown: cut, and with escapes for what a terminal or a reader would not see."""
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in cut)


def _odd(text: str, form: str) -> str:
    if not text:
        return "it is empty"
    odd = next((sign for sign in text if not (sign.isascii() and (sign.isalnum() or sign in "-_"))), None)
    if odd is None:
        return f"only {form} are accepted"
    return f"it has {unicodedata.name(odd, f'U+{ord(odd):04X}').lower()} in it"
