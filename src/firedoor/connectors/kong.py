"""Kong: a plugin of ours ends every request of a route.

Decides that a route is closed while a `request-termination` plugin is enabled on it that is for all callers; that
ours has an id made from the route's, so that writing it twice is writing it once; and that our mark is a tag of the
plugin. Written from Kong's description of the Admin API and of the plugin
(https://developer.konghq.com/plugins/request-termination/), and not tried on a real gateway. Leaves the order of
things to `parts.door_connector`.
"""

from __future__ import annotations

import uuid
from typing import ClassVar
from urllib.parse import quote

from pydantic import Field

from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.platform_api import PlatformConnector, PlatformDoor, read_object, unreadable
from firedoor.core.json_types import JsonObject, array_at, object_at, objects_at
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import of

_PLUGIN = "request-termination"
_KEPT = ("id", "paths", "hosts", "methods", "protocols", "service")
_SCOPES = ("consumer", "consumer_group")
_PAGES = 20


class KongDoor(PlatformDoor):
    """One route, by its name or id. `url` is the Admin API's, or that of a control plane's core entities."""

    route: str = Field(pattern=r"^[A-Za-z0-9._~-]{1,128}$")
    status: int = Field(default=503, ge=400, le=599)
    with_headers: dict[str, str] = Field(default_factory=dict, alias="headers")

    def headers(self) -> dict[str, str]:
        """What the Admin API asks for."""
        return self.with_headers


class KongConnector(PlatformConnector[KongDoor]):
    """Adds the plugin, and removes it; see docs/how-to/connect-with-vendor-platforms.md."""

    kind: ClassVar[str] = "kong"
    Config = KongDoor

    def mark(self, target: Target, door: Door, settings: KongDoor, operation_key: str) -> str | None:
        """A tag; Kong's tags hold no comma and no slash."""
        written = super().mark(target, door, settings, operation_key) or ""
        return written.replace(",", "-").replace("/", "-")

    def changed_names(self, settings: KongDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """Whether a plugin ends requests. The route itself must stay."""
        return frozenset({"closed"})

    def describe(self, target: Target, door: Door, settings: KongDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The calls, and what a route does not cover."""
        route = f"{settings.url}/routes/{settings.route}"
        calls = (
            PlannedCall(verb="capture", summary=f"GET {route} and GET {route}/plugins"),
            PlannedCall(verb="suspend", summary=f"PUT {settings.url}/plugins/<id of ours> {_PLUGIN} {settings.status}"),
            PlannedCall(verb="resume", summary=f"DELETE {settings.url}/plugins/<id of ours>"),
        )
        touched = (
            f"every caller of {settings.route}; another route to the same service is not stopped",
            "data planes hear of it with their next configuration; a request that is being answered is finished",
            "a gateway that is configured from a file, or by a controller, takes the plugin away again",
        )
        rights = ("Kong: read routes, and create and delete plugins of this route (an RBAC role, where there is one)",)
        return Description(calls, (*touched, *settings.blast_radius), rights)

    async def look(self, target: Target, door: Door, settings: KongDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Read the route and its plugins. Raises Unanswered when there is no such route."""
        answer = await self.api(settings).get(f"/routes/{quote(settings.route)}")
        route = read_object(answer, "a route")
        ending = [plugin for plugin in await self._plugins(settings) if _ends_all(plugin)]
        kept = {name: route.get(name) for name in _KEPT}
        return Live(
            state={"closed": bool(ending), **answer.redactor.members(kept)},
            closed=of(bool(ending)),
            at=self._context.now(),
            mark=sorted(tag for plugin in ending for tag in map(str, array_at(plugin, "tags")) if tag != "firedoor"),
        )

    async def close(self, work: Work[KongDoor]) -> Members:
        """Write our plugin. Kong turns it down where the route has one of its kind already."""
        route = work.live.state["id"]
        body = {
            "name": _PLUGIN,
            "route": {"id": route},
            "enabled": True,
            "config": {"status_code": work.settings.status, "message": "closed by an incident"},
            "tags": ["firedoor", work.mark],
        }
        answer = await self.api(work.settings).change("PUT", f"/plugins/{_ours(route)}", body, expect=(200, 201))
        return {"status": answer.status}

    async def open(self, work: Work[KongDoor]) -> Members:
        """Delete our plugin."""
        path = f"/plugins/{_ours(work.snapshot.state['id'])}"
        return {"status": (await self.api(work.settings).change("DELETE", path, expect=(204, 404))).status}

    async def _plugins(self, settings: KongDoor) -> list[JsonObject]:
        path = f"/routes/{quote(settings.route)}/plugins"
        rows: list[JsonObject] = []
        asked = f"{path}?size=1000"
        for _ in range(_PAGES):
            page = read_object(await self.api(settings).get(asked), "a list of plugins")
            rows += objects_at(page, "data")
            if not page.get("offset"):
                return rows
            asked = f"{path}?size=1000&offset={quote(str(page['offset']), safe='')}"
        raise unreadable("the route has more plugins than are read")


def _ends_all(plugin: JsonObject) -> bool:
    """Whether the plugin ends the requests of everybody: it is on, has no trigger and is for no one consumer."""
    for_some = object_at(plugin, "config").get("trigger") or any(plugin.get(scope) for scope in _SCOPES)
    return plugin.get("name") == _PLUGIN and plugin.get("enabled") is True and not for_some


def _ours(route: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"firedoor:kong:route:{route}"))
