"""Stores of content for drills: an index that the drill writes, and a store that behaves or misbehaves.

Decides how such a store behaves, by the same words as a simulated system: one that lies says that content is away and
goes on showing it, one that leaks lets our test picture in. Everything else of a removal is the real thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from firedoor.core.json_types import as_objects, text_at
from firedoor.core.problems import Problem, Unanswered
from firedoor.core.removal.matching import ContentRow, Search, Wanted, search
from firedoor.core.removal.ports import Look, Removal, Saw
from firedoor.core.removal.store import ContentStore
from firedoor.core.targets import Target
from firedoor.core.ternary import NO, YES, Ternary

INDEX = "content_hashes"  # the artefact of a drill that lists what is stored: locator, algorithm, value


class Simulated(Protocol):
    """What a drill says of its systems."""

    behaviours: Mapping[str, str]
    artefacts: Mapping[str, object]


class SimulatedStores:
    """Every target is a store."""

    def __init__(self, said: Simulated) -> None:
        self._said = said
        self._open: dict[str, SimulatedStore] = {}

    def __call__(self, target: Target) -> SimulatedStore:
        """The store of a target, made when it is asked for."""
        if target.id not in self._open:
            behaviour = self._said.behaviours.get(target.id, "works")
            self._open[target.id] = SimulatedStore(target.id, behaviour, self._said.artefacts.get(INDEX))
        return self._open[target.id]


class SimulatedStore:
    """A store in memory."""

    def __init__(self, name: str, behaviour: str, index: object) -> None:
        self.name, self.behaviour = name, behaviour
        self.rows = tuple(
            _row(text_at(one, "locator"), dict(one)) for one in as_objects(index) if text_at(one, "locator")
        )
        self.away: set[str] = set()
        self.listed: set[tuple[str, str]] = set()

    def has(self, part: str) -> bool:
        """It has every part; a refusal does not count as gone."""
        return part != "hidden_is_gone"

    def key_of(self, locator: str) -> str | None:
        """A name or key is in this store; a whole address is not."""
        return ContentStore().key_of(locator)

    async def search(self, wanted: Wanted) -> Search:
        """In what the drill lists."""
        self._reach()
        return search(wanted, lambda: self.rows, self.key_of)

    async def remove(self, locator: str, key: str) -> Removal:  # noqa: ARG002
        """Take it away, unless it lies or fails."""
        self._reach()
        if self.behaviour == "fails":
            raise Unanswered(Problem(code="D101", message=f"{self.name} refused the change", do="remove it by hand"))
        changed = locator not in self.away
        if self.behaviour != "lies":
            self.away.add(locator)
        return Removal(changed=changed, undo="simulated")

    async def removed(self, locator: str) -> Ternary:
        """What it says of itself."""
        self._reach()
        return YES if locator in self.away or self.behaviour == "lies" else NO

    async def restore(self, locator: str, undo: str, key: str) -> None:  # noqa: ARG002
        """Put it back."""
        self._reach()
        self.away.discard(locator)

    async def block(self, algorithm: str, value: str, key: str) -> bool:  # noqa: ARG002
        """Put it on the list."""
        self._reach()
        fresh = (algorithm, value) not in self.listed
        self.listed.add((algorithm, value))
        return fresh

    async def blocked(self, algorithm: str, value: str) -> Ternary:
        """Whether it stands there."""
        self._reach()
        return YES if (algorithm, value) in self.listed else NO

    async def unblock(self, algorithm: str, value: str, key: str) -> bool:  # noqa: ARG002
        """Take it off."""
        self._reach()
        known = (algorithm, value) in self.listed
        self.listed.discard((algorithm, value))
        return known

    async def look(self, locator: str) -> Look:
        """The one thing that does not lie."""
        if self.behaviour == "down":
            return Look(Saw.UNKNOWN, detail="no answer")
        return Look(Saw.GONE, 404, "a stranger is answered 404") if locator in self.away else Look(Saw.SERVING, 200)

    async def upload(self, name: str, content: bytes) -> Look:  # noqa: ARG002
        """Refused, unless it leaks."""
        if self.behaviour == "down":
            return Look(Saw.UNKNOWN, detail="no answer")
        return Look(Saw.SERVING, 201) if self.behaviour == "leaks" else Look(Saw.GONE, 409, "the upload was refused")

    def _reach(self) -> None:
        if self.behaviour == "down":
            raise Unanswered(Problem(code="D102", message=f"{self.name} does not answer", do="do it by hand"))


def _row(locator: str, said: Mapping[str, object]) -> ContentRow:
    value = {str(said.get("algorithm")): str(said.get("value", "")).lower()}
    quality = said.get("quality")
    return ContentRow(
        locator, value.get("sha256", ""), value.get("pdq", ""), quality if isinstance(quality, int) else None
    )
