"""The rig of the vertex connector: a double of endpoints, from Google's description of Vertex AI v1.

`EndpointService.GetEndpoint` and `UpdateEndpoint`, whose etag is a lock.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from tests.contract.rigs_support.platform_doubles import KEY_NAME, Double, Found, Heard, PlatformRig

PLACE = "projects/acme/locations/europe-west4/endpoints"


def _shown(row: dict[str, Any]) -> Found:
    return 200, {name: value for name, value in row.items() if value not in ({}, [], "")}  # as protobuf's JSON does


def _get(double: Double, heard: Heard) -> Found:
    return _shown(double.rows[heard.named["name"]])


def _patch(double: Double, heard: Heard) -> Found:
    row = double.rows[heard.named["name"]]
    if heard.body["etag"] != row["etag"]:
        return 409, {"error": {"status": "ABORTED", "message": "the etag does not match"}}
    assert all(len(text) <= 63 and text == text.lower() for text in heard.body["labels"].values())
    row |= {name: heard.body[name] for name in heard.query["updateMask"].split(",")}
    row["etag"] = str(int(row["etag"]) + 1)
    return _shown(row)


class Endpoints(Double):
    """Two endpoints with two models each."""

    refusal = 400
    calls: ClassVar[Any] = {f"GET /v1/{PLACE}/{{name}}": _get, f"PATCH /v1/{PLACE}/{{name}}": _patch}

    def first(self, name: str) -> Any:
        deployed = [{"id": number, "model": f"projects/acme/models/{name}@{number}"} for number in ("1", "2")]
        split = {"1": 80, "2": 20}
        return {
            "name": f"{PLACE}/{name}",
            "etag": "1",
            "trafficSplit": split,
            "deployedModels": deployed,
            "labels": {"team": "chat"},
        }

    def closed(self, name: str) -> bool:
        return not self.rows[name]["trafficSplit"]


class Rig(PlatformRig):
    """Two endpoints of one project."""

    kind: ClassVar[str] = "vertex"
    Platform = Endpoints

    def config(self, name: str) -> dict[str, Any]:
        return {"endpoint": f"{PLACE}/{name}", "token": f"secret://env/{KEY_NAME}"}

    def change_behind_our_back(self) -> None:
        self.row["deployedModels"] = json.loads(json.dumps(self.row["deployedModels"]).replace("@2", "@3"))
        self.row["etag"] += "0"

    def close_behind_our_back(self) -> None:
        self.row["trafficSplit"] = {}
        self.row["etag"] += "0"
