"""`banks`: the hash banks that are kept on this installation: list, import a file, show, withdraw, gone, feedback.

Decides that banks are changed by whoever has the machine, beside a running server or without one, and that no hash is
ever printed: an entry is named by its digest. Leaves the work to `runtime.process.bank_work`.
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import load_settings
from firedoor.interfaces.cli.terminal.options import Format, FormatOption

if TYPE_CHECKING:
    from firedoor.runtime.hashing.withdrawing import Proof
    from firedoor.runtime.process.bank_work import BankWork

app = typer.Typer(no_args_is_help=True, help="Keep hash banks: list, import, show, withdraw, feedback.")

BankName = Annotated[str, typer.Argument(metavar="BANK", help="The bank.", show_default=False)]
FileName = Annotated[
    Path, typer.Argument(metavar="FILE", help="The file, as the bank gives it, or CSV.", show_default=False)
]
Why = Annotated[str, typer.Option("--why", help="The reason, for the record.", show_default=False)]
Entry = Annotated[str, typer.Option("--entry", metavar="DIGEST", help="An entry, by its digest.", show_default=False)]
COUNTS = ("added", "replaced", "withdrawn", "kept_out")


@app.command("list")
def list_(written: FormatOption = Format.TEXT) -> None:
    """List the banks: version, entries by algorithm, how many left, and whether the organisation trusts them."""
    with _work() as work:
        found = work.all()
    if written is Format.JSON:
        render.as_json({"banks": found})
        return
    rows = [
        [str(one["bank"]), str(one["version"]), _counted(one["entries"]), str(one["withdrawn"]),
         "trusted" if one["trusted"] else "not trusted"]
        for one in found
    ]  # fmt: skip
    render.table(rows, ("bank", "version", "entries", "withdrawn", ""))


@app.command("import")
def import_(
    file: FileName,
    bank: Annotated[str, typer.Option("--bank", help="Its bank; otherwise it is called like the file.")] = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """Take a file into a bank. What it withdraws leaves everywhere; 1 when a row was wrong or something stays."""
    with _work() as work:
        taken = work.take(file, bank)
    problems = [{"code": one.code, "where": one.field, "message": one.message} for one in taken.batch.problems]
    if written is Format.JSON:
        render.as_json({
            "bank": taken.bank, "change": dict(taken.change), "left_out": dict(taken.batch.left_out),
            "problems": problems, "still_blocked": list(taken.left),
        })  # fmt: skip
    else:
        counts = ", ".join(f"{taken.change[name]} {name.replace('_', ' ')}" for name in COUNTS)
        render.line(f"{render.escape(taken.bank)}, version {taken.change['version']}: {counts}")
        for line in (*(f"{one['where']}: {one['message']}" for one in problems), *taken.left):
            render.line(render.escape(line))
    if problems or taken.left:
        raise typer.Exit(1)


@app.command()
def show(
    bank: BankName,
    after: Annotated[str, typer.Option("--after", metavar="DIGEST", help="The entries after this one.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many entries.")] = 100,
    written: FormatOption = Format.TEXT,
) -> None:
    """Show a bank: its updates, and its entries by digest. Hashes are never shown."""
    with _work() as work:
        found = work.one(bank, after, limit)
    if written is Format.JSON:
        render.as_json(found)
        return
    left = f"{found['withdrawn']} withdrawn"
    render.line(f"{render.escape(bank)}, version {found['version']}: {_counted(found['entries'])}; {left}")
    listed, names = found["listed"], ("entry", "algorithm", "case", "review")
    rows = [[str(one[name])[:16] for name in names] for one in (listed if isinstance(listed, list) else [])]
    render.table(rows, names)


@app.command()
def withdraw(
    bank: BankName,
    why: Why,
    entry: Entry = "",
    case: Annotated[str, typer.Option("--case", help="Every entry of a case.", show_default=False)] = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """Withdraw entries. They leave the database, the index and blocklists, and are looked for; 1 when one is left."""
    with _work() as work:
        digests, proof = work.withdraw(bank, entry, case, why)
    _proved(proof, digests, written)


@app.command()
def gone(bank: BankName, entry: Entry, written: FormatOption = Format.TEXT) -> None:
    """Look whether a withdrawn entry is gone from the database, the index and blocklists; 1 when it is not."""
    with _work() as work:
        proof = work.gone(bank, entry)
    _proved(proof, [entry], written)


@app.command()
def feedback(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="The incident.", show_default=False)],
    bank: BankName,
    reason: Annotated[
        str, typer.Option("--reason", help="NCMEC's GUID of the reason for a negative vote.", show_default=False)
    ] = "",
) -> None:
    """Write what an incident notes for a bank, in the bank's form. Sends nothing; what was withdrawn stays out."""
    with _work() as work:
        drafts, left_out = work.feedback(incident, bank, reason)
    written = [{"path": one.path, "media_type": one.media_type, "body": one.body} for one in drafts]
    render.as_json({"bank": bank, "drafts": written, "left_out": left_out})


def _proved(proof: Proof, digests: list[str], written: Format) -> None:
    if written is Format.JSON:
        said = {"entries": digests, "searched": list(proof.searched), "left": list(proof.left), "gone": proof.proved}
        render.as_json(said)
    elif proof.proved:
        render.line(f"Gone from {', '.join(proof.searched)}.")
    for place in proof.left if written is Format.TEXT else ():
        render.line(render.escape(f"still there: {place}"))
    if not proof.proved:
        raise typer.Exit(1)


def _counted(entries: object) -> str:
    found = entries if isinstance(entries, Mapping) else {}
    return ", ".join(f"{count} {name}" for name, count in sorted(found.items())) or "none"


def _work() -> AbstractContextManager[BankWork]:
    """The banks of this installation."""
    from firedoor.runtime.process.bank_work import bank_work

    return bank_work(load_settings(), getpass.getuser())
