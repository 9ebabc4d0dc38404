"""A door without a guard of its own: its system does what it is told, each time anew, and counts it.

Decides that a suspension and a resumption are sent at once, without a look before, a version or an
idempotency key. So nothing but the conductor's own look keeps an effect from happening twice, and a
matrix in which that look is missing fails. Leaves all looks to the http connector. The processes of
the matrix find it as they find any connector of another package: by its entry point.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar, Literal

from firedoor.connectors.http import HttpConnector
from firedoor.connectors.parts import calls
from firedoor.connectors.parts.http_door import values_of
from firedoor.core.ports import Receipt, Snapshot
from firedoor.core.targets import Door, Target
from firedoor.demo.targets import demo_inventory

HERE = Path(__file__).resolve().parent.parent.parent


class PlainDoor(HttpConnector):
    """As `http`, but every suspend and every resume is a call."""

    kind: ClassVar[str] = "plain"

    async def suspend(self, target: Target, door: Door, snapshot: Snapshot, operation_key: str) -> Receipt:
        """Close it, whether it is closed or not."""
        return await self._told("suspend", target, door, snapshot, operation_key)

    async def resume(
        self, target: Target, door: Door, snapshot: Snapshot, operation_key: str, closed_by: Receipt | None = None
    ) -> Receipt:
        """Open it, whether it is open or not, and whoever closed it."""
        return await self._told("resume", target, door, snapshot, operation_key)

    async def _told(
        self, action: Literal["suspend", "resume"], target: Target, door: Door, snapshot: Snapshot, key: str
    ) -> Receipt:
        settings = self.settings(target, door)
        call = settings.suspend if action == "suspend" else settings.resume
        assert call is not None
        answer = await calls.perform(self._context, call, values_of(target, door, snapshot, key), changes=True)
        detail: dict[str, Any] = {"mark": self.mark(target, door, settings, key), "status": answer.status}
        now = self._context.now()
        return Receipt(
            target=target.id, door=door.name, action=action, operation_key=key, changed=True, at=now, detail=detail
        )


def inventory(url: str, *, plain: bool) -> dict[str, Any]:
    """The demonstration's inventory as it is written into a file: with plain doors, or with those of `http`."""
    written = demo_inventory(url).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for target in written["targets"].values():
        for door in target["doors"] if plain else ():
            door["connector"] = PlainDoor.kind
            for verb in ("suspend", "resume"):
                del door["config"][verb]["headers"]["if-match"]
    return written


def install(folder: Path) -> str:
    """Make the entry point under which processes find this connector. Returns what they need as PYTHONPATH."""
    package = folder / "plain_door-1.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: plain-door\nVersion: 1\n")
    (package / "entry_points.txt").write_text(f"[firedoor.connectors]\n{PlainDoor.kind} = {__name__}:PlainDoor\n")
    return os.pathsep.join(map(str, (folder, HERE, HERE / "src")))  # this checkout, whatever is installed
