"""What the lock file says: the versions a build was tested with, which of them people install, and who asked for them.

Reads `requirements/dev.txt`, where uv notes under each pin what asked for it. What is there for the tests alone is left
out. Leaves to others how it is written down.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
SELF = "firedoor"
_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\\n]+?))?\s*\\?$"
)
_VIA = re.compile(r"^    #\s+(?:via\s+)?(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?: \(pyproject\.toml(?P<group>[^)]*)\))?$")


@dataclass(frozen=True)
class Pin:
    """One distribution at one version, the platforms that need it, its hashes, and what asks for it."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    asked_by: tuple[str, ...]


@dataclass(frozen=True)
class Build:
    """What one build of Firedoor stands on; `direct` and `optional` are the names that it asks for itself."""

    version: str
    pins: tuple[Pin, ...]
    direct: frozenset[str]
    optional: frozenset[str]

    def required(self) -> frozenset[str]:
        """Names that every installation has; the others come with an extra."""
        return frozenset(_reachable(self.pins, self.direct))


def project() -> dict[str, Any]:
    """The project table of pyproject.toml."""
    loaded: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return loaded


def read_lock(text: str) -> tuple[Pin, ...]:
    """Every pin of a lock file, in its order."""
    return tuple(_pin(block.splitlines()) for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:])


def _pin(lines: list[str]) -> Pin:
    head = _PIN.match(lines[0])
    if head is None:
        raise ValueError(f"not a pin: {lines[0]!r}")
    hashes = tuple(line.split("--hash=")[1].removesuffix(" \\") for line in lines if "--hash=" in line)
    asked = (_VIA.match(line) for line in lines[1:] if line.startswith("    #"))
    # `firedoor (pyproject.toml:dev)` is a group of development; only `firedoor (pyproject.toml)` is what people install
    by = tuple(canonicalize_name(via["name"]) for via in asked if via and not (via["group"] or "").startswith(":"))
    return Pin(canonicalize_name(head["name"]), head["version"], head["marker"] or "", hashes, by)


def _names(entries: Iterable[str]) -> frozenset[str]:
    return frozenset(canonicalize_name(Requirement(entry).name) for entry in entries)


def _reachable(pins: Iterable[Pin], roots: Iterable[str]) -> set[str]:
    """What the roots need, by what the lock file says asked for what."""
    known = {pin.name: pin for pin in pins}
    found, left = set[str](), [name for name in roots if name in known]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left.extend(pin.name for pin in known.values() if name in pin.asked_by)
    return found


def this_build() -> Build:
    """What this checkout stands on."""
    said = project()
    direct = _names(said["dependencies"])
    optional = _names(entry for extra in said["optional-dependencies"].values() for entry in extra)
    every = read_lock((ROOT / "requirements" / "dev.txt").read_text())
    needed = _reachable(every, direct | optional)
    return Build(said["version"], tuple(pin for pin in every if pin.name in needed), direct, optional)


def constraints(build: Build) -> str:
    """A file for `pip install firedoor -c FILE`: the versions with which this build was tested."""
    head = (
        f"# The versions with which Firedoor {build.version} was tested: pip install 'firedoor[EXTRAS]' -c THIS_FILE\n"
    )
    lines = (f"{pin.name}=={pin.version}" + (f" ; {pin.marker}" if pin.marker else "") for pin in build.pins)
    return head + "".join(f"{line}\n" for line in lines)
