"""The packages that the pages on plug-ins describe, made as they are written there.

Leaves to the tests what is done with them: named as installed (`installed`), or built into a real wheel.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
FILE = re.compile(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def written(page: str, folder: Path, **change: tuple[str, str]) -> Path:
    """Write the files of a page, with something in one of them changed; the name of a file chooses it."""
    for name, text in FILE.findall((PAGES / page).read_text()):
        old, new = change.get(Path(name).stem, ("", ""))
        assert old in text
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(text.replace(old, new) if old else text)
        if "/" in name and name.endswith(".py"):
            (folder / name).with_name("__init__.py").touch()
    return folder


def installed(folder: Path) -> Path:
    """Lay beside a package what pip would, so that the folder on PYTHONPATH is an installation of it."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    information = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups = project["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in named.items()) for group, named in groups]
    (information / "entry_points.txt").write_text("\n".join(lines))
    return folder
