"""The rig of the vllm connector: a double of two servers' development endpoints, and of the gateway before them.

What a real server does with requests while it sleeps is not shown here: the gateway turns callers away, as the
connector demands that there be one.
"""

from __future__ import annotations

from typing import Any, ClassVar

from tests.contract.rigs_support.platform_doubles import KEY_NAME, Double, Found, Heard, PlatformRig


def _sleep(double: Double, heard: Heard) -> Found:
    assert heard.query == {"level": "1"}
    double.rows[heard.named["name"]]["asleep"] = True
    return 200, None


def _wake(double: Double, heard: Heard) -> Found:
    double.rows[heard.named["name"]]["asleep"] = False
    return 200, None


def _is_sleeping(double: Double, heard: Heard) -> Found:
    return 200, {"is_sleeping": double.rows[heard.named["name"]]["asleep"]}


def _models(double: Double, heard: Heard) -> Found:
    names = double.rows[heard.named["name"]]["models"]
    return 200, {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}


class Servers(Double):
    """Two servers, each under a path of its own."""

    refusal = 503
    calls: ClassVar[Any] = {
        "POST /{name}/sleep": _sleep,
        "POST /{name}/wake_up": _wake,
        "GET /{name}/is_sleeping": _is_sleeping,
        "GET /{name}/v1/models": _models,
    }

    def first(self, name: str) -> Any:
        return {"asleep": False, "models": [name]}

    def closed(self, name: str) -> bool:
        return bool(self.rows[name]["asleep"])


class Rig(PlatformRig):
    """Two servers, each with a door at a gateway as well."""

    kind: ClassVar[str] = "vllm"
    markless: ClassVar[str] = "the development endpoints have no place for a text of ours"
    Platform = Servers

    def config(self, name: str) -> dict[str, Any]:
        return {"url": f"{self._now}/{name}", "headers": {"authorization": f"Bearer secret://env/{KEY_NAME}"}}

    def other_doors(self) -> list[dict[str, Any]]:
        return [{"name": "gateway", "connector": "nginx", "config": {"folder": "/nowhere", "keys": ["/chat"]}}]

    def listing(self, url: str) -> Any:
        self._now = url
        return super().listing(url)

    def change_behind_our_back(self) -> None:
        self.row["models"] = ["another-model"]

    def close_behind_our_back(self) -> None:
        self.row["asleep"] = True
