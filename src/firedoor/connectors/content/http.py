"""Content that an HTTP API takes away: a DELETE or POST for one object, and a GET that shows whether it is there.

Decides how the address of an object is made and how the answers are read. Leaves one call and its failures to
`parts.calls`. The key of the operation goes along as `Idempotency-Key`.
"""

from __future__ import annotations

from typing import ClassVar, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from firedoor.connectors.parts.api import Api
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.core.problems import Problem, Refused
from firedoor.core.removal.ports import Removal
from firedoor.core.ternary import NO, YES, Ternary


class Call(BaseModel):
    """One call about an object: what comes after its address, and a JSON body."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["DELETE", "POST", "PUT"] = "DELETE"
    suffix: str = ""
    body: dict[str, object] | None = Field(default=None, alias="json")


class Config(BaseModel):
    """`base` is the address of the API, to which `path` and the name of the object are added.

    `gone` are the statuses with which the API says that an object is not there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str = Field(pattern=r"^https?://")
    path: str = Field(default="/", pattern=r"^/")
    headers: dict[str, str] = Field(default_factory=dict)
    remove: Call = Call()
    restore: Call | None = None
    gone: tuple[int, ...] = (404, 410, 451)
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)


class HttpContent:
    """Takes single objects away."""

    kind: ClassVar[str] = "http"
    Settings: ClassVar[type[BaseModel]] = Config
    reversible: ClassVar[bool] = True

    def __init__(self, context: ConnectorContext, config: Config) -> None:
        self._config = config
        self._api = Api(context, config.base, config.headers, config.timeout_seconds)

    async def remove(self, locator: str, key: str) -> Removal:
        """Look first: what is away already is not asked for again."""
        if await self.removed(locator) is YES:
            return Removal(changed=False)
        await self._call(self._config.remove, locator, key)
        return Removal(changed=True, undo="restore" if self._config.restore else "")

    async def removed(self, locator: str) -> Ternary:
        """Ask the API for the object, not the public."""
        answer = await self._api.get(self._path(locator), expect=(200, 204, 206, *self._config.gone))
        return YES if answer.status in self._config.gone else NO

    async def restore(self, locator: str, undo: str, key: str) -> None:
        """Put it back, where the API can."""
        if self._config.restore is None or not undo:
            raise Refused(Problem(code="K124", message="this store cannot put content back", do="put it back by hand"))
        await self._call(self._config.restore, locator, key)

    async def _call(self, call: Call, locator: str, key: str) -> None:
        expect = (200, 201, 202, 204, *self._config.gone)
        path, headers = f"{self._path(locator)}{call.suffix}", {"idempotency-key": key}
        await self._api.change(call.method, path, call.body, expect=expect, repeatable=True, headers=headers)

    def _path(self, locator: str) -> str:
        return self._config.path.rstrip("/") + "/" + quote(locator, safe="/~")
