"""The entries of a `map` of nginx, as they stand in an included file: what ours says, and what others' say of our keys.

Decides how a key is quoted, and how an entry is read, one on each line. Leaves whether nginx accepts a file to
`nginx -t`, and whether it has loaded it to `nginx_workers`.
Source: the map module of nginx 1.22, and its reader of configuration files.
"""

from __future__ import annotations

import re

OURS = "# firedoor:"  # how the first line of a file of ours begins
OFF = ("", "0")  # what `if ($variable)` takes for no
RESERVED = frozenset({"default", "include", "hostnames", "volatile"})  # words of a map that are no keys
_KEY = r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s;#"']+)"""
_VALUE = r"""("[^"]*"|'[^']*'|[^\s;"']+)"""
_ENTRY = re.compile(rf"^\s*{_KEY}\s+{_VALUE}\s*;", re.MULTILINE)


def content(mark: str, keys: list[str]) -> str:
    """Our file. The first line is the mark; each entry gives 1, which a rule in nginx takes for yes."""
    lines = [f'"{_escaped(key)}" 1;' for key in keys]
    note = "# Written by Firedoor during an incident. Resume it there; removing it by hand and a reload open the route."
    return "\n".join([f"# {' '.join(mark.split())}", note, *lines, ""])


def entries(text: str) -> dict[str, str]:
    """Read the entries of a file: key and value, without quotes."""
    return {_bare(found[1]): _bare(found[2]) for found in _ENTRY.finditer(text)}


def mark(text: str, keys: tuple[str, ...]) -> str | None:
    """Whose file it is, where it speaks of the keys; None where it does not."""
    if not set(entries(text)) & set(keys):
        return None
    first = text.split("\n", 1)[0]
    return first.removeprefix("# ").strip() if first.startswith(OURS) else "a file that is not ours"


def _escaped(key: str) -> str:
    """Between quotes nginx takes a backslash before some letters away; two stand for one."""
    return key.replace("\\", "\\\\")


def _bare(word: str) -> str:
    return (word[1:-1] if word[0] in "\"'" else word).replace("\\\\", "\\")
