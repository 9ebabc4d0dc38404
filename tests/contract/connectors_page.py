"""Writes `docs/reference/connectors.md`: every connector, what it closes, whether that can be undone, how it was tried.

Decides the words for how a connector was tried, by the first sentence of its rig: a real part, an emulator that others
wrote, or a double of our own. Reads the connectors and the rigs themselves; a test holds the page against them.
`python -m tests.contract.connectors_page > docs/reference/connectors.md`
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from tests.contract.connector_suite import kinds_with_rig, rig_file

from firedoor.connectors.registry import available

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- written by tests.contract.connectors_page -->", "<!-- written up to here -->"
OWN = {"http": "a server of ours", "openfeature": "a double of ours"}  # where the first sentence does not say it
EMULATORS, DOUBLES = ("emulator", "moto"), ("double",)
HEAD = """| connector | what is closed | can be undone | tried on |
|---|---|---|---|
"""


def first_sentence(file: Path) -> str:
    """The first paragraph of a module's docstring, as one line without its full stop."""
    text = ast.get_docstring(ast.parse(file.read_text())) or ""
    return " ".join(text.split("\n\n")[0].split()).rstrip(".")


def tried_on(rig: str) -> str:
    """One rig in words: a real part, an emulator or a double, and what it is."""
    said = first_sentence(rig_file(rig))
    what = said.partition(": ")[2] or said
    word = "a double of ours" if any(w in what for w in DOUBLES) else "real part"
    word = OWN.get(rig) or ("emulator" if any(w in what for w in EMULATORS) else word)
    return f"**{word}**: {what}"


def undone(kind: str, file: Path) -> str:
    """Whether its doors can be opened again: yes as a rule, and the other answers that its source has."""
    name = file.stem
    parts = [*(file.parent / "parts").glob(f"{name}*.py"), *(file.parent / "parts" / name).glob("*.py")]
    text = "\n".join(one.read_text() for one in (file, *parts))
    other = [word for word in ("lossy", "no") if f'"{word}"' in text]
    return "as the door says" if kind == "http" else " or ".join(["yes", *other]).replace("lossy", "with losses")


def lines() -> Iterator[str]:
    """A row for each connector of this package."""
    rigs = kinds_with_rig()
    for kind, origin in sorted(available().items()):
        if origin.package:
            continue
        spec = find_spec(origin.module)
        assert spec is not None
        assert spec.origin is not None
        file = Path(spec.origin)
        own = [rig for rig in rigs if rig.split("__")[0] == kind]
        tried = "; ".join(tried_on(rig) for rig in own) or "nothing yet"
        closes = first_sentence(file).replace("|", "/")
        yield f"| `{kind}` | {closes} | {undone(kind, file)} | {tried.replace('|', '/')} |"


def written() -> str:
    """The generated part of the page."""
    return f"{BEGIN}\n\n{HEAD}" + "\n".join(lines()) + f"\n\n{END}\n"


def page(current: str) -> str:
    """The page with its generated part written again; what people wrote around it stays."""
    if BEGIN not in current:
        return written()
    before, after = current.split(BEGIN, maxsplit=1)[0], current.split(END, maxsplit=1)[1]
    return before + written().rstrip("\n") + after


if __name__ == "__main__":
    file = ROOT / "docs" / "reference" / "connectors.md"
    file.write_text(page(file.read_text()))
