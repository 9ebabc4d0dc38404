"""Unleash: turn a feature flag off in one environment, so that applications which ask for it stop offering the model.

Decides that a flag which is off, or archived, in the named environment is a closed door, and that our mark is a tag of
the flag (type `simple`, at most 50 characters, one for each environment). A flag closes nothing by itself: it closes
what the applications make of it, when they have heard of it, which the probe shows. Uses Unleash's admin API
(https://docs.getunleash.io/api-overview). Leaves the order of things to `parts.door_connector`.
"""

from __future__ import annotations

import hashlib
from typing import ClassVar
from urllib.parse import quote

from pydantic import Field

from firedoor.connectors.parts.api import Api
from firedoor.connectors.parts.calls import Answer
from firedoor.connectors.parts.door_connector import Description, DoorConnector, Live, Work, marks
from firedoor.core.json_types import JsonObject, objects_at
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import FiredoorError, InDoubt, Problem, Unanswered
from firedoor.core.targets import Door, Part, Target
from firedoor.core.ternary import of

_TYPE, _PREFIX = "simple", "firedoor:"
_NAME = r"^[A-Za-z0-9._~-]{1,100}$"  # what Unleash lets flags, projects and environments be called


class UnleashDoor(Part):
    """One flag in one environment. `token` is an admin API token or a personal one, as a reference to a secret."""

    url: str
    feature: str = Field(pattern=_NAME)
    environment: str = Field(pattern=_NAME)
    project: str = Field(default="default", pattern=_NAME)
    token: str = Field(pattern=r"^secret://")
    refresh_seconds: float = Field(default=15.0, gt=0, le=3600)  # how often the applications ask; 15 s is the SDKs' own
    blast_radius: tuple[str, ...] = ()
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)

    @property
    def path(self) -> str:
        """The flag in the admin API."""
        return f"/api/admin/projects/{quote(self.project)}/features/{quote(self.feature)}"

    @property
    def tags(self) -> str:
        """The tags of the flag."""
        return f"/api/admin/features/{quote(self.feature)}/tags"


