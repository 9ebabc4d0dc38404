"""The rig of the huggingface connector: a double of Inference Endpoints, from the calls of huggingface_hub 2.4."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.contract.rigs_support.platform_doubles import KEY_NAME, Double, Found, Heard, PlatformRig


def _get(double: Double, heard: Heard) -> Found:
    return 200, double.rows[heard.named["name"]]


def _pause(double: Double, heard: Heard) -> Found:
    double.rows[heard.named["name"]]["status"]["state"] = "paused"
    return _get(double, heard)


def _resume(double: Double, heard: Heard) -> Found:
    status = double.rows[heard.named["name"]]["status"]
    if status["state"] == "running":
        return 400, {"error": "Endpoint is already running"}
    status["state"] = "running"
    return _get(double, heard)


class InferenceEndpoints(Double):
    """Two endpoints that run; here they start at once."""

    refusal = 503
    calls: ClassVar[Any] = {
        "GET /endpoint/acme/{name}": _get,
        "POST /endpoint/acme/{name}/pause": _pause,
        "POST /endpoint/acme/{name}/resume": _resume,
    }

    def first(self, name: str) -> Any:
        model = {"repository": f"acme/{name}", "revision": "0a1b2c", "framework": "pytorch"}
        return {"name": name, "type": "protected", "model": model, "status": {"state": "running"}}

    def closed(self, name: str) -> bool:
        return bool(self.rows[name]["status"]["state"] == "paused")


class Rig(PlatformRig):
    """Two endpoints of one organization."""

    kind: ClassVar[str] = "huggingface"
    markless: ClassVar[str] = "a pause says nothing of who asked for it, and takes no text of ours"
    Platform = InferenceEndpoints

    def config(self, name: str) -> dict[str, Any]:
        return {"namespace": "acme", "endpoint": name, "token": f"secret://env/{KEY_NAME}"}

    def change_behind_our_back(self) -> None:
        self.row["model"]["revision"] = "3d4e5f"

    def close_behind_our_back(self) -> None:
        self.row["status"]["state"] = "paused"
