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

from firedoor.interfaces.cli.system.doctor_content import SHOWN, refused_pieces
from firedoor.interfaces.cli.system.doctor_help import state_of_help
from firedoor.interfaces.cli.system.doctor_keys import key_looks
from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import listens, load_settings, server_note
from firedoor.interfaces.cli.terminal.options import Format, FormatOption

if TYPE_CHECKING:
    from firedoor.runtime.config.settings import Settings
    from firedoor.store.incidents.journal import Store

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
    """Check the installation (versions, database, playbooks, targets, Prefect, disk, clock) and say what to fix."""
    settings = load_settings()
    looks = [look for examine in EXAMINATIONS for look in _safely(examine, settings)]
    if written is Format.JSON:
        render.as_json(
            {"well": all(look.state != "wrong" for look in looks), "looks": [asdict(look) for look in looks]}
        )
    else:
        words = {"well": "[green]OK[/]", "note": "[yellow]note[/]", "wrong": "[bold red]problem[/]"}
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
    """Who can reach what is kept; the same look that keeps a server from starting."""
    from firedoor.runtime.config.private_files import exposed

    folder = settings.data_dir
    if not folder.exists():
        yield Look("data", "note", f"{folder} does not exist yet; the first command creates it")
        return
    found = list(exposed(settings))
    for problem in found:
        yield Look("data", "wrong", problem.message, problem.do)
    if not found:
        yield Look("data", "well", f"{folder}, for you only")


def _database(settings: Settings) -> Iterator[Look]:
    file = settings.data_dir / "firedoor.db"
    if not settings.database_url and not file.exists():
        yield Look("database", "note", "none yet; the first command creates it")
        return
    if not settings.database_url:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            answer = connection.execute("PRAGMA quick_check").fetchone()[0]
        if answer != "ok":
            yield Look(
                "database", "wrong", f"{file}: {answer}", "restore the last backup, then `firedoor journal verify`"
            )
            return
    from firedoor.store.database.migrate import migrate
    from firedoor.store.incidents.journal import Store

    store = Store(settings.database)
    try:
        migrate(store.engine)
        chains = list(store.verify())
        yield from _aside(store)
        yield from _practice(store)
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
        yield Look("database", "well", f"{where}, {len(chains)} journals, all intact")


def _keys(settings: Settings) -> Iterator[Look]:

    for state, said, do in key_looks(settings):
        yield Look("keys", state, said, do)


def _access(settings: Settings) -> Iterator[Look]:
    from firedoor.interfaces.cli.system.doctor_access import access

    if not settings.database_url and not (settings.data_dir / "firedoor.db").exists():
        return
    found = list(access(settings))
    for state, said, do in found:
        yield Look("access", state, said, do)
    if not found:
        yield Look("access", "well", "every token and account has roles that are on the list")


def _evidence(settings: Settings) -> Iterator[Look]:
    """Every piece of the vault through the gate of content again."""
    vault = settings.data_dir / "vault"
    found = list(refused_pieces(vault)) if vault.exists() else []
    do = "decide with legal what becomes of it; it leaves in no export and no backup: docs/how-to/keep-evidence.md"
    for digest, why in found[:SHOWN]:
        yield Look("evidence", "wrong", f"an earlier version kept {digest[:16]}: {why}", do)
    if len(found) > SHOWN:
        yield Look("evidence", "wrong", f"{len(found) - SHOWN} more pieces that would not be kept today", do)
    if not found:
        yield Look(
            "evidence", "well", "every piece of the vault is text, or a document that was shown to hold no picture"
        )


def _aside(store: Store) -> Iterator[Look]:
    """Incidents of which something could not be worked out."""
    from firedoor.store.incidents.set_aside import what_is

    with store.engine.connect() as connection:
        found = what_is(connection, limit=5)
    for task in found:
        do = f"`firedoor status {task['incident']}` says what can be done; answer T{task['number']}"
        named = f"{task['incident']} (practice)" if task["practice"] else task["incident"]
        yield Look("set aside", "wrong", f"{named}: {task['question'][:200]}", do)


def _practice(store: Store) -> Iterator[Look]:
    """What was closed as practice is closed all the same: nobody may look for an outage there, or forget it."""
    from firedoor.store.incidents.practice import practised

    for incident, going_on, targets in practised(store.engine):
        closed = f" and keeps {', '.join(targets)} closed" if targets else ""
        do = f"`firedoor status {incident}` says what is left; end it, or open the targets, when the practice is over"
        yield Look(
            "practice", "note", f"{incident} is practice: it {'is open' if going_on else 'has ended'}{closed}", do
        )


