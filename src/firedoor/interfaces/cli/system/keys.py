"""`keys`: the keys outside the database, which seal its secrets and sign the heads of its journals.

Decides that they are changed on this machine only, by whoever can read them, beside a running server or without one.
Leaves what they do to the store and `runtime.keys`.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import load_settings
from firedoor.interfaces.cli.terminal.options import Format, FormatOption

if TYPE_CHECKING:
    from firedoor.core.access.security import SecurityKind
    from firedoor.runtime.config.keys import KeyFile
    from firedoor.store.database.keyring import Purpose
    from firedoor.store.incidents.journal import Store

app = typer.Typer(no_args_is_help=True, help="Manage the keys kept outside the database.")


class Which(StrEnum):
    """What a key is for; the same words as `store.keyring.Purpose`, which is not read for a quick help."""

    SEAL = "seal"
    SIGN = "sign"


PurposeOption = Annotated[
    Which | None,
    typer.Option("--purpose", help="seal: secrets in the database; sign: heads of journals. Both otherwise."),
]


@app.command("list")
def list_(written: FormatOption = Format.TEXT) -> None:
    """List key ids, newest last, and how many values each seals. Keys are never shown."""
    from firedoor.store.database.keyring import Purpose
    from firedoor.store.identity.sealed_values import used_keys

    with _opened() as (store, keys):
        used, ring = used_keys(store.engine), keys()
        current = {purpose: ring.current(purpose).id for purpose in Purpose if ring.of(purpose)}
        found = [
            {"id": key.id, "purpose": str(key.purpose), "made_at": key.made_at.isoformat(),
             "in_use": current[key.purpose] == key.id, "sealed": used[key.id]}
            for key in ring.keys
        ]  # fmt: skip
    if written is Format.JSON:
        render.as_json({"where": keys.where, "keys": found})
        return
    rows = [
        [str(one["id"]), str(one["purpose"]), render.instant(str(one["made_at"])),
         "[bold]in use[/]" if one["in_use"] else "", f"seals {one['sealed']}" if one["purpose"] == "seal" else ""]
        for one in found
    ]  # fmt: skip
    render.table(rows, ("key", "purpose", "made", "", ""))
    render.line(f"kept at {render.escape(keys.where)}; no backup holds them, so keep a copy elsewhere")


@app.command()
def rotate(purpose: PurposeOption = None) -> None:
    """Create a new key, use it from now on and re-encrypt everything. Older keys stay for backups and signed heads."""
    from firedoor.core.access.security import SecurityKind
    from firedoor.runtime.config.container import utc_now
    from firedoor.store.database.keyring import Purpose
    from firedoor.store.identity.sealed_values import reseal

    purposes = _purposes(purpose)
    with _opened() as (store, keys):
        if not keys.reference:
            keys.change(lambda ring: ring.with_new(*purposes, now=utc_now()))
        done = reseal(store) if Purpose.SEAL in purposes else 0
        ids = {str(one): keys().current(one).id for one in purposes}
        _note(store, SecurityKind.KEYS_ROTATED, {**ids, "resealed": done})
    for name, identifier in ids.items():
        render.line(f"[bold]{name}[/]  the key {identifier} is in use")
    render.line(f"{done} values were sealed anew; keep a copy of the key ring elsewhere: {render.escape(keys.where)}")


@app.command()
def drop(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its id; `keys list` shows it.", show_default=False)],
) -> None:
    """Remove an older key. Secrets in backups made with it can no longer be read."""
    from firedoor.core.access.security import SecurityKind
    from firedoor.core.problems import NotFound, Problem, Refused
    from firedoor.store.identity.sealed_values import used_keys

    with _opened() as (store, keys):
        ring = keys()
        found = next((one for one in ring.keys if one.id == key), None)
        if found is None:
            do = "`firedoor keys list` shows them"
            raise NotFound(Problem(code="S117", message=f"the key ring holds no key {key[:20]}", do=do))
        if ring.current(found.purpose).id == key or used_keys(store.engine)[key]:
            message, do = f"the key {key} is in use", "rotate first: firedoor keys rotate"
            raise Refused(Problem(code="S118", message=message, do=do))
        keys.change(lambda held: held.without(found.purpose, key))
        _note(store, SecurityKind.KEYS_DROPPED, {"purpose": str(found.purpose), "key": key})
    render.line(f"the key {key} is no longer on the ring")


@app.command()
def new(purpose: PurposeOption = None) -> None:
    """Print new keys, for a secret store that FIREDOOR_KEYRING refers to. Nothing else is changed."""
    from firedoor.runtime.config.container import utc_now
    from firedoor.store.database.keyring import Keyring

    render.plain(Keyring().with_new(*_purposes(purpose), now=utc_now()).text.rstrip())


@app.command()
def lost(
    yes: Annotated[bool, typer.Option("--yes", help="Discard what the lost key seals.")] = False,
) -> None:
    """Recover from a lost key: what it sealed is discarded, and those people need new one-time codes."""
    from firedoor.runtime.config.container import utc_now
    from firedoor.store.identity.sealed_values import give_up_lost, used_keys

    with _opened(sealed=False) as (store, keys):
        known = {key.id for key in keys().keys} if keys.exists() else set()
        gone = {key: number for key, number in used_keys(store.engine).items() if key and key not in known}
        if not gone:
            render.line("no key is missing")
            return
        if not yes:
            count = sum(gone.values())
            render.line(
                f"{count} values are sealed with {', '.join(sorted(gone))}. Give them up with --yes: accounts with "
                "one-time codes need new ones then, and nobody can undo it."
            )
            raise typer.Exit(1)
        if not keys.exists():
            keys.make(utc_now())
        accounts, secrets, changes = give_up_lost(store, utc_now(), _actor())
    render.line(f"given up: {secrets} secrets that are made anew, {changes} changes that have to be proposed again")
    for name in accounts:
        render.line(f"{render.escape(name)} cannot sign in until: firedoor account codes {render.escape(name)}")


def _purposes(which: Which | None) -> list[Purpose]:
    from firedoor.store.database.keyring import Purpose

    return [Purpose(which)] if which else list(Purpose)


@contextmanager
def _opened(*, sealed: bool = True) -> Iterator[tuple[Store, KeyFile]]:
    from firedoor.runtime.config.keys import KeyFile
    from firedoor.runtime.process.application import open_store

    settings = load_settings()
    store = open_store(settings, sealed=sealed)
    try:
        yield store, KeyFile(settings)
    finally:
        store.close()


def _note(store: Store, kind: SecurityKind, body: dict[str, object]) -> None:
    from firedoor.core.access.security import SecurityEvent
    from firedoor.runtime.config.container import utc_now
    from firedoor.store.incidents.security import record

    record(store, [SecurityEvent(kind, _actor(), body)], utc_now()).result()


def _actor() -> str:
    return f"local:{getpass.getuser()}"
