"""`doctor`: looks at everything that Firedoor rests on, and says what to do about what is wrong.

Decides what is looked at. Changes nothing, needs no server, and goes on when one look
fails. Exit 1 when something must be done.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from firedoor.interfaces.cli import render
from firedoor.interfaces.cli.options import Format, FormatOption

if TYPE_CHECKING:
    from firedoor.runtime.settings import Settings

FREE = 1_000_000_000  # bytes that should be free for evidence
SKEW = 5.0  # seconds by which the clock may differ from a server's
TIMEOUT = 3.0


@dataclass(frozen=True)
class Look:
    """What one look found. `note` is worth knowing, `wrong` must be mended."""

    what: str
    state: Literal["well", "note", "wrong"]
    found: str
    do: str = ""


def doctor(written: FormatOption = Format.TEXT) -> None:
    """Look at Python, versions, data, database, playbooks, targets, Prefect, disk and clock, and say what to do."""
    from firedoor.interfaces.cli.client import load_settings

    settings = load_settings()
    looks = [look for examine in EXAMINATIONS for look in _safely(examine, settings)]
    if written is Format.JSON:
        render.as_json(
            {"well": all(look.state != "wrong" for look in looks), "looks": [asdict(look) for look in looks]}
        )
    else:
        words = {"well": "[green]well[/]", "note": "[yellow]note[/]", "wrong": "[bold red]wrong[/]"}
        for look in looks:
            render.table([[words[look.state], f"[bold]{look.what.ljust(12)}[/]", render.escape(look.found)]])
            if look.do:
                render.plain(render.paragraph(look.do, 21))
    raise typer.Exit(1 if any(look.state == "wrong" for look in looks) else 0)


def _safely(examine: Callable[[Settings], Iterator[Look]], settings: Settings) -> list[Look]:
    from firedoor.core.problems import FiredoorError

    name = examine.__name__.strip("_").replace("_", " ")
    try:
        return list(examine(settings))
    except FiredoorError as error:
        return [Look(name, "wrong", str(problem).splitlines()[0], problem.do) for problem in error.problems]
    except Exception as error:  # noqa: BLE001 - a look that fails is a finding
        return [Look(name, "wrong", f"{type(error).__name__}: {error}", "report it, with this line")]


def _python(_: Settings) -> Iterator[Look]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Look("python", "well", f"{version} at {sys.executable}")


def _versions(_: Settings) -> Iterator[Look]:
    from importlib.metadata import PackageNotFoundError, version

    from firedoor import __version__

    found = {}
    for name in ("prefect", "fastapi", "sqlmodel", "pydantic"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            yield Look("versions", "wrong", f"{name} is not installed", "install Firedoor again from its lock file")
    yield Look(
        "versions",
        "well",
        ", ".join([f"firedoor {__version__}", *(f"{name} {number}" for name, number in found.items())]),
    )


def _data(settings: Settings) -> Iterator[Look]:
    folder = settings.data_dir
    if not folder.exists():
        yield Look("data", "note", f"{folder} does not exist yet; the first command makes it")
        return
    mode = folder.stat().st_mode & 0o777
    if mode & 0o077:
        yield Look("data", "wrong", f"{folder} can be read by others (mode {mode:o})", f"chmod 700 {folder}")
    else:
        yield Look("data", "well", f"{folder}, for you only")


def _database(settings: Settings) -> Iterator[Look]:
    file = settings.data_dir / "firedoor.db"
    if not settings.database_url and not file.exists():
        yield Look("database", "note", "there is none yet; the first command makes it")
        return
    if not settings.database_url:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            answer = connection.execute("PRAGMA quick_check").fetchone()[0]
        if answer != "ok":
            yield Look(
                "database", "wrong", f"{file}: {answer}", "restore the last backup, then `firedoor journal verify`"
            )
            return
    from firedoor.store.journal import Store
    from firedoor.store.schema import migrate

    store = Store(settings.database)
    try:
        migrate(store.engine)
        chains = list(store.verify())
    finally:
        store.close()
    broken = [chain for chain in chains if chain[2] is not None]
    where = "SQLite" if settings.database.startswith("sqlite") else settings.database.partition(":")[0]
    if broken:
        yield Look(
            "database",
            "wrong",
            f"{len(broken)} of {len(chains)} journals are broken",
            "`firedoor journal verify` names the entries",
        )
    else:
        yield Look("database", "well", f"{where}, {len(chains)} journals, all whole")


def _playbooks(_: Settings) -> Iterator[Look]:
    from firedoor.interfaces.cli import checking
    from firedoor.runtime import library

    files = checking.files_of([])
    wrong = [problem for problem in checking.problems_in(files) if problem.severity == "error"]
    if not library.paths():
        yield Look("playbooks", "wrong", f"{library.folder()} holds none", "correct or unset FIREDOOR_PLAYBOOKS")
    elif wrong:
        yield Look("playbooks", "wrong", f"{len(wrong)} problems in {library.folder()}", "`firedoor check` shows them")
    else:
        yield Look("playbooks", "well", f"{len(library.paths())} in {library.folder()}")


def _organisation(settings: Settings) -> Iterator[Look]:
    from firedoor.duties.catalogue import catalogue
    from firedoor.runtime.inventory import read_organisation

    path = settings.organisation or settings.data_dir / "organisation.yaml"
    if not path.exists():
        do = f"write {path}: name, dpo_email ..., and standing facts of the law under `facts:`; see docs/tutorial.md"
        yield Look("organisation", "note", "there is no profile: the law asks about you in every incident", do)
        return
    found = read_organisation(path, catalogue().facts)
    yield Look(
        "organisation", "well", f"{found.words.get('name', 'without a name')}, {len(found.facts)} standing facts"
    )


def _targets(settings: Settings) -> Iterator[Look]:
    """The inventory, and one look at each target as a caller makes it."""
    from firedoor.runtime.inventory import read_inventory

    path = settings.targets or settings.data_dir / "targets.yaml"
    inventory = read_inventory(path)
    if not inventory.targets:
        yield Look(
            "targets",
            "note",
            "the inventory is empty: nothing can be suspended",
            f"describe your endpoints in {path}; see docs/how-to/connect-with-http.md",
        )
        return
    import asyncio

    found = asyncio.run(_reach(inventory))
    silent = {name: why for name, why in found.items() if why}
    for name, why in silent.items():
        yield Look(
            "targets",
            "wrong",
            f"{name}: {why}",
            "check its probe, its key and the network; what cannot be seen is never called closed",
        )
    if not silent:
        yield Look("targets", "well", f"{len(found)} answer as their probes say")


async def _reach(inventory: object) -> dict[str, str]:
    """What keeps each target from being looked at; empty when it was seen serving or refusing."""
    from firedoor.connectors.parts.context import ConnectorContext, open_client
    from firedoor.connectors.registry import OpenConnectors
    from firedoor.core.targets import Inventory
    from firedoor.runtime.secrets import ReferencedSecrets
    from firedoor.runtime.world import utc_now

    assert isinstance(inventory, Inventory)  # noqa: S101 - its type is imported late
    client = open_client()
    connectors = OpenConnectors(ConnectorContext(client, ReferencedSecrets(), utc_now, inventory))
    found = {}
    try:
        for name, target in inventory.targets.items():
            found[name] = await _look(connectors, target)
    finally:
        await client.aclose()
    return found


async def _look(connectors: object, target: object) -> str:
    from firedoor.core.problems import FiredoorError

    try:
        verdict = await connectors[target.doors[0].connector].verify(target, target.doors[0], "serving")  # type: ignore[index,attr-defined]
    except FiredoorError as error:
        return error.problems[0].message
    own = [probe for probe in verdict.probes if probe.what == "target"]
    if not own:
        return "it has no probe"
    return (
        ""
        if str(own[0].serving) != "unknown"
        else (own[0].detail or f"status {own[0].status} is neither serving nor refused")
    )


def _prefect(settings: Settings) -> Iterator[Look]:
    from firedoor.interfaces.cli.client import listens, server_note

    note = server_note(settings)
    if note is None or not listens(str(note["url"])):
        yield Look(
            "server",
            "note",
            "no server runs on this data folder",
            "`firedoor up` starts one; without it nobody watches the clocks",
        )
        return
    import httpx

    answer = httpx.get(f"{note['url']}/readyz", timeout=TIMEOUT, trust_env=False)
    parts = answer.json()["parts"]
    state: Literal["well", "wrong"] = "well" if answer.json()["ready"] else "wrong"
    yield Look(
        "server",
        state,
        f"{note['url']}, process {note['pid']}: " + ", ".join(f"{name} {word}" for name, word in parts.items()),
    )
    prefect = parts.get("prefect")
    if prefect == "away":
        yield Look(
            "prefect",
            "note",
            "away; incidents are run without it",
            f"its words are in {settings.data_dir / 'prefect' / 'server.log'}",
        )
    elif prefect == "taken":
        yield Look(
            "prefect",
            "wrong",
            f'the work pool "{settings.prefect_work_pool}" is another installation\'s; incidents run without Prefect',
            "set FIREDOOR_PREFECT_WORK_POOL to a name of your own, the same for all processes of this database",
        )
    else:
        yield Look("prefect", "well", str(prefect))


def _disk(settings: Settings) -> Iterator[Look]:
    folder = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    if free < FREE:
        yield Look(
            "disk",
            "wrong",
            f"{render.size(free)} free at {folder}",
            "free some space: evidence must fit before anything is changed",
        )
    else:
        yield Look("disk", "well", f"{render.size(free)} free")


def _clock(_: Settings) -> Iterator[Look]:
    """Whether this machine keeps its clock: deadlines are counted with it."""
    import time

    offset = f"{render.offset_now()} ({time.tzname[time.localtime().tm_isdst > 0]})"
    synchronised = Path("/run/systemd/timesync/synchronized").exists()
    if synchronised:
        yield Look("clock", "well", f"synchronised; local time is {offset}")
    else:
        yield Look(
            "clock",
            "note",
            f"local time is {offset}; whether the clock is synchronised cannot be seen here",
            "make sure that NTP or chrony runs",
        )


EXAMINATIONS = (_python, _versions, _data, _database, _playbooks, _organisation, _targets, _prefect, _disk, _clock)
