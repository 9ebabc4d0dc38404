"""Azure: pause an Azure OpenAI deployment, or take all traffic from an Azure Machine Learning online endpoint.

Decides which of both it is by the resource's id; that a deployment is closed when its `deploymentState` is Paused,
and an endpoint when no deployment gets any traffic and nothing is mirrored. Pausing leaves no mark, because a tag
would be an update of its own; an endpoint bears it as a tag, set in the same PUT. Written from the descriptions of
Azure Resource Manager, `Deployments_Pause` of 2026-03-15-preview and `OnlineEndpoints_CreateOrUpdate` of 2024-10-01,
and not tried on the real service. Leaves the order of things to `parts.door_connector`.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.platform_api import (
    REFERENCE,
    PlatformConnector,
    PlatformDoor,
    part,
    read_object,
    unreadable,
)
from firedoor.core.json_types import JsonObject, object_at
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import Problem, Refused
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import NO, UNKNOWN, YES, of

_PART = r"[^/?#\s]{1,255}"
_GROUP = rf"/subscriptions/{_PART}/resourceGroups/{_PART}/providers"
_OPENAI = rf"{_GROUP}/Microsoft\.CognitiveServices/accounts/{_PART}/deployments/{_PART}"
_LEARNING = rf"{_GROUP}/Microsoft\.MachineLearningServices/workspaces/{_PART}/onlineEndpoints/{_PART}"
_VERSIONS = {True: "2026-03-15-preview", False: "2024-10-01"}
_TAG = "firedoor-closed-by"
_SENT_AGAIN = ("location", "kind", "identity", "sku", "tags", "properties")
_READ_ONLY = ("provisioningState", "scoringUri", "swaggerUri")
_IDENTITY_READ_ONLY = ("principalId", "tenantId")


class AzureDoor(PlatformDoor):
    """One resource, by the id that the portal shows. `token` is a token of Entra ID for Azure Resource Manager."""

    url: str = "https://management.azure.com"
    resource: str = Field(pattern=rf"^(?:{_OPENAI}|{_LEARNING})$")
    token: str = Field(pattern=REFERENCE)

    @property
    def is_openai(self) -> bool:
        """Whether it is a deployment of Azure OpenAI."""
        return "/Microsoft.CognitiveServices/" in self.resource

    def path(self, action: str = "") -> str:
        """The resource, or an action on it, with the version of the API."""
        return f"{self.resource}{action}?api-version={_VERSIONS[self.is_openai]}"

    def headers(self) -> dict[str, str]:
        """The token."""
        return {"authorization": f"Bearer {self.token}"}


class AzureConnector(PlatformConnector[AzureDoor]):
    """Pauses deployments, and takes traffic from endpoints; see docs/how-to/connect-with-vendor-platforms.md."""

    kind: ClassVar[str] = "azure"
    Config = AzureDoor

    def mark(self, target: Target, door: Door, settings: AzureDoor, operation_key: str) -> str | None:
        """A tag on an endpoint; None on a deployment, where the activity log says who paused it."""
        return None if settings.is_openai else super().mark(target, door, settings, operation_key)[:256]  # type: ignore[index]

    def changed_names(self, settings: AzureDoor) -> frozenset[str]:
        """What closing changes; the model, its version and its filters must stay."""
        return frozenset({"closed"} if settings.is_openai else {"closed", "traffic", "mirror_traffic"})

    def describe(self, target: Target, door: Door, settings: AzureDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The calls, and who else is reached."""
        url, capture = settings.url, f"GET {settings.url}{settings.path()}"
        if settings.is_openai:
            steps = (f"POST {url}{settings.path('/pause')}", f"POST {url}{settings.path('/resume')}")
            touched: tuple[str, ...] = ("every caller of the deployment gets 423; other deployments are not stopped",)
            actions = "deployments/read, deployments/pause/action and deployments/resume/action on the account"
        else:
            put = f"PUT {url}{settings.path()}"
            steps = (f"{put} with all traffic 0", f"{put} with the traffic as captured")
            touched = (
                "every caller of the endpoint; whoever has other endpoints of the same model is not stopped",
                "a caller that names a deployment in the header azureml-model-deployment may still be served by it",
            )
            actions = "workspaces/onlineEndpoints/read and /write"
        calls = (
            PlannedCall(verb="capture", summary=capture),
            PlannedCall(verb="suspend", summary=steps[0]),
            PlannedCall(verb="resume", summary=steps[1]),
        )
        return Description(calls, (*touched, *settings.blast_radius), (f"Azure: {actions}", f"uses {settings.token}"))

    async def look(self, target: Target, door: Door, settings: AzureDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Read the resource."""
        answer = await self.api(settings).get(settings.path())
        resource = read_object(answer, "a resource of Azure")
        properties = _properties(resource)
        now = self._context.now()
        if settings.is_openai:
            state = str(properties.get("deploymentState"))
            closed = YES if state == "Paused" else NO if state == "Running" else UNKNOWN
            kept = {"closed": closed is YES, "sku": resource.get("sku"), **_model(properties)}
            return Live(state=answer.redactor.members(kept), closed=closed, at=now, version_token=None)
        traffic, mirrored = part(properties, "traffic"), part(properties, "mirrorTraffic")
        shut = not any(traffic.values()) and not any(mirrored.values())
        kept = {"closed": shut, "traffic": traffic, "mirror_traffic": mirrored, "auth_mode": properties.get("authMode")}
        mark = part(resource, "tags").get(_TAG)
        return Live(state=answer.redactor.members(kept), closed=of(shut), at=now, mark=mark)

    async def close(self, work: Work[AzureDoor]) -> Members:
        """Pause the deployment, or set all traffic to nothing."""
        settings = work.settings
        if settings.is_openai:
            answer = await self.api(settings).change(
                "POST", settings.path("/pause"), repeatable=True, expect=(200, 202)
            )
            return {"status": answer.status}
        return await self._traffic(work, dict.fromkeys(work.live.state["traffic"], 0), {}, work.mark)

    async def open(self, work: Work[AzureDoor]) -> Members:
        """Resume the deployment, or give the endpoint its traffic again."""
        settings = work.settings
        if settings.is_openai:
            answer = await self.api(settings).change(
                "POST", settings.path("/resume"), repeatable=True, expect=(200, 202)
            )
            return {"status": answer.status}
        captured = work.snapshot.state
        return await self._traffic(work, captured["traffic"], captured["mirror_traffic"], None)

    async def _traffic(self, work: Work[AzureDoor], traffic: Members, mirrored: Members, mark: str | None) -> Members:
        """Send the endpoint back as it is, with other traffic and the mark. Raises Refused when its traffic moved."""
        api = self.api(work.settings)
        resource = read_object(await api.get(work.settings.path()), "an endpoint")
        if part(_properties(resource), "traffic") != work.live.state["traffic"]:
            message = "somebody else has just changed the endpoint's traffic"
            raise Refused(Problem(code="K206", message=message, do="look at it, capture the state again, then decide"))
        body = {name: resource[name] for name in _SENT_AGAIN if resource.get(name) is not None}
        body["tags"] = {**_without(part(resource, "tags"), _TAG), **({_TAG: mark} if mark else {})}
        kept = _without(_properties(resource), *_READ_ONLY)
        body["properties"] = {**kept, "traffic": traffic, "mirrorTraffic": mirrored}
        if resource.get("identity") is not None:
            body["identity"] = _without(part(resource, "identity"), *_IDENTITY_READ_ONLY)
        answer = await api.change("PUT", work.settings.path(), body, expect=(200, 201, 202))
        return {"status": answer.status}


def _properties(resource: JsonObject) -> JsonObject:
    found = resource.get("properties")
    if isinstance(found, dict):
        return found
    raise unreadable("the resource has no properties")


def _without(found: JsonObject, *names: str) -> JsonObject:
    return {name: value for name, value in found.items() if name not in names}


def _model(properties: JsonObject) -> Members:
    model = object_at(properties, "model")
    named = {name: model.get(name) for name in ("name", "version", "format")}
    return {"model": named, "content_filter": properties.get("raiPolicyName")}
