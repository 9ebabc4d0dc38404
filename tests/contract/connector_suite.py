"""What the contract suite asks of a rig, and how rigs are found.

Decides the small interface behind which a real system stands in for production: it can be
started, broken in named ways, changed behind our back, and asked what really happened to
it. Leaves the rules themselves to `test_connectors.py`. A connector adds one file,
`rigs/<kind>.py` (`-` written as `_`), with a class `Rig`; a connector that closes several kinds of
thing adds `rigs/<kind>__<variant>.py` for each further one, and the same rules are tried there. A connector of
another package keeps its rigs in a folder of its own that `FIREDOOR_TEST_RIGS` names.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

from firedoor.connectors.registry import available
from firedoor.core.targets import Door, Inventory, Target

RIGS = (Path(__file__).parent / "rigs", *map(Path, filter(None, os.environ.get("FIREDOOR_TEST_RIGS", "").split(":"))))

# Seconds that a rig's doors and probes are waited for: some faults never answer, and a busy machine answers late.
TIMEOUT = 4.0

FAULTS: Mapping[str, str] = {
    "lie": "the next suspension is answered with success and does nothing",
    "half": "the next suspension changes the record, and callers are still served",
    "overblock": "the next suspension closes the neighbours as well",
    "hang": "the next suspension takes effect and is never answered",
    "lost": "the next suspension takes no effect and is never answered",
    "error": "the next change fails inside the system and takes no effect",
    "conflict": "the next change meets another one",
    "busy": "the next change is turned away once, to be tried again in a second",
    "overloaded": "every change is turned away, for far longer than anybody waits",
    "wrong key": "the secret that the door names is not the right one",
    "down": "the control plane is not reachable",
    "dark": "callers get no answer, neither yes nor no",
}


class Rig(Protocol):
    """A real system with one target that has at least one neighbour. All methods are synchronous.

    `markless` is a sentence that says why the system can bear no mark of ours; absent where it can. `heavy`
    is True where it takes gigabytes or minutes; absent otherwise. `cannot` says, for each fault that this
    system cannot have, why. `environment` holds the secrets; nothing else may hold their values. `target` and
    `door` may change after `break_with`.
    """

    kind: ClassVar[str]
    cannot: ClassVar[Mapping[str, str]]
    inventory: Inventory
    environment: dict[str, str]

    @property
    def target(self) -> Target:
        """The target under test, with a probe and at least one neighbour."""

    @property
    def door(self) -> Door:
        """The door under test, which is driven by the connector of this kind."""

    def start(self) -> None:
        """Start the system; it is ready when this returns."""

    def stop(self) -> None:
        """Stop it and leave nothing behind."""

    def reset(self) -> None:
        """Bring it to its first state: open, unmarked, without faults, `effects` counted from zero."""

    def effects(self) -> int:
        """Return how many changes took effect at the far end since the last reset."""

    def break_with(self, fault: str) -> None:
        """Make it fail in one of the ways in FAULTS."""

    def change_behind_our_back(self) -> None:
        """Change something that a resume would overwrite, as a colleague or a deployment would."""

    def close_behind_our_back(self) -> None:
        """Close the door as somebody else."""


def marks(rig: Rig) -> bool:
    """Whether the system can bear our mark; one that cannot leaves whose work a closed door is to the receipt."""
    return not getattr(rig, "markless", "")


def rig_file(rig: str) -> Path:
    """Return where a rig is: that of a connector, or a further one of it, as `kind__variant`."""
    files = [folder / f"{rig.replace('-', '_')}.py" for folder in RIGS]
    return next((file for file in files if file.exists()), files[0])


def kinds_with_rig() -> list[str]:
    """Return the rigs, `kind` or `kind__variant`; `FIREDOOR_TEST_CONNECTORS=a,b__c` asks for some of them only."""
    chosen = set(filter(None, os.environ.get("FIREDOOR_TEST_CONNECTORS", "").split(",")))
    rigs = [rig for kind in available() for rig in _rigs_of(kind)]
    return sorted(rig for rig in rigs if not chosen or rig in chosen or rig.split("__")[0] in chosen)


def _rigs_of(kind: str) -> set[str]:
    """Return the names of the rigs of a connector; none where it brings no rig, which the suite complains of."""
    own = rig_file(kind)
    further = (file for folder in RIGS for file in folder.glob(f"{own.stem}__*.py"))
    return {kind} | {f"{kind}__{file.stem.split('__', 1)[1]}" for file in further} if own.exists() else set()


@functools.cache
def rig_class(rig: str) -> Any:
    """Import a rig by its name."""
    specification = importlib.util.spec_from_file_location(f"rig_{rig.replace('-', '_')}", rig_file(rig))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.Rig


def cases(*faults: str) -> Iterator[tuple[str, str]]:
    """Yield (rig, fault) for every rig that can have the fault."""
    for rig in kinds_with_rig():
        yield from ((rig, fault) for fault in faults if fault not in rig_class(rig).cannot)
