"""Databricks Model Serving: stop an endpoint of custom models, and start it.

Decides that an endpoint is closed when Databricks says that it is stopped, and that our mark is a tag, set before.
The paths of the tags are those of Databricks' own client (databricks-sdk 0.162); stopping is in its documentation and
not in its client, so `config:stop`, `config:start` and `state.suspend` were taken from public programs that use them.
Not tried on the service. Leaves the order of things to `parts.door_connector`.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

from pydantic import Field

from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.platform_api import REFERENCE, PlatformConnector, PlatformDoor, read_object, unreadable
from firedoor.core.ports import Json, PlannedCall
from firedoor.core.problems import FiredoorError, InDoubt
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import NO, UNKNOWN, YES

_TAG = "firedoor_closed_by"


class DatabricksDoor(PlatformDoor):
    """One serving endpoint of a workspace; `url` is the workspace's."""

    endpoint: str = Field(pattern=r"^[A-Za-z0-9_-]{1,63}$")
    token: str = Field(pattern=REFERENCE)

    def headers(self) -> dict[str, str]:
        """The token."""
        return {"authorization": f"Bearer {self.token}"}

    @property
    def path(self) -> str:
        """The endpoint in the API."""
        return f"/api/2.0/serving-endpoints/{quote(self.endpoint)}"


class DatabricksConnector(PlatformConnector[DatabricksDoor]):
    """Stops and starts; see docs/how-to/connect-with-vendor-platforms.md."""

    kind: ClassVar[str] = "databricks"
    Config = DatabricksDoor

    def changed_names(self, settings: DatabricksDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """Whether it is stopped; what it serves must stay."""
        return frozenset({"closed"})

    def describe(self, target: Target, door: Door, settings: DatabricksDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The calls, and what cannot be stopped so."""
        url = f"{settings.url}{settings.path}"
        calls = (
            PlannedCall(verb="capture", summary=f"GET {url}"),
            PlannedCall(verb="suspend", summary=f"PATCH {url}/tags adds {_TAG}"),
            PlannedCall(verb="suspend", summary=f"POST {url}/config:stop"),
            PlannedCall(verb="resume", summary=f"POST {url}/config:start"),
            PlannedCall(verb="resume", summary=f"PATCH {url}/tags takes {_TAG} away"),
        )
        touched = (
            "every model that is served by the endpoint, whoever calls it",
            "endpoints of foundation or external models cannot be stopped: take CAN_QUERY away from their callers",
            "a resume makes a new version of the configuration and starts machines, which takes minutes",
        )
        rights = (f"Databricks: CAN_MANAGE on the serving endpoint {settings.endpoint}", f"uses {settings.token}")
        return Description(calls, (*touched, *settings.blast_radius), rights)

    async def look(self, target: Target, door: Door, settings: DatabricksDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Read the endpoint's state, what it serves, and its tags."""
        answer = await self.api(settings).get(settings.path)
        endpoint = read_object(answer, "a serving endpoint")
        state, config = endpoint.get("state"), endpoint.get("config") or {}
        if not isinstance(state, dict):
            raise unreadable("the endpoint does not say its state")
        closed = YES if state.get("suspend") == "STOPPED" else NO if state.get("ready") == "READY" else UNKNOWN
        entities = [
            {name: row.get(name) for name in ("name", "entity_name", "entity_version")}
            for row in config.get("served_entities") or []
        ]
        tags = {row.get("key"): row.get("value") for row in endpoint.get("tags") or [] if isinstance(row, dict)}
        kept = {"closed": closed is YES, **answer.redactor.value({"served": entities})}
        return Live(state=kept, closed=closed, at=self._context.now(), mark=tags.get(_TAG))

    async def close(self, work: Work[DatabricksDoor]) -> Json:
        """Tag the endpoint, then stop it: a crash between the two leaves an open door, which is looked at."""
        api, path = self.api(work.settings), work.settings.path
        await api.change("PATCH", f"{path}/tags", {"add_tags": [{"key": _TAG, "value": work.mark}]}, repeatable=True)
        answer = await api.change("POST", f"{path}/config:stop", {}, repeatable=True)
        return {"status": answer.status}

    async def open(self, work: Work[DatabricksDoor]) -> Json:
        """Start the endpoint, then take our tag away."""
        api, path = self.api(work.settings), work.settings.path
        answer = await api.change("POST", f"{path}/config:start", {}, repeatable=True)
        try:
            await api.change("PATCH", f"{path}/tags", {"delete_tags": [_TAG]}, repeatable=True)
        except FiredoorError as error:  # it starts all the same: a look decides, nothing is repeated blindly
            raise InDoubt(error.problems) from None
        return {"status": answer.status}
