"""Anthropic's platform: set one API key inactive, and active again.

Decides that a key which is inactive, archived or expired is a closed door, and that only an inactive one is opened
again. A key has no place for a mark but its name, which people find it by. Written from Anthropic's own client,
anthropic 2.12 (`organization.api_keys`), and not tried on the service. Leaves the order of things to
`parts.door_connector`.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

from pydantic import Field

from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.platform_api import REFERENCE, MarklessConnector, PlatformDoor, read_object
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import NO, UNKNOWN, YES

_SHUT = ("inactive", "archived", "expired")


class AnthropicDoor(PlatformDoor):
    """One key by its id, which is no secret. `admin_key` is a key of the Admin API."""

    url: str = "https://api.anthropic.com"
    key_id: str = Field(pattern=r"^apikey_[A-Za-z0-9_-]+$")
    admin_key: str = Field(pattern=REFERENCE)

    def headers(self) -> dict[str, str]:
        """The admin key and the version of the API."""
        return {"x-api-key": self.admin_key, "anthropic-version": "2023-06-01"}

    @property
    def path(self) -> str:
        """The key in the API."""
        return f"/v1/organizations/api_keys/{quote(self.key_id)}"


class AnthropicConnector(MarklessConnector[AnthropicDoor]):
    """Sets keys inactive and active; see docs/how-to/connect-with-vendor-platforms.md."""

    kind: ClassVar[str] = "anthropic"
    Config = AnthropicDoor

    def changed_names(self, settings: AnthropicDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """Its status; a key that was archived meanwhile is refused when it is to be opened."""
        return frozenset({"closed", "status"})

    def describe(self, target: Target, door: Door, settings: AnthropicDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The calls, and who has the key."""
        url = f"{settings.url}{settings.path}"
        calls = (
            PlannedCall(verb="capture", summary=f"GET {url}"),
            PlannedCall(verb="suspend", summary=f'POST {url} {{"status": "inactive"}}'),
            PlannedCall(verb="resume", summary=f'POST {url} {{"status": "active"}}'),
        )
        touched = (
            "every program that uses the key, for all of its models; whoever has another key is not stopped",
            "batches that were handed in before may go on: that is not described",
        )
        return Description(calls, (*touched, *settings.blast_radius), ("Anthropic: a key of the Admin API",))

    async def look(self, target: Target, door: Door, settings: AnthropicDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Read the key; its secret is never in the answer."""
        answer = await self.api(settings).get(settings.path)
        key = read_object(answer, "a key")
        status = key.get("status")
        closed = YES if status in _SHUT else NO if status == "active" else UNKNOWN
        kept = {name: key.get(name) for name in ("name", "scope", "status", "expires_at")}
        state = {"closed": closed is YES, **answer.redactor.members(kept)}
        return Live(state=state, closed=closed, at=self._context.now())

    async def close(self, work: Work[AnthropicDoor]) -> Members:
        """Set the key inactive."""
        return await self._set(work.settings, "inactive")

    async def open(self, work: Work[AnthropicDoor]) -> Members:
        """Set the key active. What was archived stays so: the platform turns the call down."""
        return await self._set(work.settings, "active")

    async def _set(self, settings: AnthropicDoor, status: str) -> Members:
        answer = await self.api(settings).change("POST", settings.path, {"status": status}, repeatable=True)
        return {"status": answer.status}
