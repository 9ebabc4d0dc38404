"""Envoy as a door: a route that answers 503 for the share of requests that a runtime key says, 0 or 100 per cent.

Decides what is asked of the admin API of each instance (`GET /runtime`, `POST /runtime_modify`), that all instances
have to agree, and how an instance shows that it is closed and by whom. Leaves the route itself to the gateway's
configuration (docs/how-to/connect-with-gateways.md), and a fleet driven by a control plane (xDS) to that control plane.

The admin API knows no keys and can stop the process: addresses beyond this machine are refused unless the inventory
says `allow_remote: true`, which is right only where something else (mutual TLS, a proxy with keys) keeps others out.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlencode, urlsplit

from pydantic import Field, model_validator

from firedoor.connectors.parts.api import Api
from firedoor.connectors.parts.door_connector import Description, DoorConnector, Live, Work
from firedoor.connectors.parts.fleet import all_answer, beyond_this_machine, everywhere
from firedoor.core.canonical import digest
from firedoor.core.json_types import Json, array_at, as_object, object_at
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import Problem, Unanswered
from firedoor.core.targets import Door, Part, Target
from firedoor.core.ternary import NO, UNKNOWN, YES, Ternary, all_of

_CLOSED = "100"  # per cent of the requests


class EnvoyDoor(Part):
    """The runtime key of a route, and every instance that serves it.

    `layer` is the name of the layer in `layered_runtime` that has an `admin_layer`. `mark_key` is a runtime key that no
    route uses: it only says who closed. `headers` may hold `secret://` references, for a proxy before the admin API.
    """

    admins: tuple[str, ...] = Field(min_length=1)
    key: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$")
    layer: str = "admin"
    mark_key: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,140}$")
    headers: dict[str, str] = Field(default_factory=dict)
    allow_remote: bool = False
    timeout_seconds: float = Field(default=5.0, gt=0, le=60)
    blast_radius: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _reachable_by_us_only(self) -> EnvoyDoor:
        wrong = [url for url in self.admins if not url.startswith(("http://", "https://"))]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: write the scheme and host out, http://127.0.0.1:9901")
        far = [url for url in self.admins if beyond_this_machine(urlsplit(url).hostname or "")]
        if far and not self.allow_remote:
            raise ValueError(f"{', '.join(far)}: the admin API knows no keys; use loopback, or say allow_remote: true")
        if self.mark_key == self.key or len(set(self.admins)) != len(self.admins):
            raise ValueError("the mark needs a key of its own, and each instance stands there once")
        return self

    @property
    def marked_at(self) -> str:
        """The runtime key that says who closed."""
        return self.mark_key or f"firedoor.mark.{self.key}"


class EnvoyConnector(DoorConnector[EnvoyDoor]):
    """Drives runtime keys at the admin API of one or several Envoys."""

    kind: ClassVar[str] = "envoy"
    Config = EnvoyDoor

    def changed_names(self, settings: EnvoyDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """Closing changes the values at the instances."""
        return frozenset({"closed", "instances"})

    def describe(self, target: Target, door: Door, settings: EnvoyDoor) -> Description:  # noqa: ARG002 - not needed
        """The calls at every instance."""
        change = f"POST /runtime_modify?{settings.key}="
        calls = tuple(
            call
            for admin in settings.admins
            for call in (
                PlannedCall(verb="capture", summary=f"GET {admin}/runtime"),
                PlannedCall(verb="suspend", summary=f"{admin}: {change}{_CLOSED}&{settings.marked_at}=<our mark>"),
                PlannedCall(verb="resume", summary=f"{admin}: {change}<as captured>&{settings.marked_at}="),
            )
        )
        return Description(
            calls, settings.blast_radius + _blast_radius(settings), ("the admin API of Envoy, which knows no keys",)
        )

    async def look(self, target: Target, door: Door, settings: EnvoyDoor) -> Live:  # noqa: ARG002 - the key says it all
        """Read the runtime of every instance. Raises Unanswered when one is missing."""
        seen = await all_answer(settings.admins, lambda admin: self._runtime(admin, settings))
        closed = [_stands(each["final"]) for each in seen.values()]
        marks = sorted({each["mark"] for each in seen.values() if each["mark"]})
        values = {admin: each["value"] for admin, each in seen.items()}
        return Live(
            state={"closed": all(each is YES for each in closed), "instances": values},
            closed=all_of(closed),  # one open instance makes an open door: then the same call closes what is missing
            at=self._context.now(),
            mark=marks,
            version_token=digest({admin: [each["value"], each["mark"]] for admin, each in seen.items()})[:16],
        )

    async def close(self, work: Work[EnvoyDoor]) -> Members:
        """Set 100 per cent and our mark, in one call, at every instance that is not closed."""
        now = work.live.state["instances"]
        return await self._set(work, {admin: (_CLOSED, work.mark or "") for admin in now if now[admin] != _CLOSED})

    async def open(self, work: Work[EnvoyDoor]) -> Members:
        """Set what was captured; an empty value takes the override away."""
        now, then = work.live.state["instances"], work.snapshot.state["instances"]
        return await self._set(work, {admin: (then.get(admin) or "", "") for admin in now if now[admin] != then[admin]})

    async def _set(self, work: Work[EnvoyDoor], wanted: dict[str, tuple[str, str]]) -> Members:
        settings = work.settings

        async def one(admin: str) -> int:
            value, mark = wanted[admin]
            query = urlencode({settings.key: value, settings.marked_at: mark})
            answer = await self._api(admin, settings).change("POST", f"/runtime_modify?{query}", repeatable=True)
            return answer.status

        statuses = await everywhere(wanted, one)
        return {"instances": statuses, "version_token": await self._token(work)}

    async def _token(self, work: Work[EnvoyDoor]) -> str | None:
        """The version that we leave, by which a later change of somebody else is seen."""
        try:
            return (await self.look(work.target, work.door, work.settings)).version_token
        except Unanswered:
            return None

    async def _runtime(self, admin: str, settings: EnvoyDoor) -> Members:
        document = as_object((await self._api(admin, settings).get("/runtime")).document())
        layers = array_at(document, "layers")
        if settings.layer not in layers:
            do = "add a layer with admin_layer to layered_runtime, and name it under `layer`; nothing was changed"
            message = f'{admin} has no runtime layer "{settings.layer}": known: {", ".join(map(str, layers)) or "none"}'
            raise Unanswered(Problem(code="K207", message=message, do=do))
        entries, place = object_at(document, "entries"), layers.index(settings.layer)
        return {
            "final": object_at(entries, settings.key).get("final_value"),
            "value": _of_layer(entries.get(settings.key), place),
            "mark": _of_layer(entries.get(settings.marked_at), place),
        }

    def _api(self, admin: str, settings: EnvoyDoor) -> Api:
        return Api(self._context, admin, settings.headers, settings.timeout_seconds)


def _of_layer(entry: Json, place: int) -> str | None:
    values = array_at(as_object(entry), "layer_values")
    return str(values[place]) if place < len(values) and values[place] != "" else None


def _stands(final: str | None) -> Ternary:
    """Read a share of requests: all is closed, none or no number is open, anything between is neither."""
    if final == _CLOSED:
        return YES
    return UNKNOWN if final is not None and final.isdigit() and 0 < int(final) < int(_CLOSED) else NO


def _blast_radius(settings: EnvoyDoor) -> tuple[str, ...]:
    return (
        f"every route whose runtime_key is {settings.key}",
        "requests that already have an answer under way (streams) run to their end",
        f"{len(settings.admins)} instance(s) are told; one that is not listed goes on serving",
        "the value lives in memory: an instance that is restarted or added serves again until it is closed as well",
    )
