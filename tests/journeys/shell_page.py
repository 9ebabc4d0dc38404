"""A page of the documents as one shell script: its files are written and its commands run, in its order.

Decides how a page says which file a block is: by the first line of the block (`# NAME` makes it, `# >> NAME` adds to
it, `# edit NAME` puts what stands below `---` in the place of what stands above). Leaves judging to the tests.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:#|//) (?P<how>>> |edit )?(?P<name>[\w./-]+)\n(?P<text>.*)", re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """A command, and the lines that the page shows under it."""

    command: str
    lines: tuple[str, ...]


def blocks(page: str) -> Iterator[str | Shown]:
    """Yield shell lines that make files, and the commands with what they should say."""
    for block in FENCE.finditer(page):
        if block["language"] == "console":
            yield from _commands(block["body"])
        elif named := FILE.match(block["body"]):
            yield _written(named["how"] or "", named["name"], named["text"])


def _written(how: str, name: str, text: str) -> str:
    if how == "edit ":
        old, _, new = text.partition("---\n")
        change = f"import pathlib, sys; p = pathlib.Path({name!r}); t = p.read_text(); assert {old!r} in t; "
        return f"python -c {shlex.quote(change + f'p.write_text(t.replace({old!r}, {new!r}))')}"
    arrow = ">>" if how else ">"
    return f"mkdir -p $(dirname {name}) && cat {arrow} {name} <<'END'\n{text}END"


def _commands(body: str) -> Iterator[Shown]:
    for part in re.split(r"^\$ ", body.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        command, *lines = part.splitlines()
        yield Shown(command, tuple(line.rstrip() for line in lines if line.strip()))