class UnleashConnector(DoorConnector[UnleashDoor]):
    """Turns the flag off and on; see docs/how-to/connect-with-feature-flags.md."""

    kind: ClassVar[str] = "unleash"
    Config = UnleashDoor

    def check(self, target: Target, door: Door) -> None:
        """Raise InvalidInput with all problems of the door, its address included."""
        self._api(self.settings(target, door))

    def mark(self, target: Target, door: Door, settings: UnleashDoor, operation_key: str) -> str | None:  # noqa: ARG002 - the flag is named in the door
        """A tag that fits into 50 characters: the beginning of the key to read, and a digest to be sure."""
        return f"{_PREFIX}{operation_key[:20].strip()}:{_short(operation_key)}{_short(settings.environment)}"

    def changed_names(self, settings: UnleashDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """Whether the flag is on. Its strategies, which say for whom, must stay."""
        return frozenset({"closed"})

    def describe(self, target: Target, door: Door, settings: UnleashDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The calls, and how long applications go on without having heard."""
        flag = f"{settings.url}{settings.path}"
        switch = f"POST {flag}/environments/{settings.environment}"
        calls = (
            PlannedCall(verb="capture", summary=f"GET {flag} and GET {settings.url}{settings.tags}"),
            PlannedCall(verb="suspend", summary=f"PUT {settings.url}{settings.tags} adds the tag {_PREFIX}..."),
            PlannedCall(verb="suspend", summary=f"{switch}/off"),
            PlannedCall(verb="resume", summary=f"{switch}/on"),
            PlannedCall(verb="resume", summary=f"PUT {settings.url}{settings.tags} takes the tag away"),
        )
        touched = (
            f"every application that asks for {settings.feature} in {settings.environment}, for whatever it uses it",
            f"flags that have {settings.feature} as their parent are off with it",
            f"an application goes on for up to {settings.refresh_seconds:g} s, its interval of asking, after the call",
            "an application that cannot reach Unleash goes on with what it last heard",
            "an application that has heard nothing takes the default in its code: it must be off",
            "a request that is being answered is finished",
        )
        rights = f"Unleash: turn flags of {settings.project} on and off in {settings.environment}, and tag flags"
        return Description(calls, (*touched, *settings.blast_radius), (rights, f"uses {settings.token}"))

    async def look(self, target: Target, door: Door, settings: UnleashDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Read the flag and its tags. Raises Unanswered when it has no such environment."""
        api = self._api(settings)
        answer = await api.get(settings.path)
        flag = _object(answer)
        row = _environment(flag, settings)
        closed = flag.get("archived") is True or row["enabled"] is False
        kept = {"type": flag.get("type"), "archived": flag.get("archived"), "strategies": row.get("strategies") or []}
        return Live(
            state={"closed": closed, **answer.redactor.members(kept)},
            closed=of(closed),
            at=self._context.now(),
            mark=await self._marks(api, settings),
        )

    async def close(self, work: Work[UnleashDoor]) -> Members:
        """Tag the flag, then turn it off: a crash between the two leaves an open door, which is looked at."""
        api = self._api(work.settings)
        await self._tag(api, work, add=[work.mark or ""], remove=[])
        return await self._switch(api, work.settings, "off")

    async def open(self, work: Work[UnleashDoor]) -> Members:
        """Turn the flag on, then take our tags of this door away."""
        api = self._api(work.settings)
        told = await self._switch(api, work.settings, "on")
        try:
            await self._tag(api, work, add=[], remove=marks(work.live.mark))
        except FiredoorError as error:  # the door is open all the same: a look decides, nothing is repeated blindly
            raise InDoubt(error.problems) from None
        return told

    async def _switch(self, api: Api, settings: UnleashDoor, word: str) -> Members:
        path = f"{settings.path}/environments/{quote(settings.environment)}/{word}"
        answer = await api.change("POST", path, {}, repeatable=True)  # it says how it has to be, not that it turns
        return {"status": answer.status}

    async def _tag(self, api: Api, work: Work[UnleashDoor], add: list[str], remove: list[str]) -> None:
        body = {name: [{"type": _TYPE, "value": tag} for tag in tags] for name, tags in _tags(add, remove)}
        await api.change("PUT", work.settings.tags, body)

    async def _marks(self, api: Api, settings: UnleashDoor) -> list[str]:
        tags = objects_at(_object(await api.get(settings.tags)), "tags")
        values = [str(tag.get("value")) for tag in tags if tag.get("type") == _TYPE]
        ours = (_PREFIX, _short(settings.environment))
        return sorted(value for value in values if value.startswith(ours[0]) and value.endswith(ours[1]))

    def _api(self, settings: UnleashDoor) -> Api:
        return Api(self._context, settings.url, {"authorization": settings.token}, settings.timeout_seconds)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _tags(add: list[str], remove: list[str]) -> tuple[tuple[str, list[str]], ...]:
    return ("addedTags", add), ("removedTags", remove)


def _object(answer: Answer) -> JsonObject:
    """Read an answer that has to be an object. Raises Unanswered when it is none."""
    document = answer.document()
    if isinstance(document, dict):
        return document
    do = "look whether the URL is that of an Unleash server; nothing was changed"
    raise Unanswered(Problem(code="K207", message="the answer is no object", do=do))


def _environment(flag: JsonObject, settings: UnleashDoor) -> JsonObject:
    rows = list(objects_at(flag, "environments"))
    for row in rows:
        if row.get("name") == settings.environment and isinstance(row.get("enabled"), bool):
            return row
    names = ", ".join(str(row.get("name")) for row in rows) or "none"
    message = f"{settings.feature} has no environment {settings.environment!r}; it has: {names}"
    raise Unanswered(
        Problem(code="K207", message=message, do="compare `environment` with Unleash; nothing was changed")
    )
