"""The port of a place that holds content: what the runtime asks of it.

Decides the shape of a driver and of its answers. The rules are those of every connector: idempotent on a key, a call in
doubt is observed before it is repeated, and nothing is believed that was not looked at. Errors: `problems.Unanswered`,
`problems.InDoubt` (the call may have had its effect), `problems.InvalidInput` (the configuration is wrong).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel

from firedoor.core.removal.matching import Search, Wanted
from firedoor.core.ternary import Ternary


class Saw(StrEnum):
    """What somebody without an account meets at an address."""

    GONE = "gone"  # 404, 410, 451
    HIDDEN = "hidden"  # 401, 403, or sent to a sign-in page
    SERVING = "serving"  # 2xx
    UNKNOWN = "unknown"  # anything else: no answer, a fault, a redirect elsewhere


@dataclass(frozen=True, slots=True)
class Look:
    """One look from outside, or one try at an upload (`GONE` then means that it was refused)."""

    saw: Saw
    status: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """What taking content away did. `undo` is what putting it back needs; empty where that is not possible."""

    changed: bool
    undo: str = ""


class Remover(Protocol):
    """Takes content away, so that nobody outside can reach it."""

    kind: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]
    reversible: ClassVar[bool]

    async def remove(self, locator: str, key: str) -> Removal:
        """Take it away. Idempotent on `key`; what is away already is success with changed=False."""

    async def removed(self, locator: str) -> Ternary:
        """Look in the store itself whether it is away. No effect."""

    async def restore(self, locator: str, undo: str, key: str) -> None:
        """Put it back as it was. Raises Refused where that is not possible."""


class Blocklist(Protocol):
    """Keeps uploads out by their hashes."""

    kind: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]

    async def block(self, algorithm: str, value: str, key: str) -> bool:
        """Put a hash on the list; False where it stood there. Idempotent."""

    async def blocked(self, algorithm: str, value: str) -> Ternary:
        """Look whether it stands there; unknown for an algorithm that this list does not hold."""

    async def unblock(self, algorithm: str, value: str, key: str) -> bool:
        """Take a hash off the list; False where it did not stand there. Idempotent."""


class ContentIndex(Protocol):
    """A service that knows the hashes of everything that is stored."""

    kind: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]

    async def search(self, wanted: Wanted) -> Search:
        """Every place of a copy. The distances that it reports are worked out again by whoever asks."""


@runtime_checkable
class ContentSystem(Protocol):
    """Everything that can be done about content in one store, put together from its parts.

    A part that the inventory does not describe raises InvalidInput with the code R121.
    """

    def key_of(self, locator: str) -> str | None:
        """The name of a place within this store; None for one elsewhere."""

    async def search(self, wanted: Wanted) -> Search:
        """Every copy that an index knows."""

    async def remove(self, locator: str, key: str) -> Removal:
        """As `Remover.remove`."""

    async def removed(self, locator: str) -> Ternary:
        """As `Remover.removed`."""

    async def restore(self, locator: str, undo: str, key: str) -> None:
        """As `Remover.restore`."""

    async def block(self, algorithm: str, value: str, key: str) -> bool:
        """As `Blocklist.block`."""

    async def blocked(self, algorithm: str, value: str) -> Ternary:
        """As `Blocklist.blocked`."""

    async def unblock(self, algorithm: str, value: str, key: str) -> bool:
        """As `Blocklist.unblock`."""

    async def look(self, locator: str) -> Look:
        """Look from outside, without credentials, at one address; nothing of the body is read."""

    async def upload(self, name: str, content: bytes) -> Look:
        """Try to upload a picture that we drew. `GONE`: it was refused."""

    def has(self, part: str) -> bool:
        """Whether the inventory describes `index`, `removal`, `blocklist`, `outside` or `upload`.

        `hidden_is_gone`: whether a refusal to a stranger counts as gone here.
        """