def _playbooks(_: Settings) -> Iterator[Look]:
    from firedoor.interfaces.cli.playbooks import checking
    from firedoor.runtime.config import playbooks

    files = checking.files_of([])
    wrong = [problem for problem in checking.problems_in(files) if problem.severity == "error"]
    if not playbooks.paths():
        yield Look("playbooks", "wrong", f"{playbooks.folder()} holds none", "correct or unset FIREDOOR_PLAYBOOKS")
    elif wrong:
        yield Look(
            "playbooks", "wrong", f"{len(wrong)} problems in {playbooks.folder()}", "`firedoor check` shows them"
        )
    else:
        yield Look("playbooks", "well", f"{len(playbooks.paths())} in {playbooks.folder()}")
        for missing in playbooks.types_without(page.incident for page in playbooks.all_playbooks().values()):
            found = f"none in {playbooks.folder()} is for {missing}: an alert of this type starts nothing"
            yield Look("playbooks", "note", found, "add one to the folder, or unset FIREDOOR_PLAYBOOKS")


def _organisation(settings: Settings) -> Iterator[Look]:
    from firedoor.core.law.territories import known_zone
    from firedoor.duties.catalogue import catalogue
    from firedoor.runtime.config import playbooks
    from firedoor.runtime.config.inventory import doubts, read_organisation

    path = settings.organisation_file
    if not path.exists():
        do = f"write {path}: name, dpo_email ..., and standing facts of the law under `facts:`; see docs/tutorial.md"
        yield Look("organisation", "note", "no organisation profile: its facts are asked for in every incident", do)
        return
    found = read_organisation(path, catalogue().facts)
    yield Look(
        "organisation", "well", f"{found.words.get('name', 'without a name')}, {len(found.facts)} standing facts"
    )
    for problem in doubts(found, catalogue().facts, (role for plan in playbooks.plans() for role in plan.roles)):
        yield Look("organisation", "note", problem.message, problem.do)
    if not known_zone(found.facts):
        said = "its time zone is not known: limits that end with a day are counted in UTC"
        yield Look("organisation", "note", said, "add `time_zone: Europe/Dublin`, or your own, under `facts:`")


def _targets(settings: Settings) -> Iterator[Look]:
    """The inventory, and one look at each target as a caller makes it."""
    from firedoor.runtime.config.inventory import read_inventory

    path = settings.targets_file
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
    silent: dict[str, list[str]] = {}
    for name, why in found.items():
        silent.setdefault(why, []).append(name)
    reached = silent.pop("", [])
    for why, names in silent.items():  # what is wrong with several for one reason is one line, and one thing to mend
        yield Look(
            "targets",
            "wrong",
            f"{', '.join(names)}: {why}",
            "check its probe, its key and the network; what cannot be seen is never called closed",
        )
    if not silent:
        yield Look("targets", "well", f"{len(reached)} answer as their probes say")


async def _reach(inventory: object) -> dict[str, str]:
    """What keeps each target from being looked at; empty when it was seen serving or refusing."""
    from firedoor.connectors.parts.context import ConnectorContext, open_client
    from firedoor.connectors.parts.opened import OpenConnectors
    from firedoor.core.targets import Inventory
    from firedoor.runtime.config.container import utc_now
    from firedoor.runtime.config.secrets import ReferencedSecrets

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
    from firedoor.core.problems import FiredoorError, faulty

    try:
        verdict = await connectors[target.doors[0].connector].verify(target, target.doors[0], "serving")  # type: ignore[index,attr-defined]
    except FiredoorError as error:
        return faulty(error) or error.problems[0].message
    own = [probe for probe in verdict.probes if probe.what == "target"]
    if not own:
        return "it has no probe"
    return (
        ""
        if str(own[0].serving) != "unknown"
        else (own[0].detail or f"status {own[0].status} is neither serving nor refused")
    )


def _gaps(settings: Settings) -> Iterator[Look]:
    """What could not be kept of which target in an incident."""
    from firedoor.runtime.config import playbooks
    from firedoor.runtime.config.inventory import read_inventory
    from firedoor.runtime.execution.evidence_gaps import DO, gaps_in, told

    inventory = read_inventory(settings.targets_file)
    found = told(gaps_in(playbooks.plans(), inventory))
    for sentence in found.values():
        yield Look("to be kept", "note", sentence, DO)
    if inventory.targets and not found:
        yield Look("to be kept", "well", "the inventory says where everything that a playbook keeps is read")


def _prefect(settings: Settings) -> Iterator[Look]:
    note = server_note(settings)
    if note is None or not listens(str(note["url"])):
        yield Look(
            "server",
            "note",
            "no server runs on this data folder",
            "start one with `firedoor up`; without it nobody watches the deadlines",
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
    if (alerts := parts.get("alerts", "well")) != "well":
        do = "look whether the sender is at fault or floods you; stop it, or raise FIREDOOR_ALERT_QUOTAS"
        yield Look("alerts", "wrong", alerts, do)
    from firedoor.interfaces.cli.system import doctor_prefect

    for found, said, do in doctor_prefect.state(settings, str(parts.get("prefect"))):
        yield Look("prefect", found, said, do)


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


def _helplines(_: Settings) -> Iterator[Look]:
    yield Look("helplines", *state_of_help())


EXAMINATIONS = (
    _python, _versions, _data, _database, _keys, _access, _evidence, _playbooks, _organisation, _targets, _gaps,
    _prefect, _disk, _clock, _helplines,
)  # fmt: skip
