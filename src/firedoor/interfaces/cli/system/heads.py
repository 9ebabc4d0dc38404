"""`head`: where the journals stand, signed; checked by anybody with the public key, and compared with the database.

Decides that checking needs nothing of the installation, and that a whole letter or report may be given as it is. Leaves
the form to `core.heads`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import load_settings
from firedoor.interfaces.cli.terminal.options import Format, FormatOption, told

if TYPE_CHECKING:
    from firedoor.core.history.heads import SignedHead

app = typer.Typer(no_args_is_help=True, help="Signed heads of the journals, to detect rewriting.")

FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="A letter, a report or the head itself; - reads it.", show_default=False)
]


@app.command()
def show(
    incident: Annotated[str, typer.Argument(metavar="[INCIDENT]", help="Name its journal too.")] = "",
) -> None:
    """Print where the security journal, and that of an incident, stand now. Keep it where this machine cannot write."""
    from firedoor.runtime.config.container import utc_now
    from firedoor.runtime.process.application import open_store
    from firedoor.store.incidents.heads import note_heads, signed_head

    store = open_store(load_settings())
    try:
        if incident:
            store.incident(incident)
        note_heads(store, utc_now())
        render.plain(signed_head(store, utc_now(), incident))
    finally:
        store.close()


@app.command()
def key() -> None:
    """Print the public keys, the newest last. Give them to whoever is to check heads; they are no secret."""
    from firedoor.runtime.config.keys import KeyFile
    from firedoor.store.incidents.heads import public_keys

    for public in public_keys(KeyFile(load_settings())()).values():
        render.plain(public)


@app.command()
def check(
    file: FileArgument,
    key: Annotated[
        list[str],
        typer.Option("--key", metavar="KEY", help="The public key; `head key` prints it.", show_default=False),
    ],
    journal: Annotated[
        Path | None,
        typer.Option("--journal", metavar="FILE", help="An exported journal that has to hold it.", show_default=False),
    ] = None,
    written: FormatOption = Format.TEXT,
) -> None:
    """Check the signature of heads, without the installation. Exit 1 if one was not signed with the key."""
    from firedoor.store.incidents.heads import check_signature

    found = [(head, check_signature(head, key)) for head in _heads(file)]
    wrong = [] if journal is None else [fault for head, _ in found for fault in _not_in(head, journal)]
    if written is Format.JSON:
        render.as_json({"holds": all(good for _, good in found) and not wrong, "heads": [_shown(*one) for one in found],
                        "faults": wrong})  # fmt: skip
    else:
        for head, good in found:
            word = "[green]signed[/]" if good else "[bold red]NOT SIGNED WITH THIS KEY[/]"
            render.line(f"{word}  {head.at.isoformat()}  installation {head.installation}, key {head.key}")
            render.table([["", name, f"entry {stood.seq}", stood.hash] for name, stood in head.heads.items()])
        for fault in wrong:
            render.line(f"[bold red]REWRITTEN[/]  {render.escape(fault)}")
    raise typer.Exit(0 if all(good for _, good in found) and not wrong else 1)


@app.command()
def compare(file: FileArgument, written: FormatOption = Format.TEXT) -> None:
    """Compare heads that were kept outside with the database: what was rewritten, cut off or removed since. Exit 1."""
    from firedoor.runtime.config.keys import KeyFile
    from firedoor.store.database.engine import open_read_only
    from firedoor.store.incidents.heads import check_signature, public_keys, written_over

    settings, heads = load_settings(), _heads(file)
    engine, own = open_read_only(settings.database), list(public_keys(KeyFile(settings)()).values())
    try:
        with engine.connect() as connection:
            wrong = [f"{name}: {what}" for head in heads for name, what in written_over(connection, head)]
    finally:
        engine.dispose()
    strange = [f"the head of {head.at.isoformat()} was not signed with a key of this ring ({head.key})"
               for head in heads if not check_signature(head, own)]  # fmt: skip
    wrong = list(dict.fromkeys([*strange, *wrong]))
    if written is Format.JSON:
        render.as_json({"holds": not wrong, "faults": wrong})
    else:
        for fault in wrong:
            render.line(f"[bold red]REWRITTEN[/]  {render.escape(fault)}")
        if not wrong:
            render.line(f"[green]intact[/]  {len(heads)} heads: everything they vouch for stands as it stood")
    raise typer.Exit(1 if wrong else 0)


def _heads(file: str) -> list[SignedHead]:
    from firedoor.core.history.heads import heads_in

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(errors="replace")
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise told("InvalidInput", "J103", message, "check the path") from None
    found = heads_in(text)
    if not found:
        do = "give the whole message; its last lines hold it. A PDF: copy the words from firedoor-head.v1 on"
        raise told("InvalidInput", "J104", f"{file} holds no signed head", do)
    return found


def _not_in(head: SignedHead, journal: Path) -> list[str]:
    """What a head names of an exported journal, and the export does not hold."""
    import orjson

    entries = [orjson.loads(line) for line in journal.read_bytes().splitlines() if line]
    names = {str(entry["incident"]) for entry in entries}
    held = {(entry["incident"], entry["seq"]): entry["hash"] for entry in entries}
    wrong = [(name, stood) for name, stood in head.heads.items() if name in names]
    return [f"{name}: entry {stood.seq} is not in the export as the head says"
            for name, stood in wrong if held.get((name, stood.seq)) != stood.hash]  # fmt: skip


def _shown(head: SignedHead, good: bool) -> dict[str, object]:
    return {
        "at": head.at.isoformat(), "installation": head.installation, "key": head.key, "signed": good,
        "heads": {name: [stood.seq, stood.hash] for name, stood in head.heads.items()},
    }  # fmt: skip
