"""What every way of closing something in AWS has in common, and the marks that it leaves.

Decides the shape of a way (one module each beside this one) and how our work is named at the far end. Leaves the order
of things to `door_connector` and the calls to `cloud`.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from firedoor.connectors.parts.aws.cloud import Access, Cloud
from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.core.ports import Members
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import Ternary

OURS = "Firedoor"  # what the name of everything that we leave begins with
Form_co = TypeVar("Form_co", bound=Access, covariant=True)  # a way reads its form and never puts another in


class Way(ABC, Generic[Form_co]):
    """One way to close one thing. `changes` names the parts of the state that closing changes."""

    changes: ClassVar[frozenset[str]] = frozenset({"closed"})
    markless: ClassVar[bool] = False

    def __init__(self, cloud: Cloud, config: Form_co) -> None:
        self.cloud = cloud
        self.config = config

    @abstractmethod
    async def look(self, target: Target, door: Door) -> Live:
        """Read how the door stands. No effect."""

    @abstractmethod
    async def close(self, work: Work[object]) -> Members:
        """Close it and leave our mark."""

    @abstractmethod
    async def open(self, work: Work[object]) -> Members:
        """Bring the captured state back."""

    @abstractmethod
    def describe(self, target: Target, door: Door) -> Description:
        """Say what would be called."""

    async def platform(self, target: Target, door: Door) -> Ternary:
        """Whether the platform says that it is closed."""
        return (await self.look(target, door)).closed


def door_prefix(target: Target, door: Door) -> str:
    """How the marks of one door begin: letters and digits, as the Sid of a policy's statement wants it."""
    return f"{OURS}{_short(f'{target.id}/{door.name}', 8)}"


def mark_of(target: Target, door: Door, operation_key: str) -> str:
    """The mark of one operation at one door."""
    return door_prefix(target, door) + _short(operation_key, 16)


def _short(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
