"""nginx as a door: a file of ours in the folder that a `map` includes makes the server refuse a route.

Decides what the file holds (our mark and the entries), that `nginx -t` accepts it before anybody is told, when the
reload has been carried out (the workers that knew nothing of the file have stopped listening), and that undoing removes
that file and no other. Leaves the map and the rule that reads it to the configuration of the gateway
(docs/how-to/connect-with-gateways.md), and worker processes to `parts.nginx_workers`.

nginx does not say what it has loaded. With `pid_file`, a file counts from when all listening workers are younger than
it; without, the file alone is believed, and only the look as a caller proves that it works.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from firedoor.connectors.parts import commands, kept_file
from firedoor.connectors.parts.door_connector import Description, DoorConnector, Live, Work
from firedoor.connectors.parts.gateways import nginx_map, nginx_workers
from firedoor.core.ports import Members, PlannedCall
from firedoor.core.problems import FiredoorError, InDoubt, Problem, Refused, Unanswered
from firedoor.core.targets import Door, Part, Target
from firedoor.core.ternary import of


class NginxDoor(Part):
    """Where our file goes, what it says, and how nginx is told.

    `keys` are values of the map's source variable (a path, a host, or `~` and a regular expression). `file` is the name
    of our file, which the map's include pattern has to match. `reload` is a command or "signal" (HUP to the master).
    """

    folder: str = Field(pattern=r"^/")
    file: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.conf$")
    keys: tuple[str, ...] = Field(min_length=1)
    test: tuple[str, ...] = Field(default=("nginx", "-t"), min_length=1)
    reload: tuple[str, ...] | Literal["signal"] = ("nginx", "-s", "reload")
    pid_file: str | None = Field(default=None, pattern=r"^/")
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)
    settle_seconds: float = Field(default=5.0, ge=0, le=60)
    blast_radius: tuple[str, ...] = ()

    @field_validator("keys")
    @classmethod
    def _keys_that_close_no_more(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [key for key in keys if not key or not key.isprintable() or '"' in key or key in nginx_map.RESERVED]
        if wrong:
            raise ValueError(
                f'{wrong}: a key holds no quotes, and is not a word that a map reads otherwise ("default")'
            )
        return keys

    @model_validator(mode="after")
    def _somebody_to_signal(self) -> NginxDoor:
        if self.reload == "signal" and self.pid_file is None:
            raise ValueError(
                'reload: signal needs the pid_file; write it, or a command such as ["nginx", "-s", "reload"]'
            )
        return self


@dataclass(frozen=True)
class Place:
    """The files of one door: ours, and the name that it bears while it is being taken away."""

    ours: Path
    leaving: Path


class NginxConnector(DoorConnector[NginxDoor]):
    """Drives a map of nginx by a file."""

    kind: ClassVar[str] = "nginx"
    Config = NginxDoor

    def changed_names(self, settings: NginxDoor) -> frozenset[str]:  # noqa: ARG002 - the same for every door
        """Closing changes the entries."""
        return frozenset({"closed", "entries"})

    def describe(self, target: Target, door: Door, settings: NginxDoor) -> Description:
        """The file and the commands."""
        ours = _place(target, door, settings).ours
        reload = _shown(settings)
        calls = (
            PlannedCall(verb="capture", summary=f"read the files in {settings.folder}"),
            PlannedCall(verb="suspend", summary=f"write {ours}; {' '.join(settings.test)}; {reload}"),
            PlannedCall(verb="resume", summary=f"remove {ours}; {' '.join(settings.test)}; {reload}"),
        )
        rights = (f"create and remove files in {settings.folder}", f"run `{' '.join(settings.test)}`", f"may {reload}")
        return Description(calls, settings.blast_radius + _blast_radius(settings), rights)

    async def look(self, target: Target, door: Door, settings: NginxDoor) -> Live:
        """Read the folder, and whether the workers know it. Raises Unanswered when the folder cannot be changed."""
        return await asyncio.to_thread(self._look, _place(target, door, settings), settings)

    async def close(self, work: Work[NginxDoor]) -> Members:
        """Write the file, have it tested, tell nginx. What is refused by the test is taken away again."""
        place, settings = _place(work.target, work.door, work.settings), work.settings
        lacking = [key for key in settings.keys if work.live.state["entries"].get(key, "") in nginx_map.OFF]
        text = nginx_map.content(work.mark or "", lacking)
        try:
            await asyncio.to_thread(_put, place, text)
            await _tested(settings)
            detail = await _reloaded(settings, place)
        except (InDoubt, Refused):
            raise  # perhaps it is closed, or the file is somebody else's
        except FiredoorError:
            with contextlib.suppress(FiredoorError):
                await asyncio.to_thread(kept_file.remove, place.ours)
            raise
        return {**detail, "version_token": _digest(text)}

    async def open(self, work: Work[NginxDoor]) -> Members:
        """Set the file aside, tell nginx, then remove it. A crash between leaves a door that still counts as closed."""
        place, settings = _place(work.target, work.door, work.settings), work.settings
        if await asyncio.to_thread(place.ours.exists):
            await asyncio.to_thread(kept_file.rename, place.ours, place.leaving)
        try:
            await _tested(settings)
            detail = await _reloaded(settings, place)
        except InDoubt:
            raise
        except FiredoorError:
            await asyncio.to_thread(kept_file.rename, place.leaving, place.ours)
            raise
        await asyncio.to_thread(kept_file.remove, place.leaving)
        return detail

    def _look(self, place: Place, settings: NginxDoor) -> Live:
        folder = Path(settings.folder)
        kept_file.may_change(folder)
        texts = {file: kept_file.read(file) or "" for file in sorted(folder.glob("*.conf"))}
        leaving = kept_file.read(place.leaving) if place.leaving.exists() else None
        naming = [file for file, text in texts.items() if set(nginx_map.entries(text)) & set(settings.keys)]
        every = {key: value for text in texts.values() for key, value in nginx_map.entries(text).items()}
        entries = {key: value for key, value in every.items() if key in settings.keys}
        known = self._known([*naming, *([place.leaving] if leaving is not None else [])], place, settings)
        shut = all(entries.get(key, "") not in nginx_map.OFF for key in settings.keys)
        if leaving is not None and not shut and not known:  # the workers have not heard that it is to be opened
            entries, shut, known, texts[place.ours] = nginx_map.entries(leaving), True, True, leaving
        ours = texts.get(place.ours)
        return Live(
            state={"closed": shut and known, "entries": entries},
            closed=of(shut and known),
            at=self._context.now(),
            mark=sorted({mark for text in texts.values() if (mark := nginx_map.mark(text, settings.keys)) is not None}),
            version_token=None if ours is None else _digest(ours),
        )

    def _known(self, files: list[Path], place: Place, settings: NginxDoor) -> bool:
        """Whether the workers that listen have read these files; believed where we cannot see the workers."""
        if settings.pid_file is None:
            return True
        master = nginx_workers.master(Path(settings.pid_file))
        newest = max((_changed_at(file, place) for file in files if file.exists()), default=0.0)
        return all(worker.started_at >= newest for worker in nginx_workers.listening(master))


def _changed_at(file: Path, place: Place) -> float:
    """When nginx would have read something else: ours when it was written, though it was set aside and put back."""
    status = file.stat()
    return status.st_mtime if file == place.ours else status.st_ctime


def _put(place: Place, text: str) -> None:
    """Write our file. One of ours that never came into force is replaced; anybody else's is not."""
    kept_file.remove(place.leaving)
    there = kept_file.read(place.ours)
    if there is None:
        kept_file.create(place.ours, text)
    elif there.startswith(nginx_map.OURS):
        kept_file.replace(place.ours, text)
    else:
        do = "it has our name and not our mark: look at it, and name our file differently (`file`)"
        raise Refused(Problem(code="K206", message=f"{place.ours} was written by somebody else", do=do))


