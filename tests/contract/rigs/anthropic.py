"""The rig of the anthropic connector: a double of the Admin API's keys, as anthropic 2.12 calls them."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.contract.rigs_support.platform_doubles import KEY, KEY_NAME, Double, Found, Heard, PlatformRig

PLACE = "/v1/organizations/api_keys/apikey_{name}"


def _get(double: Double, heard: Heard) -> Found:
    assert heard.headers["anthropic-version"] == "2023-06-01"
    return 200, double.rows[heard.named["name"]]


def _post(double: Double, heard: Heard) -> Found:
    assert set(heard.body) <= {"name", "status"}
    row = double.rows[heard.named["name"]]
    if heard.body["status"] not in ("active", "inactive", "archived") or row["status"] == "archived":
        return 400, {"type": "error", "error": {"type": "invalid_request_error", "message": "not from here"}}
    row |= heard.body
    return 200, row


class Keys(Double):
    """Two keys of one workspace."""

    key_header = ("x-api-key", KEY)
    refusal = 401  # which a probe has to list as a refusal
    calls: ClassVar[Any] = {f"GET {PLACE}": _get, f"POST {PLACE}": _post}

    def first(self, name: str) -> Any:
        scope = {"type": "workspace", "workspace_id": "wrkspc_1"}
        hint = {"partial_key_hint": "sk-ant-...AA", "expires_at": None}
        return {"id": f"apikey_{name}", "type": "api_key", "name": name, "status": "active", "scope": scope, **hint}

    def closed(self, name: str) -> bool:
        return bool(self.rows[name]["status"] != "active")


class Rig(PlatformRig):
    """Two keys, each of one application."""

    kind: ClassVar[str] = "anthropic"
    markless: ClassVar[str] = "a key has no text but its name, by which people find it"
    Platform = Keys

    def config(self, name: str) -> dict[str, Any]:
        return {"key_id": f"apikey_{name}", "admin_key": f"secret://env/{KEY_NAME}"}

    def change_behind_our_back(self) -> None:
        self.row["scope"] = {"type": "workspace", "workspace_id": "wrkspc_2"}

    def close_behind_our_back(self) -> None:
        self.row["status"] = "inactive"
