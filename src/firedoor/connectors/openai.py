"""OpenAI's platform: take models away from a project, or delete one API key for good.

Decides that a project may not use a model which its model permissions deny or do not allow; that a project without
any permissions gets a list that denies; and that a deleted key cannot be undone. The permissions have no place for a
mark. Written from OpenAI's own client, openai 3.54 (`admin.organization.projects`), and not tried on the service.
Leaves the order of things to `parts.door_connector`.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

from pydantic import Field, model_validator

from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.platform_api import REFERENCE, MarklessConnector, PlatformDoor, read_object, unreadable
from firedoor.core.json_types import array_at
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import Problem, Refused
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import of


class OpenAIDoor(PlatformDoor):
    """Models of one project, each by the name that callers use, snapshots included; or one key of it, by its id."""

    url: str = "https://api.openai.com/v1"
    project: str = Field(pattern=r"^proj_[A-Za-z0-9_-]+$")
    models: tuple[str, ...] = ()
    key_id: str | None = Field(default=None, pattern=r"^key_[A-Za-z0-9_-]+$")
    admin_key: str = Field(pattern=REFERENCE)

    @model_validator(mode="after")
    def _one_of_both(self) -> OpenAIDoor:
        if bool(self.models) == bool(self.key_id):
            raise ValueError("name `models` or a `key_id`, and not both")
        return self

    def headers(self) -> dict[str, str]:
        """The admin key."""
        return {"authorization": f"Bearer {self.admin_key}"}

    @property
    def path(self) -> str:
        """What is read and changed."""
        project = f"/organization/projects/{quote(self.project)}"
        return f"{project}/api_keys/{quote(self.key_id)}" if self.key_id else f"{project}/model_permissions"


class OpenAIConnector(MarklessConnector[OpenAIDoor]):
    """Changes a project's model permissions, or deletes a key; see docs/how-to/connect-with-vendor-platforms.md."""

    kind: ClassVar[str] = "openai"
    Config = OpenAIDoor

    def changed_names(self, settings: OpenAIDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """The list; `open` itself sees to it that it still is what closing made of it."""
        return frozenset({"closed", "permissions"})

    def describe(self, target: Target, door: Door, settings: OpenAIDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The calls, and what a list of names does not cover."""
        url = f"{settings.url}{settings.path}"
        if settings.key_id:
            delete = (
                PlannedCall(verb="capture", summary=f"GET {url}"),
                PlannedCall(verb="suspend", summary=f"DELETE {url}"),
            )
            touched = ("every program that uses the key; it cannot be brought back, only replaced by a new one",)
            return Description(delete, (*touched, *settings.blast_radius), ("OpenAI: an admin API key",), "no")
        names = ", ".join(settings.models)
        calls = (
            PlannedCall(verb="capture", summary=f"GET {url}"),
            PlannedCall(verb="suspend", summary=f"POST {url} so that {names} may not be used"),
            PlannedCall(verb="resume", summary=f"POST or DELETE {url}, as captured"),
        )
        more = (
            f"every key of {settings.project} that uses {names}; other projects of the organization are not stopped",
            "a snapshot or an alias of the model under a name that is not listed is not stopped",
            "somebody who changes the same list at the same moment is not noticed",
        )
        return Description(
            calls, (*more, *settings.blast_radius), ("OpenAI: an admin API key", f"uses {settings.admin_key}")
        )

    async def look(self, target: Target, door: Door, settings: OpenAIDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Read the project's permissions, or the key."""
        answer = await self.api(settings).get(settings.path, expect=(200, 404))
        now = self._context.now()
        if settings.key_id:
            await self._project_is_there(settings, answer.status)
            key = {} if answer.status == 404 else read_object(answer, "a key")
            kept = {name: key.get(name) for name in ("id", "name", "created_at")}
            return Live(state={"closed": not key, **answer.redactor.members(kept)}, closed=of(not key), at=now)
        await self._project_is_there(settings, answer.status)
        document = {} if answer.status == 404 else read_object(answer, "model permissions")
        if document and document.get("mode") not in ("allow_list", "deny_list"):
            raise unreadable("the project's model permissions have no mode that is known")
        listed = sorted(map(str, array_at(document, "model_ids")))
        permissions = {"mode": document.get("mode"), "models": listed}
        closed = _closed(permissions, settings.models)
        return Live(
            state=answer.redactor.members({"closed": closed, "permissions": permissions}), closed=of(closed), at=now
        )

    async def close(self, work: Work[OpenAIDoor]) -> Members:
        """Take the models off the allowed ones, or put them among the denied; or delete the key."""
        settings = work.settings
        if settings.key_id:
            return {"status": (await self.api(settings).change("DELETE", settings.path, expect=(200, 404))).status}
        return await self._put(settings, _without(work.live.state["permissions"], settings.models))

    async def open(self, work: Work[OpenAIDoor]) -> Members:
        """Put the captured permissions back. Raises Refused when the list is not the one that we made of it."""
        captured = work.snapshot.state["permissions"]
        if work.live.state["permissions"] != _without(captured, work.settings.models):
            message = "the project's model permissions were changed since"
            do = "look at what changed and decide by hand; a resume restores only what we closed ourselves"
            raise Refused(Problem(code="K301", message=message, do=do))
        return await self._put(work.settings, captured)

    async def _put(self, settings: OpenAIDoor, permissions: Members) -> Members:
        api = self.api(settings)
        if permissions["mode"] is None:
            return {"status": (await api.change("DELETE", settings.path, expect=(200, 404))).status}
        body = {"mode": permissions["mode"], "model_ids": permissions["models"]}
        return {"status": (await api.change("POST", settings.path, body, repeatable=True)).status}

    async def _project_is_there(self, settings: OpenAIDoor, status: int) -> None:
        """Raise Unanswered unless the project answers: a typing error must not look like a list or key that is gone."""
        if status == 404:
            await self.api(settings).get(f"/organization/projects/{quote(settings.project)}")


def _closed(permissions: Members, models: tuple[str, ...]) -> bool:
    listed = set(permissions["models"])
    return not listed & set(models) if permissions["mode"] == "allow_list" else set(models) <= listed


def _without(permissions: Members, models: tuple[str, ...]) -> Members:
    """Return the permissions with the models shut out."""
    listed = set(permissions["models"])
    if permissions["mode"] == "allow_list":
        return {"mode": "allow_list", "models": sorted(listed - set(models))}
    return {"mode": "deny_list", "models": sorted(listed | set(models))}
