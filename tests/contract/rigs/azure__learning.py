"""The second rig of the azure connector: a double of online endpoints of Azure Machine Learning.

`OnlineEndpoints_Get` and `OnlineEndpoints_CreateOrUpdate` of version 2024-10-01.
"""

from __future__ import annotations

from typing import Any, ClassVar

from tests.contract.rigs_support.platform_doubles import KEY_NAME, Double, Found, Heard, PlatformRig

PLACE = "/subscriptions/s-1/resourceGroups/models/providers/Microsoft.MachineLearningServices/workspaces/acme"
PLACE += "/onlineEndpoints"


def _get(double: Double, heard: Heard) -> Found:
    assert heard.query == {"api-version": "2024-10-01"}
    return 200, double.rows[heard.named["name"]]


def _put(double: Double, heard: Heard) -> Found:
    row, body = double.rows[heard.named["name"]], heard.body
    assert not {"provisioningState", "scoringUri"} & set(body["properties"])
    assert {"location", "tags", "properties", "identity"} <= set(body)
    if sum(body["properties"]["traffic"].values()) not in (0, 100):
        return 400, {"error": {"message": "traffic has to sum to 0 or 100"}}
    row |= {name: body[name] for name in ("tags", "identity")}
    row["properties"] |= body["properties"]
    return 200, row


class OnlineEndpoints(Double):
    """Two endpoints with two deployments each."""

    refusal = 404
    calls: ClassVar[Any] = {f"GET {PLACE}/{{name}}": _get, f"PUT {PLACE}/{{name}}": _put}

    def first(self, name: str) -> Any:
        properties = {"authMode": "Key", "traffic": {"blue": 90, "green": 10}, "mirrorTraffic": {}}
        uri = f"https://{name}.westeurope.inference.ml.azure.com/score"
        return {
            "name": name,
            "location": "westeurope",
            "tags": {"owner": "chat"},
            "identity": {"type": "SystemAssigned", "principalId": "p-1", "tenantId": "t-1"},
            "properties": {**properties, "provisioningState": "Succeeded", "scoringUri": uri},
        }

    def closed(self, name: str) -> bool:
        return not any(self.rows[name]["properties"]["traffic"].values())


class Rig(PlatformRig):
    """Two endpoints of one workspace."""

    kind: ClassVar[str] = "azure"
    Platform = OnlineEndpoints

    def config(self, name: str) -> dict[str, Any]:
        return {"resource": f"{PLACE}/{name}", "token": f"secret://env/{KEY_NAME}"}

    def change_behind_our_back(self) -> None:
        self.row["properties"]["authMode"] = "AADToken"

    def close_behind_our_back(self) -> None:
        self.row["properties"]["traffic"] = {"blue": 0, "green": 0}
