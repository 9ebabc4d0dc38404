"""The second rig of the databricks connector: a double of the permissions of serving endpoints.

`ServingEndpointPermissions` and its requests are as in databricks-sdk 0.162.
"""

from __future__ import annotations

from typing import Any, ClassVar

from tests.contract.rigs_support.faulty_proxy import Asked
from tests.contract.rigs_support.platform_doubles import KEY_NAME, Double, Found, Heard, PlatformRig

PLACE, GRANTS = "/api/2.0/serving-endpoints", "/api/2.0/permissions/serving-endpoints"
WHO = ("user_name", "group_name", "service_principal_name")


def _get(double: Double, heard: Heard) -> Found:
    return 200, {name: value for name, value in double.rows[heard.named["name"]].items() if name != "grants"}


def _tags(double: Double, heard: Heard) -> Found:
    row, gone = double.rows[heard.named["name"]], set(heard.body.get("delete_tags", []))
    row["tags"] = [tag for tag in row["tags"] if tag["key"] not in gone] + heard.body.get("add_tags", [])
    return 200, {"tags": row["tags"]}


def _grants(double: Double, heard: Heard) -> Found:
    inherited = {"permission_level": "CAN_MANAGE", "inherited": True, "inherited_from_object": ["/serving-endpoints/"]}
    rows: list[dict[str, Any]] = [{"group_name": "admins", "all_permissions": [inherited]}]
    for grant in double.rows[heard.named["name"]]["grants"]:
        who = {name: grant[name] for name in WHO if name in grant}
        level = {"permission_level": grant["permission_level"], "inherited": False}
        rows.append({**who, "display_name": "somebody", "all_permissions": [level]})
    return 200, {"object_id": f"/serving-endpoints/id-{heard.named['name']}", "access_control_list": rows}


def _put(double: Double, heard: Heard) -> Found:
    for grant in heard.body["access_control_list"]:
        assert set(grant) - set(WHO) == {"permission_level"}
    double.rows[heard.named["name"]]["grants"] = heard.body["access_control_list"]
    return _grants(double, heard)


class GrantedEndpoints(Double):
    """Two endpoints that a group and a service principal may query."""

    refusal = 403
    calls: ClassVar[Any] = {
        f"GET {PLACE}/{{name}}": _get,
        f"PATCH {PLACE}/{{name}}/tags": _tags,
        f"GET {GRANTS}/id-{{name}}": _grants,
        f"PUT {GRANTS}/id-{{name}}": _put,
    }

    def first(self, name: str) -> Any:
        served = [{"name": name, "entity_name": "system.ai.a-model", "entity_version": "1"}]
        grants = [
            {"group_name": "chat", "permission_level": "CAN_QUERY"},
            {"service_principal_name": "0a1b", "permission_level": "CAN_QUERY"},
            {"user_name": "owner@example.org", "permission_level": "CAN_MANAGE"},
        ]
        endpoint = {"id": f"id-{name}", "name": name, "state": {"ready": "READY"}, "tags": []}
        return {**endpoint, "config": {"served_entities": served}, "grants": grants}

    def closed(self, name: str) -> bool:
        return not [grant for grant in self.rows[name]["grants"] if grant["permission_level"] == "CAN_QUERY"]


class Rig(PlatformRig):
    """Two endpoints of foundation models."""

    kind: ClassVar[str] = "databricks"
    Platform = GrantedEndpoints

    def config(self, name: str) -> dict[str, Any]:
        return {"endpoint": name, "how": "permissions", "token": f"secret://env/{KEY_NAME}"}

    def is_effect(self, asked: Asked) -> bool:
        return asked.method == "PUT"

    def change_behind_our_back(self) -> None:
        self.row["grants"] = [{"user_name": "new@example.org", "permission_level": "CAN_VIEW"}, *self.row["grants"]]

    def close_behind_our_back(self) -> None:
        self.row["grants"] = self.row["grants"][2:]
