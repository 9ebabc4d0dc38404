"""The rig of the litellm connector: a double of the proxy's management API, from the package's own routes and bodies.

The real one needs a database and an engine for it that cannot be installed from a registry. Taken from version 1.109:
`BlockModelRequest`, `/v1/model/info` and `_set_model_blocked_status`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from tests.contract.rigs_support.platform_doubles import KEY_NAME, Double, Found, Heard, PlatformRig


def _info(double: Double, _heard: Heard) -> Found:
    data = [
        {"model_name": name, "litellm_params": {"model": f"openai/{row['model']}"}, "model_info": row["info"]}
        for name, rows in double.rows.items()
        for row in rows
    ]
    return 200, {"data": data}


def _setting(blocked: bool) -> Any:
    def set_it(double: Double, heard: Heard) -> Found:
        assert set(heard.body) == {"model_id"}
        assert heard.headers["litellm-changed-by"].startswith("firedoor:")
        for row in (row for rows in double.rows.values() for row in rows):
            if row["info"]["id"] == heard.body["model_id"]:
                row["info"]["blocked"] = blocked
                return 200, {"model_id": row["info"]["id"], "blocked": blocked}
        return 404, {"error": {"message": "Model not found on proxy.", "code": "404"}}

    return set_it


class LiteLLM(Double):
    """Two model groups with one deployment each."""

    refusal = 429
    calls: ClassVar[Any] = {
        "GET /v1/model/info": _info,
        "POST /model/block": _setting(True),
        "POST /model/unblock": _setting(False),
    }

    def first(self, name: str) -> Any:
        return [{"model": "a-model", "info": {"id": f"{name}-1", "db_model": True, "blocked": False}}]

    def closed(self, name: str) -> bool:
        return all(row["info"]["blocked"] for row in self.rows[name])


class Rig(PlatformRig):
    """Two groups behind one proxy."""

    kind: ClassVar[str] = "litellm"
    markless: ClassVar[str] = "what is blocked says so and not by whom; that goes into an audit log that we do not read"
    Platform = LiteLLM

    def config(self, name: str) -> dict[str, Any]:
        return {"model": name, "admin_key": f"secret://env/{KEY_NAME}"}

    def change_behind_our_back(self) -> None:
        self.row[0]["model"] = "another-model"

    def close_behind_our_back(self) -> None:
        self.row[0]["info"]["blocked"] = True