async def _tested(settings: NginxDoor) -> None:
    """Have the configuration tested. Raises Unanswered with what nginx says."""
    ended = await commands.run(_command(settings.test, settings), changes=False)
    if ended.code != 0:
        do = "repair the configuration; our file was taken back, and nginx was not told"
        message = f"`{' '.join(settings.test)}` refused it: {ended.complaint}"
        raise Unanswered(Problem(code="K214", message=message, do=do))


async def _reloaded(settings: NginxDoor, place: Place) -> Members:
    """Tell nginx, and wait until the old workers listen no more. Raises Unanswered where nobody could be told."""
    before = set() if settings.pid_file is None else await asyncio.to_thread(_listening, settings.pid_file)
    if settings.reload == "signal":
        await asyncio.to_thread(_signal, Path(settings.pid_file or ""))
    else:
        ended = await commands.run(_command(settings.reload, settings), changes=True)
        if ended.code != 0:
            do = f"run it by hand and see; {place.ours} was taken back, so a reload that comes later changes nothing"
            message = f"`{' '.join(settings.reload)}` failed: {ended.complaint}"
            raise Unanswered(Problem(code="K215", message=message, do=do))
    return await _settled(settings, before)


async def _settled(settings: NginxDoor, before: set[int]) -> Members:
    """Wait for the workers, or as long as the door says where they cannot be seen. What is not seen is not claimed."""
    if settings.pid_file is None:
        await asyncio.sleep(settings.settle_seconds)
        return {"reloaded": "not seen: no pid_file"}
    deadline = asyncio.get_running_loop().time() + settings.settle_seconds
    while True:
        now = await asyncio.to_thread(_listening, settings.pid_file)
        if now and not now & before:
            draining = await asyncio.to_thread(_draining, settings.pid_file)
            return {"reloaded": "yes", "workers_that_drain_streams": draining}
        if asyncio.get_running_loop().time() > deadline:
            return {"reloaded": f"no worker was replaced within {settings.settle_seconds:g} s"}
        await asyncio.sleep(0.01)


