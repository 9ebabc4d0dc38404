"""The rig of the kong connector: a double of the Admin API, from Kong's description of routes and plugins."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.contract.rigs_support.faulty_proxy import Asked
from tests.contract.rigs_support.platform_doubles import KEY_NAME, MODELS, Double, Found, Heard, PlatformRig


def _route(double: Double, heard: Heard) -> Found:
    return 200, double.rows[heard.named["name"]]["route"]


def _plugins(double: Double, heard: Heard) -> Found:
    rows = double.rows[heard.named["name"]]["plugins"]
    page = int(heard.query.get("offset", "0"))
    following = {"offset": str(page + 1), "next": "/more"} if page + 1 < len(rows) else {"offset": None, "next": None}
    return 200, {"data": rows[page : page + 1], **following}  # one on each page


def _put(double: Double, heard: Heard) -> Found:
    body = heard.body
    rows = next(row["plugins"] for row in double.rows.values() if row["route"]["id"] == body["route"]["id"])
    assert not [tag for tag in body["tags"] if set(",/") & set(tag)]
    if any(row["name"] == body["name"] and row["id"] != heard.named["id"] for row in rows):
        return 409, {"name": "unique constraint violation", "message": "UNIQUE violation detected"}
    rows[:] = [row for row in rows if row["id"] != heard.named["id"]] + [{"id": heard.named["id"], **body}]
    return 200, rows[-1]


def _delete(double: Double, heard: Heard) -> Found:
    for row in double.rows.values():
        row["plugins"] = [plugin for plugin in row["plugins"] if plugin["id"] != heard.named["id"]]
    return 204, None


class AdminApi(Double):
    """Two routes with a plugin of somebody else each."""

    refusal = 503
    calls: ClassVar[Any] = {
        "GET /routes/{name}": _route,
        "GET /routes/{name}/plugins": _plugins,
        "PUT /plugins/{id}": _put,
        "DELETE /plugins/{id}": _delete,
    }

    def first(self, name: str) -> Any:
        route = {"id": f"route-of-{name}", "name": name, "paths": [f"/{name}"], "service": {"id": "service-1"}}
        limit = {"id": f"limit-{name}", "name": "rate-limiting", "enabled": True, "tags": ["theirs"], "config": {}}
        return {"route": {**route, "hosts": None, "methods": None, "protocols": ["https"]}, "plugins": [limit]}

    def closed(self, name: str) -> bool:
        plugins = self.rows[name]["plugins"]
        return any(plugin["name"] == "request-termination" and plugin["enabled"] for plugin in plugins)


class Rig(PlatformRig):
    """Two routes of one service."""

    kind: ClassVar[str] = "kong"
    Platform = AdminApi

    def config(self, name: str) -> dict[str, Any]:
        return {"route": name, "headers": {"authorization": f"Bearer secret://env/{KEY_NAME}"}}

    def also(self, asked: Asked) -> list[Asked]:
        """The neighbour's route gets a plugin of its own, as when somebody takes the wrong scope."""
        body = asked.body.replace(MODELS[0].encode(), MODELS[1].encode())
        return [asked.but(path="/plugins/by-mistake", body=body), asked]

    def change_behind_our_back(self) -> None:
        self.row["route"]["paths"] = ["/elsewhere"]

    def close_behind_our_back(self) -> None:
        theirs = {"id": "theirs", "name": "request-termination", "enabled": True, "tags": ["maintenance"], "config": {}}
        self.row["plugins"].append(theirs)
