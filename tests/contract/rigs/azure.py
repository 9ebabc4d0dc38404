"""The rig of the azure connector: a double of Azure OpenAI's deployments, from the description of Resource Manager.

`Deployments_Get`, `Deployments_Pause` and `Deployments_Resume` of version 2026-03-15-preview.
"""

from __future__ import annotations

from typing import Any, ClassVar

from tests.contract.rigs_support.platform_doubles import KEY_NAME, Double, Found, Heard, PlatformRig

ACCOUNT = "/subscriptions/s-1/resourceGroups/models/providers/Microsoft.CognitiveServices/accounts/acme/deployments"


def _get(double: Double, heard: Heard) -> Found:
    assert heard.query == {"api-version": "2026-03-15-preview"}
    return 200, double.rows[heard.named["name"]]


def _setting(state: str) -> Any:
    def set_it(double: Double, heard: Heard) -> Found:
        assert heard.query == {"api-version": "2026-03-15-preview"}
        row = double.rows[heard.named["name"]]
        row["properties"]["deploymentState"] = state
        return 200, row

    return set_it


class OpenAIDeployments(Double):
    """Two deployments that run."""

    refusal = 423
    calls: ClassVar[Any] = {
        f"GET {ACCOUNT}/{{name}}": _get,
        f"POST {ACCOUNT}/{{name}}/pause": _setting("Paused"),
        f"POST {ACCOUNT}/{{name}}/resume": _setting("Running"),
    }

    def first(self, name: str) -> Any:
        model = {"format": "OpenAI", "name": "gpt-5", "version": "2026-01-01"}
        properties = {"model": model, "raiPolicyName": "strict", "provisioningState": "Succeeded"}
        sku = {"name": "GlobalStandard", "capacity": 10}
        return {"name": name, "sku": sku, "properties": {**properties, "deploymentState": "Running"}}

    def closed(self, name: str) -> bool:
        return bool(self.rows[name]["properties"]["deploymentState"] == "Paused")


class Rig(PlatformRig):
    """Two deployments of one account."""

    kind: ClassVar[str] = "azure"
    markless: ClassVar[str] = "a tag on a deployment is an update of its own, which a pause should not have to wait for"
    Platform = OpenAIDeployments

    def config(self, name: str) -> dict[str, Any]:
        return {"resource": f"{ACCOUNT}/{name}", "token": f"secret://env/{KEY_NAME}"}

    def change_behind_our_back(self) -> None:
        self.row["properties"]["model"]["version"] = "2026-06-01"

    def close_behind_our_back(self) -> None:
        self.row["properties"]["deploymentState"] = "Paused"
