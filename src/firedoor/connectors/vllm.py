"""vLLM: put a server to sleep, behind a gateway that is closed as well.

Decides that sleep alone closes nothing: what a sleeping server does with a request depends on its version, and waking
it is one call that has no key. So a target with this door needs another one that turns callers away. Level 1 keeps
the weights in memory, so that waking up brings the same ones back. Uses the development endpoints of vLLM
(https://docs.vllm.ai/en/latest/features/sleep_mode.html), which have no place for a mark, and was not tried on a real
server. Leaves the order of things to `parts.door_connector`.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from firedoor.connectors.parts.door_connector import Description, Live, Work
from firedoor.connectors.parts.platform_api import MarklessConnector, PlatformDoor, read_object, unreadable
from firedoor.core.json_types import objects_at
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.targets import Door, Target
from firedoor.core.ternary import of


class VllmDoor(PlatformDoor):
    """One server, by its base address. `headers` are for the gate that has to be before its development endpoints."""

    with_headers: dict[str, str] = Field(default_factory=dict, alias="headers")

    def headers(self) -> dict[str, str]:
        """What the gate asks for."""
        return self.with_headers


class VllmConnector(MarklessConnector[VllmDoor]):
    """Puts to sleep and wakes up; see docs/how-to/connect-with-vendor-platforms.md."""

    kind: ClassVar[str] = "vllm"
    Config = VllmDoor

    def check(self, target: Target, door: Door) -> None:
        """Raise InvalidInput with all problems of the door, and where it is the only kind of door."""
        super().check(target, door)
        if all(other.connector == self.kind for other in target.doors):
            message = (
                f"{target.id} has no door that turns callers away: a server that sleeps may keep them waiting, or wake"
            )
            do = "add a door of a gateway (nginx, haproxy, envoy, kong, http ...) before this one"
            field = f"targets.{target.id}.doors.{door.name}"
            raise InvalidInput(Problem(code="K101", message=message, do=do, field=field))

    def describe(self, target: Target, door: Door, settings: VllmDoor) -> Description:  # noqa: ARG002 - the door says it all
        """The calls, and what sleep is not."""
        calls = (
            PlannedCall(verb="capture", summary=f"GET {settings.url}/is_sleeping"),
            PlannedCall(verb="suspend", summary=f"POST {settings.url}/sleep?level=1"),
            PlannedCall(verb="resume", summary=f"POST {settings.url}/wake_up"),
        )
        touched = (
            "every model and adapter of the server; its cache of conversations is thrown away",
            "other replicas go on: each is a door of its own",
            "whoever reaches the server can wake it, because its development endpoints ask for no key",
        )
        rights = ("vLLM: started with VLLM_SERVER_DEV_MODE=1 and --enable-sleep-mode, reachable for Firedoor only",)
        return Description(calls, (*touched, *settings.blast_radius), rights)

    async def look(self, target: Target, door: Door, settings: VllmDoor) -> Live:  # noqa: ARG002 - the door says it all
        """Ask whether it sleeps, and which models it has."""
        api = self.api(settings)
        asleep = read_object(await api.get("/is_sleeping"), "vLLM's").get("is_sleeping")
        if not isinstance(asleep, bool):
            raise unreadable("the server does not say whether it sleeps")
        answer = await api.get("/v1/models")
        rows = objects_at(read_object(answer, "a list of models"), "data")
        models = sorted(str(row.get("id")) for row in rows)
        state = {"closed": asleep, **answer.redactor.members({"models": models})}
        return Live(state=state, closed=of(asleep), at=self._context.now())

    async def close(self, work: Work[VllmDoor]) -> Members:
        """Put it to sleep, weights kept."""
        return {"status": (await self.api(work.settings).change("POST", "/sleep?level=1", repeatable=True)).status}

    async def open(self, work: Work[VllmDoor]) -> Members:
        """Wake it up."""
        return {"status": (await self.api(work.settings).change("POST", "/wake_up", repeatable=True)).status}
