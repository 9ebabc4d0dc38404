"""When two names could be taken for each other: compatibility forms, case, and letters that look alike.

Decides that two names are alike when one can be read as the other, and that a word which mixes scripts is no name: it
is how look-alikes are made. The table holds the letters of Cyrillic, Greek and Armenian that are drawn like Latin ones
in common typefaces (after Unicode Technical Standard 39), not every sign that resembles another. Leaves who has which
name to the store.
"""

# ruff: noqa: RUF001 - look-alikes are what this file is about

from __future__ import annotations

import re
import unicodedata

# As the capital is drawn, and as the small letter is drawn where that is another one: a name is compared both ways.
_CAPITALS = str.maketrans({
    "а": "a", "в": "b", "е": "e", "ѕ": "s", "і": "i", "ї": "i", "ј": "j", "к": "k", "м": "m", "н": "h", "о": "o",
    "р": "p", "с": "c", "т": "t", "у": "y", "ү": "y", "х": "x", "һ": "h", "ԁ": "d", "ԛ": "q", "ԝ": "w", "ӏ": "l",
    "ё": "e", "ь": "b", "з": "3", "ґ": "r", "г": "r",
    "α": "a", "β": "b", "ε": "e", "ζ": "z", "η": "h", "ι": "i", "κ": "k", "μ": "m", "ν": "n", "ο": "o", "ρ": "p",
    "σ": "o", "τ": "t", "υ": "y", "χ": "x", "γ": "y", "ϲ": "c", "ϳ": "j",
    "օ": "o", "ս": "u", "ո": "n", "հ": "h", "ց": "g", "զ": "q", "ա": "w", "լ": "l", "յ": "j", "ք": "p",
    "ı": "i", "ɑ": "a", "ɡ": "g", "ɩ": "i", "ʏ": "y", "ᴏ": "o", "ᴄ": "c", "ᴠ": "v", "ᴡ": "w", "ᴢ": "z", "ꜱ": "s",
    "‐": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "\u02bc": "'", "’": "'", "‘": "'", "`": "'",
})  # fmt: skip
_SMALL = str.maketrans({"η": "n", "ν": "v", "υ": "u", "γ": "y", "п": "n", "и": "u", "0": "o", "1": "l", "|": "l"})
_UPRIGHT = str.maketrans({"I": "l", "І": "l", "Ι": "l", "Ӏ": "l"})  # a capital I of any script, before case is folded
_MIXED = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")  # scripts that are drawn alike
_WORD = re.compile(r"[^\W\d_]+")


def skeletons(name: str) -> frozenset[str]:
    """What a name can be read as. Two names are alike when they share one."""
    plain = " ".join(unicodedata.normalize("NFKC", name).split())
    return frozenset((_folded(plain).translate(_CAPITALS),
                      _folded(plain.translate(_UPRIGHT)).translate(_SMALL).translate(_CAPITALS)))  # fmt: skip


def alike(one: str, other: str) -> bool:
    """Whether two names could be taken for each other."""
    return one == other or bool(skeletons(one) & skeletons(other))


def mixes_scripts(name: str) -> bool:
    """Whether one word of a name is written in letters of two scripts that are drawn alike."""
    return any(len(_scripts(word)) > 1 for word in _WORD.findall(unicodedata.normalize("NFKC", name)))


def _scripts(word: str) -> set[str]:
    return {script for letter in word for script in _MIXED if unicodedata.name(letter, "").startswith(script)}


def _folded(text: str) -> str:
    """Without case; what folding brings about is brought into its compatibility form again."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
