"""HAProxy as a door: an entry in a map that makes the frontend deny a route, or a server set to maintenance, or both.

Decides what is told to the Runtime API of each instance, that it is looked at before (`add map` twice makes two
entries), that the map's file says the same so that a reload forgets nothing, and how an instance shows that it is
closed and by whom. Leaves one command to `parts.haproxy_socket`, and the rule that reads the map to the configuration
(docs/how-to/connect-with-gateways.md). A server in maintenance has no place for a mark; an entry bears it as its value.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from firedoor.connectors.parts.door_connector import Description, DoorConnector, Live, Work, marks
from firedoor.connectors.parts.fleet import all_answer, beyond_this_machine, everywhere
from firedoor.connectors.parts.gateways import haproxy_map_file
from firedoor.connectors.parts.gateways.haproxy_map_file import Found, Lines
from firedoor.connectors.parts.gateways.haproxy_socket import Socket
from firedoor.core.canonical import digest
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import FiredoorError, InDoubt, Problem, Unanswered
from firedoor.core.targets import Door, Part, Target
from firedoor.core.ternary import all_of, of

Rewriting = tuple[set[str], Lines]  # values whose lines go; lines that come


class HaproxyDoor(Part):
    """What is closed, and every instance that serves it.

    `map` is the map's name as HAProxy knows it (the path in its configuration, or `#<id>`); `files` are what a
    reload reads, the path itself unless written differently. `servers` are written `backend/server`.
    """

    instances: tuple[str, ...] = Field(min_length=1)
    map: str | None = None
    keys: tuple[str, ...] = ()
    files: tuple[str, ...] | None = None
    servers: tuple[str, ...] = ()
    allow_remote: bool = False
    timeout_seconds: float = Field(default=5.0, gt=0, le=60)
    blast_radius: tuple[str, ...] = ()

    @field_validator("instances")
    @classmethod
    def _addresses(cls, instances: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [text for text in instances if not text.startswith("unix:/") and not text.rpartition(":")[2].isdigit()]
        if wrong or len(set(instances)) != len(instances):
            raise ValueError(f"{', '.join(wrong) or 'one'}: write unix:/path or host:port, each instance once")
        return instances

    @field_validator("keys")
    @classmethod
    def _one_word_each(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [key for key in keys if not key.isprintable() or not key or " " in key or key.startswith("#")]
        if wrong:
            raise ValueError(f"{wrong}: a key of a map is one word that does not begin with #")
        return keys

    @model_validator(mode="after")
    def _something_to_close(self) -> HaproxyDoor:
        if (self.map is None) != (not self.keys) or not (self.map or self.servers):
            raise ValueError("write a map with keys, or servers, or both")
        if any(len(server.split("/")) != 2 for server in self.servers):
            raise ValueError("write servers as backend/server")
        far = [text for text in self.instances if not text.startswith("unix:") and _far(text)]
        if far and not self.allow_remote:
            raise ValueError(f"{', '.join(far)}: the socket knows no keys; use loopback, or say allow_remote: true")
        return self

    @property
    def kept_in(self) -> tuple[str, ...]:
        """The files that say the same as the map."""
        if self.files is not None or self.map is None:
            return self.files or ()
        return () if self.map.startswith("#") else (self.map,)


class HaproxyConnector(DoorConnector[HaproxyDoor]):
    """Drives maps and servers through the Runtime API of one or several HAProxys."""

    kind: ClassVar[str] = "haproxy"
    Config = HaproxyDoor

    def mark(self, target: Target, door: Door, settings: HaproxyDoor, operation_key: str) -> str | None:  # noqa: ARG002 - the port's
        """The value of our entries; a server in maintenance bears none."""
        return f"firedoor:{operation_key}" if settings.map else None

    def changed_names(self, settings: HaproxyDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """Closing changes what the instances and the files show."""
        return frozenset({"closed", "instances", "files"})

    def describe(self, target: Target, door: Door, settings: HaproxyDoor) -> Description:  # noqa: ARG002 - not needed
        """The commands at every instance, and the files."""
        return Description(_calls(settings), settings.blast_radius + _blast_radius(settings), _permissions(settings))

    async def look(self, target: Target, door: Door, settings: HaproxyDoor) -> Live:  # noqa: ARG002 - the config says it
        """Read map and servers of every instance, and the files. Raises Unanswered when one of them is missing."""
        seen = await all_answer(
            settings.instances, lambda address: _instance(Socket(address, settings.timeout_seconds), settings)
        )
        files = await asyncio.to_thread(haproxy_map_file.read, settings.kept_in, settings.keys)
        values = [value for each in seen.values() for found in each["entries"].values() for value in found]
        closed = [_is_closed(each) for each in seen.values()]
        return Live(
            state={"closed": all(closed), "instances": seen, "files": files},
            closed=all_of(map(of, closed)),  # one open instance makes an open door: closing it again closes the rest
            at=self._context.now(),
            mark=sorted(set(values)),
            version_token=digest(seen)[:16],
        )

    async def close(self, work: Work[HaproxyDoor]) -> Members:
        """Write the files, then tell every instance what it lacks. Where nothing was told, the files are as before."""
        settings, mark = work.settings, work.mark or ""
        lines = haproxy_map_file.missing(work.live.state["files"], mark)

        async def one(address: str) -> None:
            await _shut(Socket(address, settings.timeout_seconds), settings, mark)

        await self._everywhere(settings, one, forward=(set(), lines), back=({mark}, {}))
        return {"instances": len(settings.instances), "version_token": await self._token(work)}

    async def open(self, work: Work[HaproxyDoor]) -> Members:
        """Take away what was not there when the state was captured, and set servers back as they were."""
        settings, then = work.settings, work.snapshot.state["instances"]
        others = {value for each in then.values() for found in each["entries"].values() for value in found}
        ours = {value for value in marks(work.live.mark) if value not in others}

        async def one(address: str) -> None:
            await _restore(Socket(address, settings.timeout_seconds), settings, then[address]["servers"], ours)

        lines = haproxy_map_file.lines(work.live.state["files"], ours)
        await self._everywhere(settings, one, forward=(ours, {}), back=(set(), lines))
        return {"instances": len(settings.instances), "version_token": await self._token(work)}

    async def _everywhere(
        self, settings: HaproxyDoor, one: Callable[[str], Awaitable[None]], *, forward: Rewriting, back: Rewriting
    ) -> None:
        """Rewrite the files, tell every instance; where certainly none was told, rewrite the files back."""
        try:
            await asyncio.to_thread(haproxy_map_file.rewrite, settings.kept_in, settings.keys, *forward)
            await everywhere(settings.instances, one)
        except InDoubt:
            raise  # perhaps it had its effect, and then a reload must not undo it
        except FiredoorError:
            with contextlib.suppress(FiredoorError):
                await asyncio.to_thread(haproxy_map_file.rewrite, settings.kept_in, settings.keys, *back)
            raise

    async def _token(self, work: Work[HaproxyDoor]) -> str | None:
        """The version that we leave, by which a later change of somebody else is seen."""
        try:
            return (await self.look(work.target, work.door, work.settings)).version_token
        except Unanswered:
            return None


async def _instance(socket: Socket, settings: HaproxyDoor) -> Members:
    """Read one instance. Raises Unanswered when its socket gives fewer rights than closing needs."""
    entries: Found = {key: [] for key in settings.keys}
    if settings.map:
        for entry in await socket.entries(settings.map):
            if entry.key in entries:
                entries[entry.key].append(entry.value)
    servers: dict[str, str] = {}
    if settings.servers and (level := await socket.level()) != "admin":
        do = "give this process a socket with `level admin`: without it no server can be set to maintenance"
        raise Unanswered(Problem(code="K203", message=f"{socket.address} has the level {level}, not admin", do=do))
    for backend in dict.fromkeys(server.split("/")[0] for server in settings.servers):
        states = await socket.states(backend)
        servers |= {name: states[own] for name in settings.servers if (own := _own(name, backend)) in states}
    if lost := sorted(set(settings.servers) - set(servers)):
        do = "compare `servers` with the configuration of HAProxy; nothing was changed"
        message = f"{socket.address} has no server {', '.join(lost)}"
        raise Unanswered(Problem(code="K207", message=message, do=do))
    return {"entries": entries, "servers": servers}


async def _shut(socket: Socket, settings: HaproxyDoor, mark: str) -> None:
    """Add what is missing now: a second look, because an entry that is added twice is there twice."""
    now = await _instance(socket, settings)
    lacking = [key for key in settings.keys if not now["entries"][key]]
    serving = [server for server, state in now["servers"].items() if state != "maint"]
    changes = [partial(socket.add, settings.map or "", key, mark) for key in lacking]
    await _in_turn(socket, [*changes, *(partial(socket.set_state, server, "maint") for server in serving)])


async def _restore(socket: Socket, settings: HaproxyDoor, servers: dict[str, str], ours: set[str]) -> None:
    entries = await socket.entries(settings.map) if settings.map else []
    mine = [entry for entry in entries if entry.key in settings.keys and entry.value in ours]
    before = [(server, state) for server, state in servers.items() if state != "maint"]
    changes = [partial(socket.delete, settings.map or "", entry) for entry in mine]
    await _in_turn(socket, [*changes, *(partial(socket.set_state, *each) for each in before)])


async def _in_turn(socket: Socket, changes: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Make the changes of one instance. Raises InDoubt where it ends after the first: part of it is done."""
    for number, change in enumerate(changes):
        try:
            await change()
        except FiredoorError as error:
            if number == 0 or isinstance(error, InDoubt):
                raise
            message = f"half done: {socket.address} made {number} of {len(changes)} changes"
            do = "do it again when the cause is repaired: what is done is left as it is"
            raise InDoubt([Problem(code="K211", message=message, do=do), *error.problems]) from None


