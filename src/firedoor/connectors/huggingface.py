"""Hugging Face Inference Endpoints: pause an endpoint, and resume it.

Decides that only a paused endpoint is closed: one that is scaled to zero wakes up for the next caller, and is open.
The API has no place for a mark that goes along with a pause. Written from Hugging Face's own client, huggingface_hub
2.4, and not tried on the service. Leaves the order of things to `parts.door_connector`.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

from pydantic import Field

from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.platform_api import REFERENCE, MarklessConnector, PlatformDoor, read_object, unreadable
from firedoor.core.json_types import object_at
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import NO, UNKNOWN, YES

_OPEN = ("running", "scaledToZero", "pending", "initializing", "updating", "updateFailed")


class HuggingFaceDoor(PlatformDoor):
    """One endpoint of a user or an organization. `token` may manage its endpoints."""

    url: str = "https://api.endpoints.huggingface.cloud/v2"
    namespace: str = Field(min_length=1)
    endpoint: str = Field(min_length=1)
    token: str = Field(pattern=REFERENCE)

    def headers(self) -> dict[str, str]:
        """The token."""
        return {"authorization": f"Bearer {self.token}"}

    def path(self, action: str = "") -> str:
        """The endpoint, or an action on it."""
        return f"/endpoint/{quote(self.namespace, safe='')}/{quote(self.endpoint, safe='')}{action}"


class HuggingFaceConnector(MarklessConnector[HuggingFaceDoor]):
    """Pauses and resumes; see docs/how-to/connect-with-vendor-platforms.md."""

    kind: ClassVar[str] = "huggingface"
    Config = HuggingFaceDoor

    def describe(self, target: Target, door: Door, settings: HuggingFaceDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The calls, and how long a resume takes."""
        url = f"{settings.url}{settings.path()}"
        calls = (
            PlannedCall(verb="capture", summary=f"GET {url}"),
            PlannedCall(verb="suspend", summary=f"POST {url}/pause"),
            PlannedCall(verb="resume", summary=f"POST {url}/resume"),
        )
        touched = (
            "every caller of the endpoint; the model's repository, and other endpoints with it, are not stopped",
            "a resume starts new machines, which takes minutes and may find none",
        )
        rights = (f"Hugging Face: a fine-grained token that manages endpoints of {settings.namespace}",)
        return Description(calls, (*touched, *settings.blast_radius), rights)

    async def look(self, target: Target, door: Door, settings: HuggingFaceDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Read the endpoint's state."""
        answer = await self.api(settings).get(settings.path())
        endpoint = read_object(answer, "an endpoint")
        status, model = endpoint.get("status"), object_at(endpoint, "model")
        if not isinstance(status, dict) or not status.get("state"):
            raise unreadable("the endpoint does not say its state")
        word = status["state"]
        closed = YES if word == "paused" else NO if word in _OPEN else UNKNOWN
        kept = {"repository": model.get("repository"), "revision": model.get("revision"), "type": endpoint.get("type")}
        state = {"closed": closed is YES, **answer.redactor.members(kept)}
        return Live(state=state, closed=closed, at=self._context.now())

    async def close(self, work: Work[HuggingFaceDoor]) -> Members:
        """Pause the endpoint."""
        return await self._do(work.settings, "/pause")

    async def open(self, work: Work[HuggingFaceDoor]) -> Members:
        """Resume the endpoint; it is served when its machines have started."""
        return await self._do(work.settings, "/resume")

    async def _do(self, settings: HuggingFaceDoor, action: str) -> Members:
        answer = await self.api(settings).change("POST", settings.path(action), repeatable=True, expect=(200, 202))
        return {"status": answer.status}
