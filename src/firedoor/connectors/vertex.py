"""Vertex AI: take all traffic from an endpoint, and give it back.

Decides that an endpoint whose traffic split is empty is a closed door ("map must be empty if the Endpoint is to not
accept any traffic"), which keeps the models deployed, so that a resume needs no new machines; that our mark is a
label, set in the same PATCH; and that the endpoint's etag is the lock. Written from Google's description of the
service, v1, and not tried on it. Leaves the order of things to `parts.door_connector`.
"""

from __future__ import annotations

import hashlib
from typing import ClassVar

from pydantic import Field

from firedoor.connectors.parts.calls import Answer
from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.platform_api import REFERENCE, PlatformConnector, PlatformDoor, part, read_object
from firedoor.core.json_types import JsonObject, objects_at, text_at
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import Unanswered
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import of

_LABEL = "firedoor_closed_by"


class VertexDoor(PlatformDoor):
    """One endpoint by its full name. `url` is the region's, as https://europe-west4-aiplatform.googleapis.com."""

    endpoint: str = Field(pattern=r"^projects/[^/]+/locations/[^/]+/endpoints/[^/?#]+$")
    token: str = Field(pattern=REFERENCE)

    def headers(self) -> dict[str, str]:
        """The access token."""
        return {"authorization": f"Bearer {self.token}"}


class VertexConnector(PlatformConnector[VertexDoor]):
    """Empties the traffic split; see docs/how-to/connect-with-vendor-platforms.md."""

    kind: ClassVar[str] = "vertex"
    Config = VertexDoor

    def mark(self, target: Target, door: Door, settings: VertexDoor, operation_key: str) -> str | None:  # noqa: ARG002 - the door says it all
        """A digest of the key: labels hold 63 small letters, digits and dashes."""
        return f"firedoor-{hashlib.sha256(operation_key.encode()).hexdigest()[:40]}"

    def changed_names(self, settings: VertexDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """Where traffic goes. Which models are deployed must stay."""
        return frozenset({"closed", "traffic"})

    def describe(self, target: Target, door: Door, settings: VertexDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The calls, and what an endpoint does not cover."""
        url = f"{settings.url}/v1/{settings.endpoint}"
        calls = (
            PlannedCall(verb="capture", summary=f"GET {url}"),
            PlannedCall(verb="suspend", summary=f"PATCH {url} trafficSplit={{}} and the label {_LABEL}"),
            PlannedCall(verb="resume", summary=f"PATCH {url} trafficSplit as captured, without the label"),
        )
        touched = (
            "every model that is deployed on the endpoint, whoever it serves",
            "batch prediction jobs, and other endpoints with the same model, are not stopped",
            "the machines stay, and cost what they cost",
        )
        rights = ("Vertex AI: aiplatform.endpoints.get and aiplatform.endpoints.update", f"uses {settings.token}")
        return Description(calls, (*touched, *settings.blast_radius), rights)

    async def look(self, target: Target, door: Door, settings: VertexDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Read the endpoint. What is empty is left out by the service."""
        answer = await self.api(settings).get(f"/v1/{settings.endpoint}")
        endpoint = read_object(answer, "an endpoint")
        traffic = {name: share for name, share in part(endpoint, "trafficSplit").items() if share}
        models = {str(row.get("id")): row.get("model") for row in objects_at(endpoint, "deployedModels")}
        return Live(
            state=answer.redactor.members({"closed": not traffic, "traffic": traffic, "models": models}),
            closed=of(not traffic),
            at=self._context.now(),
            mark=part(endpoint, "labels").get(_LABEL),
            version_token=_etag(endpoint),
        )

    async def close(self, work: Work[VertexDoor]) -> Members:
        """Empty the split, if the endpoint still is as it was seen."""
        return await self._patch(work, {}, {_LABEL: work.mark})

    async def open(self, work: Work[VertexDoor]) -> Members:
        """Put the captured split back, if the endpoint still is as it was seen."""
        return await self._patch(work, work.snapshot.state["traffic"], {})

    async def _patch(self, work: Work[VertexDoor], traffic: Members, label: JsonObject) -> Members:
        api, path = self.api(work.settings), f"/v1/{work.settings.endpoint}"
        found = part(read_object(await api.get(path), "an endpoint"), "labels")
        labels = {**{name: text for name, text in found.items() if name != _LABEL}, **label}
        body = {"etag": work.live.version_token, "trafficSplit": traffic, "labels": labels}
        answer = await api.change("PATCH", f"{path}?updateMask=trafficSplit,labels", body, repeatable=True)
        return {"status": answer.status, "version_token": _etag_after(answer)}


def _etag(endpoint: JsonObject) -> str | None:
    return text_at(endpoint, "etag") or None


def _etag_after(answer: Answer) -> str | None:
    """The lock after our change; None where the answer cannot be read, since the change is made all the same."""
    try:
        return _etag(read_object(answer, "an endpoint"))
    except Unanswered:
        return None
