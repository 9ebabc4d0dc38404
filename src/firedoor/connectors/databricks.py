"""Databricks Model Serving: stop an endpoint of custom models, or take the right to query it away from its callers.

Decides that an endpoint is closed when Databricks says that it is stopped, or when nobody was given CAN_QUERY, and
that our mark is a tag, set before. The paths of the tags are those of Databricks' own client (databricks-sdk 0.162);
stopping is in its documentation and not in its client, so `config:stop`, `config:start` and `state.suspend` were
taken from public programs that use them. Not tried on the service. Leaves the order of things to
`parts.door_connector`.
"""

from __future__ import annotations

from typing import ClassVar, Literal
from urllib.parse import quote

from pydantic import Field

from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.platform_api import REFERENCE, PlatformConnector, PlatformDoor, read_object, unreadable
from firedoor.core.json_types import JsonObject, as_objects, object_at, objects_at
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import FiredoorError, InDoubt, Problem, Refused
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import NO, UNKNOWN, YES, of

_TAG = "firedoor_closed_by"
_QUERY, _WHO = "CAN_QUERY", ("user_name", "group_name", "service_principal_name")
_PERMISSIONS = "/api/2.0/permissions/serving-endpoints"
_STEPS = {
    "stop": ("POST {url}/config:stop", "POST {url}/config:start"),
    "permissions": (
        f"PUT {_PERMISSIONS}/<id> without those who have {_QUERY}",
        f"PUT {_PERMISSIONS}/<id> as captured",
    ),
}
_TOUCHED = {
    "stop": (
        "endpoints of foundation or external models cannot be stopped: use `how: permissions`",
        "a resume makes a new version of the configuration and starts machines, which takes minutes",
    ),
    "permissions": (
        "whoever has CAN_MANAGE, or CAN_QUERY from the workspace, is not stopped",
        "somebody who changes the same permissions at the same moment is not noticed",
    ),
}


class DatabricksDoor(PlatformDoor):
    """One serving endpoint of a workspace; `url` is the workspace's."""

    endpoint: str = Field(pattern=r"^[A-Za-z0-9_-]{1,63}$")
    token: str = Field(pattern=REFERENCE)
    how: Literal["stop", "permissions"] = "stop"

    def headers(self) -> dict[str, str]:
        """The token."""
        return {"authorization": f"Bearer {self.token}"}

    @property
    def path(self) -> str:
        """The endpoint in the API."""
        return f"/api/2.0/serving-endpoints/{quote(self.endpoint)}"


