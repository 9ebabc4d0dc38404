"""The rig of the databricks connector: a double of serving endpoints.

Reading and tags are as in databricks-sdk 0.162; `config:stop`, `config:start` and `state.suspend` as public programs
use them, because the client has no calls for them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from tests.contract.rigs_support.faulty_proxy import Asked
from tests.contract.rigs_support.platform_doubles import KEY_NAME, Double, Found, Heard, PlatformRig

PLACE = "/api/2.0/serving-endpoints"


def _get(double: Double, heard: Heard) -> Found:
    return 200, double.rows[heard.named["name"]]


def _tags(double: Double, heard: Heard) -> Found:
    row, gone = double.rows[heard.named["name"]], set(heard.body.get("delete_tags", []))
    kept = {tag["key"]: tag for tag in row["tags"] if tag["key"] not in gone}
    kept |= {tag["key"]: tag for tag in heard.body.get("add_tags", [])}
    row["tags"] = list(kept.values())
    return 200, {"tags": row["tags"]}


def _stop(double: Double, heard: Heard) -> Found:
    double.rows[heard.named["name"]]["state"] = {"ready": "NOT_READY", "suspend": "STOPPED"}
    return 200, {}


def _start(double: Double, heard: Heard) -> Found:
    double.rows[heard.named["name"]]["state"] = {"ready": "READY", "config_update": "NOT_UPDATING"}
    return 200, {}


class ServingEndpoints(Double):
    """Two endpoints that are ready; here they start at once."""

    refusal = 404
    calls: ClassVar[Any] = {
        f"GET {PLACE}/{{name}}": _get,
        f"PATCH {PLACE}/{{name}}/tags": _tags,
        f"POST {PLACE}/{{name}}/config:stop": _stop,
        f"POST {PLACE}/{{name}}/config:start": _start,
    }

    def first(self, name: str) -> Any:
        served = [{"name": f"{name}-7", "entity_name": f"main.models.{name}", "entity_version": "7"}]
        state = {"ready": "READY", "config_update": "NOT_UPDATING"}
        tags = [{"key": "team", "value": "chat"}]
        return {"name": name, "state": state, "config": {"served_entities": served}, "tags": tags}

    def closed(self, name: str) -> bool:
        return bool(self.rows[name]["state"]["ready"] != "READY")


class Rig(PlatformRig):
    """Two endpoints of one workspace."""

    kind: ClassVar[str] = "databricks"
    Platform = ServingEndpoints

    def config(self, name: str) -> dict[str, Any]:
        return {"endpoint": name, "token": f"secret://env/{KEY_NAME}"}

    def is_effect(self, asked: Asked) -> bool:
        return "/config:" in asked.path

    def change_behind_our_back(self) -> None:
        self.row["config"]["served_entities"][0]["entity_version"] = "8"

    def close_behind_our_back(self) -> None:
        self.row["state"] = {"ready": "NOT_READY", "suspend": "STOPPED"}
