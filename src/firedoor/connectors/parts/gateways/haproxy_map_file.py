"""The files from which HAProxy reads a map when it starts: one entry a line, a key and its value.

Decides which lines are those of a door's keys, and that all others stay as they are. Leaves the map in the memory of
HAProxy to `haproxy_socket`, and replacing a file in one step to `kept_file`. All functions block: call them in threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from firedoor.connectors.parts import kept_file
from firedoor.core.problems import Problem, Unanswered

Found = dict[str, list[str]]  # key of a map -> its values, in order
Lines = Mapping[str, list[str]]  # file -> lines


def read(files: Iterable[str], keys: tuple[str, ...]) -> dict[str, Found]:
    """What each file says of the keys. Raises Unanswered when one is missing or may not be changed."""
    return {name: _found(_text(name), keys) for name in files}


def missing(files: Mapping[str, Found], value: str) -> Lines:
    """The lines that the files lack, so that each key has an entry."""
    return {name: [f"{key} {value}" for key, kept in found.items() if not kept] for name, found in files.items()}


def lines(files: Mapping[str, Found], values: set[str]) -> Lines:
    """The lines of the keys that have one of these values."""
    return {
        name: [f"{key} {value}" for key, kept in found.items() for value in kept if value in values]
        for name, found in files.items()
    }


def rewrite(files: Iterable[str], keys: tuple[str, ...], drop: set[str], add: Lines) -> None:
    """Leave out the lines of the keys that have these values, and add lines at the end. Raises Unanswered."""
    for name in files:
        before = _text(name).splitlines()
        kept = [line for line in before if not (_entry(line)[0] in keys and _entry(line)[1] in drop)]
        if (after := kept + add.get(name, [])) != before:
            kept_file.replace(Path(name), "".join(f"{line}\n" for line in after))


def _text(name: str) -> str:
    kept_file.may_change(Path(name).resolve().parent)
    text = kept_file.read(Path(name))
    if text is None:
        do = "make it, empty, and let the map of HAProxy read it; nothing was changed"
        raise Unanswered(Problem(code="K213", message=f"there is no {name}", do=do))
    return text


def _found(text: str, keys: tuple[str, ...]) -> Found:
    found: Found = {key: [] for key in keys}
    for line in text.splitlines():
        key, value = _entry(line)
        if key in found:
            found[key].append(value)
    return found


def _entry(line: str) -> tuple[str, str]:
    """Read a line: key and value, blanks around them left out; a comment has no key."""
    words = line.split(maxsplit=1)
    if not words or words[0].startswith("#"):
        return "", ""
    return words[0], words[1].strip() if len(words) > 1 else ""
