"""MLflow's model registry: take the alias away by which a model is loaded, and say on the version who did.

Decides that an alias which points nowhere is a closed door, and that our mark is a tag of the version that it pointed
to (`firedoor.closed_by.<alias>`, because one version may have several aliases). This closes the registry only: a server
that has loaded the model goes on serving it, which the plan says and the probe shows. Uses MLflow's REST API
(https://mlflow.org/docs/latest/api_reference/rest-api.html). Leaves the order of things to `parts.door_connector`.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlencode

from pydantic import Field

from firedoor.connectors.parts.api import Api
from firedoor.connectors.parts.calls import Answer
from firedoor.connectors.parts.door_connector import Description, DoorConnector, Live, Work
from firedoor.core.json_types import Json, JsonObject, objects_at
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import FiredoorError, InDoubt, Problem, Unanswered
from firedoor.core.targets import Door, Part, Target
from firedoor.core.ternary import NO, YES

_API = "/api/2.0/mlflow"
_ALIAS, _SET_TAG = f"{_API}/registered-models/alias", f"{_API}/model-versions/set-tag"
_DELETE_TAG = f"{_API}/model-versions/delete-tag"
_KEPT = ("version", "source", "run_id", "status")
_MISSING = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")  # MLflow says the first, others the second
_PAGES = 20  # of 200 versions each


class MlflowDoor(Part):
    """One alias of one registered model. `alias` is what the loaders name: `models:/<model>@<alias>`."""

    url: str
    model: str = Field(pattern=r"^[^/:'\"]{1,256}$")
    alias: str = Field(pattern=r"^[A-Za-z0-9_-]{1,255}$")
    headers: dict[str, str] = Field(default_factory=dict)
    blast_radius: tuple[str, ...] = ()
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)

    @property
    def tag(self) -> str:
        """The key of the tag that is our mark."""
        return f"firedoor.closed_by.{self.alias}"


class MlflowConnector(DoorConnector[MlflowDoor]):
    """Deletes the alias, and sets it again; see docs/how-to/connect-with-mlflow.md."""

    kind: ClassVar[str] = "mlflow"
    Config = MlflowDoor

    def check(self, target: Target, door: Door) -> None:
        """Raise InvalidInput with all problems of the door, its address included."""
        self._api(self.settings(target, door))

    def changed_names(self, settings: MlflowDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """Whether the alias points anywhere. The version that it pointed to, and what that is, must stay."""
        return frozenset({"closed"})

    def describe(self, target: Target, door: Door, settings: MlflowDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The calls, and that this closes no server."""
        name = f"models:/{settings.model}@{settings.alias}"
        mine = f"name={settings.model} alias={settings.alias}"
        calls = (
            PlannedCall(verb="capture", summary=f"GET {settings.url}{_ALIAS} {mine}"),
            PlannedCall(verb="suspend", summary=f"POST {settings.url}{_SET_TAG} key={settings.tag}"),
            PlannedCall(verb="suspend", summary=f"DELETE {settings.url}{_ALIAS} {mine}"),
            PlannedCall(verb="resume", summary=f"POST {settings.url}{_ALIAS} {mine}"),
            PlannedCall(verb="resume", summary=f"DELETE {settings.url}{_DELETE_TAG} key={settings.tag}"),
        )
        touched = (
            f"control plane only: a server that has loaded {name} goes on serving it; close a door of that server too",
            f"whoever loads {name} from now on fails: restarts, new replicas, batch jobs, other teams",
            "whoever loads the version by its number or by another alias is not stopped",
            "MLflow has no lock for aliases: two people who move it at the same moment do not notice each other",
        )
        rights = f"MLflow: MANAGE on the registered model {settings.model}; EDIT may set an alias and not delete one"
        return Description(calls, (*touched, *settings.blast_radius), (rights,))

    async def look(self, target: Target, door: Door, settings: MlflowDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Read which version the alias points to, or which version says that we took it away."""
        api = self._api(settings)
        named = urlencode({"name": settings.model, "alias": settings.alias})
        answer = await api.get(f"{_ALIAS}?{named}", expect=(200, 400, 404))
        there = answer.status == 200
        if there:
            version = _part(answer.document(), "model_version")
        else:
            await self._is_missing(api, settings, answer)
            version = await self._marked(api, settings)
        kept = answer.redactor.members({name: version.get(name) for name in _KEPT})
        return Live(
            state={"closed": not there, **kept},
            closed=NO if there else YES,
            at=self._context.now(),
            mark=_tags(version).get(settings.tag),
        )

    async def close(self, work: Work[MlflowDoor]) -> Members:
        """Mark the version, then delete the alias: a crash between the two leaves an open door, which is looked at."""
        api, version = self._api(work.settings), work.live.state["version"]
        tag = {**_named(work.settings, version), "key": work.settings.tag, "value": work.mark}
        await api.change("POST", _SET_TAG, tag, repeatable=True)
        alias = {"name": work.settings.model, "alias": work.settings.alias}
        answer = await api.change("DELETE", _ALIAS, alias)
        return {"status": answer.status, "version": version}

    async def open(self, work: Work[MlflowDoor]) -> Members:
        """Set the alias to the captured version, then take our mark away."""
        api, version = self._api(work.settings), work.snapshot.state["version"]
        named = _named(work.settings, version)
        body = {**named, "alias": work.settings.alias}
        answer = await api.change("POST", _ALIAS, body, repeatable=True)
        try:
            await api.change("DELETE", _DELETE_TAG, {**named, "key": work.settings.tag}, expect=(200, 404))
        except FiredoorError as error:  # the door is open all the same: a look decides, nothing is repeated blindly
            raise InDoubt(error.problems) from None
        return {"status": answer.status, "version": version}

    async def _is_missing(self, api: Api, settings: MlflowDoor, answer: Answer) -> None:
        """Raise Unanswered unless the model is there and the alias is not: a typing error must not look closed."""
        asked = urlencode({"name": settings.model})
        model = _part((await api.get(f"{_API}/registered-models/get?{asked}")).document(), "registered_model")
        listed = [row.get("alias") for row in objects_at(model, "aliases")]
        said = answer.document()
        if isinstance(said, dict) and said.get("error_code") in _MISSING and settings.alias not in listed:
            return
        message = f"whether {settings.model} has an alias {settings.alias} cannot be read: {answer.status}"
        raise Unanswered(Problem(code="K207", message=message, do="aliases need MLflow 2.3 or newer; look by hand"))

    async def _marked(self, api: Api, settings: MlflowDoor) -> JsonObject:
        """Find the version that bears a mark for this alias; empty where somebody else took the alias away."""
        asked = {"filter": f"name = '{settings.model}'", "max_results": "200"}
        for _ in range(_PAGES):
            document = (await api.get(f"{_API}/model-versions/search?{urlencode(asked)}")).document()
            rows = document.get("model_versions") or [] if isinstance(document, dict) else []
            found = [row for row in rows if isinstance(row, dict) and settings.tag in _tags(row)]
            if found:
                return found[0]
            token = document.get("next_page_token") if isinstance(document, dict) else None
            if not token:
                return {}
            asked["page_token"] = str(token)
        message = f"{settings.model} has more than {_PAGES * 200} versions, and none of those read bears the mark"
        raise Unanswered(Problem(code="K207", message=message, do="delete old versions, or look for the tag by hand"))

    def _api(self, settings: MlflowDoor) -> Api:
        return Api(self._context, settings.url, settings.headers, settings.timeout_seconds)


def _part(document: Json, name: str) -> JsonObject:
    """Return an object of an answer. Raises Unanswered when it is not there."""
    found = document.get(name) if isinstance(document, dict) else None
    if isinstance(found, dict):
        return found
    do = "look whether the URL is that of an MLflow server; nothing was changed"
    raise Unanswered(Problem(code="K207", message=f"the answer does not hold {name}", do=do))


def _tags(version: JsonObject) -> dict[str, str]:
    return {str(row.get("key")): str(row.get("value")) for row in objects_at(version, "tags")}


def _named(settings: MlflowDoor, version: str | None) -> Members:
    return {"name": settings.model, "version": version}
