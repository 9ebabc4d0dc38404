"""The rig of the openai connector: a double of a project's model permissions and keys, as openai 3.54 calls them."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.contract.rigs_support.platform_doubles import KEY_NAME, Double, Found, Heard, PlatformRig

PROJECT = "/organization/projects/proj_{project}"


def _project(double: Double, heard: Heard) -> Found:
    there = heard.named["project"] in double.rows
    return (200, {"id": heard.named["project"], "object": "organization.project"}) if there else (404, {})


def _get(double: Double, heard: Heard) -> Found:
    row = double.rows.get(heard.named["project"])
    if row is None or row["permissions"] is None:
        return 404, {"error": {"message": "not found"}}
    return 200, {"object": "project.model_permissions", **row["permissions"]}


def _put(double: Double, heard: Heard) -> Found:
    assert set(heard.body) == {"mode", "model_ids"}
    double.rows[heard.named["project"]]["permissions"] = heard.body
    return _get(double, heard)


def _delete(double: Double, heard: Heard) -> Found:
    double.rows[heard.named["project"]]["permissions"] = None
    return 200, {"object": "project.model_permissions.deleted", "deleted": True}


def _key(double: Double, heard: Heard) -> Found:
    if heard.named["key"] not in double.rows[heard.named["project"]]["keys"]:
        return 404, {"error": {"message": "not found"}}
    return 200, {"id": heard.named["key"], "name": "of the application", "object": "organization.project.api_key"}


def _delete_key(double: Double, heard: Heard) -> Found:
    double.rows[heard.named["project"]]["keys"].discard(heard.named["key"])
    return 200, {"id": heard.named["key"], "deleted": True}


class Projects(Double):
    """Two projects; the first denies a model already, as does the second."""

    refusal = 403
    calls: ClassVar[Any] = {
        f"GET {PROJECT}": _project,
        f"GET {PROJECT}/model_permissions": _get,
        f"POST {PROJECT}/model_permissions": _put,
        f"DELETE {PROJECT}/model_permissions": _delete,
        f"GET {PROJECT}/api_keys/{{key}}": _key,
        f"DELETE {PROJECT}/api_keys/{{key}}": _delete_key,
    }

    def first(self, name: str) -> Any:
        return {"permissions": {"mode": "deny_list", "model_ids": ["old-model"]}, "keys": {"key_application"}}

    def closed(self, name: str) -> bool:
        permissions = self.rows[name]["permissions"] or {"mode": "deny_list", "model_ids": []}
        return ("gpt-5" in permissions["model_ids"]) == (permissions["mode"] == "deny_list")


class Rig(PlatformRig):
    """Two projects of one organization, each named as its model."""

    kind: ClassVar[str] = "openai"
    markless: ClassVar[str] = "a list of models holds names of models, and no text of ours"
    Platform = Projects

    def config(self, name: str) -> dict[str, Any]:
        return {"project": f"proj_{name}", "models": ["gpt-5"], "admin_key": f"secret://env/{KEY_NAME}"}

    def change_behind_our_back(self) -> None:
        self.row["permissions"]["model_ids"] = [*self.row["permissions"]["model_ids"], "another-model"]

    def close_behind_our_back(self) -> None:
        self.row["permissions"] = {"mode": "deny_list", "model_ids": ["gpt-5", "old-model"]}
