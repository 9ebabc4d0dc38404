"""An upload filter with a list of hashes behind an HTTP API: PUT, GET and DELETE of `/ALGORITHM/VALUE`.

Decides how its answers are read. Leaves one call and its failures to `parts.calls`.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from firedoor.connectors.parts.api import Api
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary


class Config(BaseModel):
    """Where the list is, and which algorithms it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str = Field(pattern=r"^https?://")
    headers: dict[str, str] = Field(default_factory=dict)
    algorithms: tuple[str, ...] = ("sha256", "pdq")
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)


class HttpBlocklist:
    """A list of hashes."""

    kind: ClassVar[str] = "http-blocklist"
    Settings: ClassVar[type[BaseModel]] = Config

    def __init__(self, context: ConnectorContext, config: Config) -> None:
        self._config = config
        self._api = Api(context, config.base, config.headers, config.timeout_seconds)

    async def block(self, algorithm: str, value: str, key: str) -> bool:
        """Put it on the list."""
        if algorithm not in self._config.algorithms or await self.blocked(algorithm, value) is YES:
            return False
        headers = {"idempotency-key": key}
        await self._api.change("PUT", f"/{algorithm}/{value}", expect=(200, 201, 204), headers=headers)
        return True

    async def blocked(self, algorithm: str, value: str) -> Ternary:
        """Ask for it."""
        if algorithm not in self._config.algorithms:
            return UNKNOWN
        answer = await self._api.get(f"/{algorithm}/{value}", expect=(200, 204, 404, 410))
        return YES if answer.status in (200, 204) else NO

    async def unblock(self, algorithm: str, value: str, key: str) -> bool:
        """Take it off the list."""
        if algorithm not in self._config.algorithms:
            return False
        headers, expect = {"idempotency-key": key}, (200, 202, 204, 404, 410)
        answer = await self._api.change("DELETE", f"/{algorithm}/{value}", expect=expect, headers=headers)
        return answer.status not in (404, 410)