class DatabricksConnector(PlatformConnector[DatabricksDoor]):
    """Stops and starts, or takes CAN_QUERY away; see docs/how-to/connect-with-vendor-platforms.md."""

    kind: ClassVar[str] = "databricks"
    Config = DatabricksDoor

    def changed_names(self, settings: DatabricksDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """Whether it is closed, and to whom; what it serves must stay. `open` itself compares the grants."""
        return frozenset({"closed", "granted"})

    def describe(self, target: Target, door: Door, settings: DatabricksDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The calls, and what cannot be stopped so."""
        url = f"{settings.url}{settings.path}"
        calls = (
            PlannedCall(verb="capture", summary=f"GET {url}"),
            PlannedCall(verb="suspend", summary=f"PATCH {url}/tags adds {_TAG}"),
            PlannedCall(verb="suspend", summary=_STEPS[settings.how][0].format(url=url)),
            PlannedCall(verb="resume", summary=_STEPS[settings.how][1].format(url=url)),
            PlannedCall(verb="resume", summary=f"PATCH {url}/tags takes {_TAG} away"),
        )
        touched = (
            "every model that is served by the endpoint",
            *_TOUCHED[settings.how],
        )
        rights = (f"Databricks: CAN_MANAGE on the serving endpoint {settings.endpoint}", f"uses {settings.token}")
        return Description(calls, (*touched, *settings.blast_radius), rights)

    async def look(self, target: Target, door: Door, settings: DatabricksDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Read the endpoint's state, what it serves, and its tags."""
        answer = await self.api(settings).get(settings.path)
        endpoint = read_object(answer, "a serving endpoint")
        state = endpoint.get("state")
        if not isinstance(state, dict):
            raise unreadable("the endpoint does not say its state")
        closed = YES if state.get("suspend") == "STOPPED" else NO if state.get("ready") == "READY" else UNKNOWN
        granted: list[Members] | None = None
        if settings.how == "permissions":
            granted = await self._granted(settings, endpoint)
            closed = of(not [grant for grant in granted if grant["permission_level"] == _QUERY])
        entities = [
            {name: row.get(name) for name in ("name", "entity_name", "entity_version")}
            for row in objects_at(object_at(endpoint, "config"), "served_entities")
        ]
        tags = {row.get("key"): row.get("value") for row in objects_at(endpoint, "tags")}
        kept = {"closed": closed is YES, **answer.redactor.members({"served": entities, "granted": granted})}
        if granted is not None:
            kept["id"] = endpoint["id"]
        return Live(state=kept, closed=closed, at=self._context.now(), mark=tags.get(_TAG))

    async def close(self, work: Work[DatabricksDoor]) -> Members:
        """Tag the endpoint, then stop it: a crash between the two leaves an open door, which is looked at."""
        api, path = self.api(work.settings), work.settings.path
        await api.change("PATCH", f"{path}/tags", {"add_tags": [{"key": _TAG, "value": work.mark}]}, repeatable=True)
        if work.settings.how == "permissions":
            return await self._grant(work, _without_query(work.live.state["granted"]))
        answer = await api.change("POST", f"{path}/config:stop", {}, repeatable=True)
        return {"status": answer.status}

    async def open(self, work: Work[DatabricksDoor]) -> Members:
        """Start the endpoint, then take our tag away."""
        api, path = self.api(work.settings), work.settings.path
        if work.settings.how == "permissions":
            told = await self._grant_again(work)
        else:
            told = {"status": (await api.change("POST", f"{path}/config:start", {}, repeatable=True)).status}
        try:
            await api.change("PATCH", f"{path}/tags", {"delete_tags": [_TAG]}, repeatable=True)
        except FiredoorError as error:  # it starts all the same: a look decides, nothing is repeated blindly
            raise InDoubt(error.problems) from None
        return told

    async def _granted(self, settings: DatabricksDoor, endpoint: JsonObject) -> list[Members]:
        """Who was given what on the endpoint itself; what is inherited cannot be taken away here."""
        if not endpoint.get("id"):
            raise unreadable("the endpoint does not say its id, by which its permissions are read")
        answer = await self.api(settings).get(f"{_PERMISSIONS}/{quote(str(endpoint['id']), safe='')}")
        rows = read_object(answer, "permissions").get("access_control_list")
        if not isinstance(rows, list):
            raise unreadable("the answer does not hold an access_control_list")
        found = [
            {"permission_level": grant.get("permission_level"), **{who: row[who] for who in _WHO if row.get(who)}}
            for row in as_objects(rows)
            for grant in objects_at(row, "all_permissions")
            if not grant.get("inherited")
        ]
        return sorted(found, key=lambda grant: sorted(grant.items()))

    async def _grant(self, work: Work[DatabricksDoor], granted: list[Members]) -> Members:
        path = f"{_PERMISSIONS}/{quote(str(work.live.state['id']), safe='')}"
        answer = await self.api(work.settings).change("PUT", path, {"access_control_list": granted})
        return {"status": answer.status}

    async def _grant_again(self, work: Work[DatabricksDoor]) -> Members:
        """Put the captured grants back. Raises Refused when they are not those that closing left."""
        captured = work.snapshot.state["granted"]
        if work.live.state["granted"] != _without_query(captured):
            message = "the permissions of the endpoint were changed since"
            do = "look at what changed and decide by hand; a resume restores only what we closed ourselves"
            raise Refused(Problem(code="K301", message=message, do=do))
        return await self._grant(work, captured)


def _without_query(granted: list[Members]) -> list[Members]:
    return [grant for grant in granted if grant["permission_level"] != _QUERY]
