"""Every inventory that our pages and examples show, found by folder: code blocks and files with `targets:`.

Decides what counts as one: a YAML mapping whose `targets:` are described. A new page is found by itself.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from firedoor.core.targets import Inventory

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("docs", "playbooks", "src/firedoor")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # every worker reads all pages: the quick one, where it is there
BLOCK = re.compile(r"^```ya?ml\n(.*?)^```", re.MULTILINE | re.DOTALL)


@functools.cache
def documented() -> dict[str, Inventory]:
    """The inventories by the place where they stand."""
    return {place: Inventory.model_validate({"targets": data["targets"]}) for place, data in _found()}


def _found() -> Iterator[tuple[str, dict[str, Any]]]:
    pages = [ROOT / "README.md", *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.md")))]
    for page in pages:
        text = page.read_text()
        for match in BLOCK.finditer(text):
            line = text[: match.start()].count("\n") + 1
            yield from _described(f"{page.relative_to(ROOT)}:{line}", match.group(1))
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.yaml")):
            yield from _described(str(file.relative_to(ROOT)), file.read_text())


def _described(place: str, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        data = yaml.load(text, LOADER)  # noqa: S506 - a safe loader
    except yaml.YAMLError:
        return
    targets = data.get("targets") if isinstance(data, dict) and "playbook" not in data else None
    if isinstance(targets, dict) and all(isinstance(one, dict) and one.get("doors") for one in targets.values()):
        yield place, data
