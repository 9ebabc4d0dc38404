"""LiteLLM's proxy: block a model group, a virtual key or a team, and unblock it.

Decides that a group is closed when every deployment in it is blocked, because the router sends callers to any that is
left; that a deployment which comes from the proxy's configuration file cannot be blocked; and that a door bears no
mark: who did it goes along as `litellm-changed-by`, into LiteLLM's audit log. Written from the routes and bodies of
the package itself, version 1.109 (`litellm/proxy/management_endpoints`). Leaves the order of things to
`parts.door_connector`.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote, urlencode

from pydantic import Field, model_validator

from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.platform_api import (
    REFERENCE,
    MarklessConnector,
    PlatformDoor,
    all_or_doubt,
    read_object,
    unreadable,
)
from firedoor.core.json_types import JsonObject, object_at, objects_at, text_at
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import Problem, Refused
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import NO, YES

_WHOM = {"model": "model_id", "key": "key", "team": "team_id"}


class LiteLLMDoor(PlatformDoor):
    """One model group by its `model_name`, one virtual key by its hash, or one team by its id.

    `admin_key` is the key of a proxy admin. `fallbacks` are groups to which the router sends callers of this one.
    """

    admin_key: str = Field(pattern=REFERENCE)
    model: str | None = Field(default=None, min_length=1)
    key_hash: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    team: str | None = Field(default=None, min_length=1)
    fallbacks: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_of_three(self) -> LiteLLMDoor:
        if sum(named is not None for named in (self.model, self.key_hash, self.team)) != 1:
            raise ValueError("name one of `model`, `key_hash` and `team`")
        return self

    @property
    def whom(self) -> str:
        """The kind of thing that is blocked, as LiteLLM's paths name it."""
        return "model" if self.model else "key" if self.key_hash else "team"

    def headers(self) -> dict[str, str]:
        """The admin's key."""
        return {"authorization": f"Bearer {self.admin_key}"}


class LiteLLMConnector(MarklessConnector[LiteLLMDoor]):
    """Blocks and unblocks; see docs/how-to/connect-with-litellm.md."""

    kind: ClassVar[str] = "litellm"
    Config = LiteLLMDoor

    def changed_names(self, settings: LiteLLMDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """Who is blocked. Which deployments a group has must stay."""
        return frozenset({"closed", "blocked"})

    def describe(self, target: Target, door: Door, settings: LiteLLMDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The calls, and where callers may be sent instead."""
        url, whom = settings.url.rstrip("/"), settings.whom
        name = settings.model or settings.key_hash or settings.team
        each = f"each deployment of {name}" if whom == "model" else str(name)
        calls = (
            PlannedCall(verb="capture", summary=f"GET {url}{_path(settings)}"),
            PlannedCall(verb="suspend", summary=f"POST {url}/{whom}/block for {each}"),
            PlannedCall(verb="resume", summary=f"POST {url}/{whom}/unblock for what was open before"),
        )
        return Description(calls, (*_TOUCHED[whom], *_fallbacks(settings), *settings.blast_radius), _RIGHTS)

    async def look(self, target: Target, door: Door, settings: LiteLLMDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Ask who is blocked. Raises Unanswered when nobody has that name, or it cannot be blocked."""
        answer = await self.api(settings).get(_path(settings))
        document = read_object(answer, "one of LiteLLM's")
        found = _deployments(document, settings) if settings.model else _one(document, settings)
        blocked = {name: row["blocked"] is True for name, row in found.items()}
        closed = all(blocked.values())
        kept = {name: row["what"] for name, row in found.items()}
        state: JsonObject = {"closed": closed, "blocked": blocked, "what": kept}
        return Live(state=answer.redactor.members(state), closed=YES if closed else NO, at=self._context.now())

    async def close(self, work: Work[LiteLLMDoor]) -> Members:
        """Block all that is not blocked, at once."""
        return await self._all(work, "block", [name for name, shut in work.live.state["blocked"].items() if not shut])

    async def open(self, work: Work[LiteLLMDoor]) -> Members:
        """Unblock what was not blocked when the state was captured."""
        opened = [name for name, shut in work.snapshot.state["blocked"].items() if not shut]
        return await self._all(work, "unblock", opened)

    async def _all(self, work: Work[LiteLLMDoor], word: str, names: list[str]) -> Members:
        api, whom = self.api(work.settings), work.settings.whom
        header = {"litellm-changed-by": quote(f"firedoor:{work.operation_key}", safe=":[]")}
        calls = [
            api.change("POST", f"/{whom}/{word}", {_WHOM[whom]: name}, repeatable=True, headers=header)
            for name in names
        ]
        if not calls:
            raise Refused(Problem(code="K206", message=f"nothing is left to {word}", do="look who was first"))
        answers = await all_or_doubt(calls)
        return {word: dict(zip(names, (answer.status for answer in answers), strict=True))}


_RIGHTS = (
    "LiteLLM: the key of a proxy admin (a key may be blocked by an admin of its team as well)",
    "the proxy has a database, and its models are stored in it (`store_model_in_db: true`)",
)
_TOUCHED = {
    "model": (
        "every caller of the group, whichever team or key; the same model under another name is not stopped",
        "a deployment that is added to the group later serves it again",
        "other instances of the proxy hear of it when they next read the database",
    ),
    "key": ("one key, for all of its models; whoever has another key is not stopped",),
    "team": ("every key of the team, for all of its models; keys without that team are not stopped",),
}


def _fallbacks(settings: LiteLLMDoor) -> tuple[str, ...]:
    named = tuple(f"callers are sent to {name} instead, unless that is closed as well" for name in settings.fallbacks)
    unnamed = ("if the router has a fallback for the group, callers are served by it: close that as well",)
    return named or (unnamed if settings.model else ())


def _path(settings: LiteLLMDoor) -> str:
    if settings.model:
        return "/v1/model/info"
    asked = {"key": settings.key_hash} if settings.key_hash else {"team_id": settings.team}
    return f"/{settings.whom}/info?{urlencode(asked)}"


def _deployments(document: JsonObject, settings: LiteLLMDoor) -> dict[str, Members]:
    """Return the deployments of the group by id. Raises Unanswered when there are none, or some cannot be blocked."""
    rows = list(objects_at(document, "data"))
    group = [row for row in rows if row.get("model_name") == settings.model]
    if not group:
        names = ", ".join(sorted({str(row.get("model_name")) for row in rows})[:20]) or "none"
        raise unreadable(f"the proxy has no model {settings.model!r}; it has: {names}")
    found = {}
    for row in group:
        info = object_at(row, "model_info")
        if info.get("db_model") is not True or not text_at(info, "id"):
            do = (
                "add it by /model/new, so that it is stored in the database, or close another door; nothing was changed"
            )
            raise unreadable(f"a deployment of {settings.model} comes from the proxy's file and cannot be blocked", do)
        found[text_at(info, "id")] = {
            "blocked": info.get("blocked"),
            "what": object_at(row, "litellm_params").get("model"),
        }
    return found


def _one(document: JsonObject, settings: LiteLLMDoor) -> dict[str, Members]:
    name = str(settings.key_hash or settings.team)
    row = document.get("info" if settings.key_hash else "team_info")
    if not isinstance(row, dict):
        raise unreadable(f"LiteLLM does not say how {settings.whom} {name} stands")
    if row.get("status") == "deleted":
        raise unreadable(f"the key {name} was deleted")
    kept = {part: row.get(part) for part in ("key_alias", "team_alias", "team_id", "models")}
    return {name: {"blocked": row.get("blocked"), "what": kept}}
