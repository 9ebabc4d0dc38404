"""Hasher-Matcher-Actioner (Meta's HMA 1.x) as an upload filter: hashes are signals in one of its banks.

Decides that a hash is on the list when a look-up finds this bank, and that it is looked up before it is added, because
HMA would add it twice. HMA builds its index anew about once a minute, so a hash may be missing for as long.
Routes: `blueprints/curation.py` and `blueprints/matching.py` of facebook/ThreatExchange, read on 30 November 2026.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from firedoor.connectors.parts.api import Api
from firedoor.connectors.parts.context import ConnectorContext
from firedoor.core.json_types import as_object, objects_at
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary


class Config(BaseModel):
    """Where HMA is, and the bank that holds what is blocked. The key goes into `headers`, as a reference."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str = Field(pattern=r"^https?://")
    bank: str = Field(pattern=r"^[A-Z0-9_]{1,100}$")
    headers: dict[str, str] = Field(default_factory=dict)
    algorithms: tuple[str, ...] = ("pdq",)
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)


class Hma:
    """One bank of HMA."""

    kind: ClassVar[str] = "hma"
    Settings: ClassVar[type[BaseModel]] = Config

    def __init__(self, context: ConnectorContext, config: Config) -> None:
        self._config = config
        self._api = Api(context, config.base, config.headers, config.timeout_seconds)

    async def block(self, algorithm: str, value: str, key: str) -> bool:
        """Add it as a signal, unless this bank matches it exactly already."""
        if algorithm not in self._config.algorithms or await self._exact(algorithm, value):
            return False
        headers = {"idempotency-key": key}
        await self._api.change("POST", f"{self._bank()}/signal", {algorithm: value}, headers=headers)
        return True

    async def blocked(self, algorithm: str, value: str) -> Ternary:
        """Whether a look-up finds this bank."""
        if algorithm not in self._config.algorithms:
            return UNKNOWN
        found = (await self._api.get(f"/m/lookup?{_asked(algorithm, value)}")).document()
        return YES if isinstance(found, list | tuple) and self._config.bank in found else NO

    async def unblock(self, algorithm: str, value: str, key: str) -> bool:
        """Remove every content of this bank with exactly this hash; what other banks hold stays."""
        removed = False
        for content in await self._exact(algorithm, value):
            path, headers = f"{self._bank()}/content/{content}", {"idempotency-key": key}
            answer = await self._api.change("DELETE", path, expect=(200, 404), headers=headers)
            removed = removed or (answer.status == 200 and as_object(answer.document()).get("deleted") not in (0, None))
        return removed

    async def _exact(self, algorithm: str, value: str) -> list[int]:
        """The numbers of contents at distance 0, of any bank: HMA does not say whose they are."""
        path = f"/m/raw_lookup?{_asked(algorithm, value)}&include_distance=true"
        found = as_object((await self._api.get(path)).document())
        numbers = [
            one.get("content_id") for one in objects_at(found, "matches") if str(one.get("distance")).strip() == "0"
        ]  # fmt: skip
        exact = [number for number in numbers if isinstance(number, int) and not isinstance(number, bool)]
        return exact if exact and await self.blocked(algorithm, value) is YES else []

    def _bank(self) -> str:
        return f"/c/bank/{self._config.bank}"


def _asked(algorithm: str, value: str) -> str:
    return f"signal={quote(value, safe='')}&signal_type={quote(algorithm, safe='')}"
