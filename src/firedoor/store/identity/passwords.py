"""Which passwords are too easy to guess, however long they are.

Decides that a password may not be one of 19,640 common ones, nor made from one by what everybody does: digits or marks
around it, letters written as digits, the same again, two of them side by side; nor a run of the keyboard, of digits or
of few different characters. There are no rules about kinds of characters. Leaves how long one has to be to `accounts`.

The list is that of Django 5.2 (`common-passwords.txt.gz`, made by Royce Williams from published breaches, in lower
case), as it is, under Django's BSD licence, which stands beside it.
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("common_passwords.txt.gz")
RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm",
        "azertyuiopqsdfghjklmwxcvbn", "1qaz2wsx3edc4rfv5tgb6yhn7ujm")  # fmt: skip
FEW = 4  # different characters that a password has more of
SHORTEST = 4  # letters of a common word that counts as a half
_AS_LETTERS = str.maketrans("013457@$!", "oleastasi")


@cache
def common() -> frozenset[str]:
    """The list."""
    return frozenset(gzip.decompress(FILE.read_bytes()).decode().split("\n")) - {""}


def is_common(password: str) -> bool:
    """Whether a guesser tries it early."""
    given = password.casefold()
    return len(set(given)) <= FEW or any(_easy(one) for one in {given, given.translate(_AS_LETTERS)})


def _easy(given: str) -> bool:
    word = given.strip("0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ")
    return any(one in common() or _again(one) or _run(one) or _two(one) for one in (given, word)) or not word


def _again(word: str) -> bool:
    """Whether it is something short, over and over: it stands in its own double, before its end."""
    return 0 < (word + word).find(word, 1) < len(word)


def _run(word: str) -> bool:
    return len(word) > 1 and any(word in (run + run) or word in (run + run)[::-1] for run in RUNS)


def _two(word: str) -> bool:
    cuts = range(SHORTEST, len(word) - SHORTEST + 1)
    return any(word[:at] in common() and word[at:] in common() for at in cuts)