def _listening(pid_file: str) -> set[int]:
    return {worker.pid for worker in nginx_workers.listening(nginx_workers.master(Path(pid_file)))}


def _draining(pid_file: str) -> int:
    return len(nginx_workers.draining(nginx_workers.master(Path(pid_file))))


def _signal(pid_file: Path) -> None:
    master = nginx_workers.master(pid_file)
    try:
        os.kill(master, signal.SIGHUP)
    except OSError as error:
        do = "run Firedoor as the user that started nginx, or name a reload command that may do it"
        message = f"nginx ({master}) cannot be signalled: {error.strerror}"
        raise Unanswered(Problem(code="K215", message=message, do=do)) from None


def _place(target: Target, door: Door, settings: NginxDoor) -> Place:
    ours = Path(settings.folder) / (settings.file or f"firedoor-{target.id}-{door.name}.conf")
    return Place(ours, ours.with_suffix(".leaving"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="surrogateescape")).hexdigest()[:16]


def _command(words: tuple[str, ...], settings: NginxDoor) -> commands.Command:
    home = (
        {"HOME": os.environ["HOME"]} if "HOME" in os.environ else {}
    )  # a reload over ssh or in a container asks for it
    return commands.Command(words[0], words[1:], home, timeout_seconds=settings.timeout_seconds)


def _shown(settings: NginxDoor) -> str:
    return f"signal HUP ({settings.pid_file})" if settings.reload == "signal" else f"run `{' '.join(settings.reload)}`"


def _blast_radius(settings: NginxDoor) -> tuple[str, ...]:
    return (
        f"every route whose map includes {settings.folder} and matches {', '.join(settings.keys)}",
        "a reload brings into force whatever else was changed in the configuration of nginx since the last one",
        "old workers go on with streams that are under way, until those end or worker_shutdown_timeout is over",
        "this machine's nginx only: each further one needs a door of its own",
    )