def _is_closed(seen: Members) -> bool:
    return all(seen["entries"].values()) and all(state == "maint" for state in seen["servers"].values())


def _own(server: str, backend: str) -> str:
    """The name of a server within a backend; empty where it is in another one."""
    return server.removeprefix(f"{backend}/") if server.startswith(f"{backend}/") else ""


def _far(address: str) -> bool:
    return beyond_this_machine(address.rpartition(":")[0])


def _calls(settings: HaproxyDoor) -> tuple[PlannedCall, ...]:
    adds = [f"add map {settings.map} {key} <our mark>" for key in settings.keys]
    deletes = [f"del map {settings.map} <our entry of {key}>" for key in settings.keys]
    shut = "; ".join(adds + [f"set server {server} state maint" for server in settings.servers])
    back = "; ".join(deletes + [f"set server {server} state <as captured>" for server in settings.servers])
    look = "; ".join(
        [f"show map {settings.map}"] * bool(settings.map) + ["show servers state"] * bool(settings.servers)
    )
    kept = "".join(f"; {name} says the same, replaced in one step" for name in settings.kept_in)
    return tuple(
        call
        for address in settings.instances
        for call in (
            PlannedCall(verb="capture", summary=f"{address}: {look}"),
            PlannedCall(verb="suspend", summary=f"{address}: {shut}{kept}"),
            PlannedCall(verb="resume", summary=f"{address}: {back}{kept}"),
        )
    )


def _blast_radius(settings: HaproxyDoor) -> tuple[str, ...]:
    notes = [f"every route that asks the map {settings.map} for {', '.join(settings.keys)}"] if settings.map else []
    notes += [
        f"everybody who is served by {server}; the backend's other servers take over" for server in settings.servers
    ]
    notes += ["requests that have an answer under way (streams) run to their end"]
    if settings.servers:
        notes.append("a reload forgets maintenance, unless load-server-state-from-file is configured")
    if settings.map and not settings.kept_in:
        notes.append("no file is kept: a reload forgets the entry and opens the door")
    return (*notes, f"{len(settings.instances)} instance(s) are told; one that is not listed goes on serving")


def _permissions(settings: HaproxyDoor) -> tuple[str, ...]:
    level = "level admin (set server asks for it)" if settings.servers else "any level (add map asks for none)"
    files = tuple(f"write {name} and its folder" for name in settings.kept_in)
    return (f"connect to the stats socket, {level}", *files)
