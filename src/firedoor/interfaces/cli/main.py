"""The command `firedoor`: which commands exist, and what becomes of an error.

Decides the names of the commands (docs/reference lists them) and the exit codes:
0 done, 1 problems in what was given, 2 wrong usage, 3 refused, 4 a system did not
answer. Nothing heavy is imported here, so that help is quick. Leaves every command
to the module of its group, and every rule to the API.
"""

from __future__ import annotations

import copy
import functools
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from firedoor import __version__
from firedoor.interfaces.cli import reference
from firedoor.interfaces.cli.examinations import examine
from firedoor.interfaces.cli.incidents import (
    alerts,
    clocks,
    evidence,
    holds,
    incidents,
    inventory,
    journal,
    law,
    notices,
    operator,
    people,
    requests,
)
from firedoor.interfaces.cli.playbooks import doors, drills, files, rehearse
from firedoor.interfaces.cli.system import (
    accounts,
    audit,
    backup,
    banks,
    changes,
    digest,
    doctor,
    heads,
    keys,
    prefect,
    security,
    server,
    tokens,
    worker,
)
from firedoor.interfaces.cli.terminal import render

if TYPE_CHECKING:
    from firedoor.core.problems import FiredoorError

SEE, ACT, PROVE, RUN, WRITE = (
    "See what is happening",
    "Take action",
    "Prove",
    "Run and administer Firedoor",
    "Playbooks and the law",
)
UNEXPECTED = 70  # sysexits.h EX_SOFTWARE: a fault of ours, never of what was given
INTERRUPTED = 130  # as shells write "ended by Ctrl-C"

_UNLISTED = re.compile(r"(?:Value error, )?'(?P<word>[^']*)' is not one of (?P<known>.*)\.")


class Nearest(TyperGroup):
    """The group of all commands. A word that an option does not know is answered as files and the API answer it."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's own name of the context
        """Run the command; its options, too, are read within."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = reworded(error.message)
            raise


def reworded(message: str) -> str:
    """What typer says about a word that is on no list, with the nearest word; any other message as it is."""
    found = _UNLISTED.fullmatch(message)
    if found is None:
        return message
    from firedoor.core.problems import nearest

    word, known = found["word"], re.findall(r"'([^']*)'", found["known"])
    return f'cannot be "{word}": {nearest(word, known)}'


app = typer.Typer(
    name="firedoor",
    cls=Nearest,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"firedoor {__version__}")
        raise typer.Exit


@app.callback()
def firedoor(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Run AI privacy incidents: close the model, preserve evidence, track legal deadlines, assign tasks, prove it."""


COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    RUN: {
        "up": server.up,
        "demo": rehearse.demo,
        "serve": server.serve,
        "worker": worker.worker,
        "doctor": doctor.doctor,
        "prefect": prefect.prefect,
        "audit": audit.audit,
        "console": accounts.console,
        "backup": backup.backup,
        "restore": backup.restore,
    },
    SEE: {
        "incidents": incidents.incidents,
        "status": incidents.status,
        "timeline": incidents.timeline,
        "tasks": people.tasks,
        "clocks": people.clocks,
        "targets": incidents.targets,
        "holds": holds.holds,
        "digest": digest.digest,
        "verify": doors.verify,
    },
    ACT: {
        "run": incidents.run,
        "answer": people.answer,
        "facts": incidents.facts,
        "submit": people.submit,
        "legal-hold": holds.legal_hold,
        "suspend": doors.suspend,
        "resume": doors.resume,
        "reassign": operator.reassign,
        "claim": operator.claim,
        "link": operator.link,
        "readers": operator.readers,
        "pause": operator.pause,
        "unpause": operator.unpause,
        "skip": operator.skip,
        "redo": operator.redo,
        "by-hand": operator.by_hand,
        "abort": operator.abort,
    },
    PROVE: {"journal": journal.journal, "report": journal.report, "lessons": notices.lessons},
    WRITE: {"playbooks": files.playbooks, "check": files.check, "show": files.show, "drill": drills.drill},
}
for _panel, _commands in COMMANDS.items():
    for _name, _command in _commands.items():
        app.command(_name, rich_help_panel=_panel)(_command)

for _panel, _groups in {
    ACT: {"alert": alerts.app, "clock": clocks.app, "notice": notices.app, "request": requests.app},
    PROVE: {"evidence": evidence.app, "examine": examine, "security": security.app, "head": heads.app},
    WRITE: {"duties": law.app, "inventory": inventory.app},
    RUN: {"token": tokens.app, "account": accounts.app, "change": changes.app, "keys": keys.app, "banks": banks.app},
}.items():
    for _name, _group in _groups.items():
        app.add_typer(_group, name=_name, rich_help_panel=_panel)
app.command("docs", hidden=True)(reference.docs)


def main() -> None:
    """Run the command line; whatever goes wrong is told in words."""
    try:
        _need_text(sys.argv[1:])
        _asked(sys.argv[1] if len(sys.argv) > 1 else "")()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the one place where every error becomes words and an exit code
        sys.exit(_told(error))


@functools.cache
def _asked(first: str) -> typer.Typer:
    """Return an application with the one command that `first` names: making all of them takes longer than most run.

    Whatever else stands there, an option or a slip, is answered by the whole; `docs` writes down the whole.
    """
    groups = [group for group in app.registered_groups if group.name == first]
    commands = [command for command in app.registered_commands if command.name == first and not command.hidden]
    if not groups and not commands:
        return app
    narrow = copy.copy(app)
    narrow.registered_groups, narrow.registered_commands = groups, commands
    return narrow


def _need_text(words: Sequence[str]) -> None:
    """Refuse bytes that are no UTF-8 before anything is done with them. A file may have such a name: it is there."""
    odd = [word for word in words if not word.isascii() and any("\ud800" <= sign <= "\udfff" for sign in word)]
    found = [word for word in odd if not Path(word).exists()]
    if found:
        from firedoor.core.problems import InvalidInput, Problem

        message = f"{ascii(found[0])[:80]} is not text in UTF-8"
        raise InvalidInput(Problem(code="U115", message=message, do="type it again in UTF-8; nothing was done"))


def _told(error: Exception) -> int:
    from firedoor.core.problems import FiredoorError

    known = error if isinstance(error, FiredoorError) else _of_the_machine(error)
    if known is not None:
        render.problems(known.problems)
        return known.exit_code
    if os.environ.get("FIREDOOR_DEBUG"):
        raise error
    sys.stderr.write(
        f"firedoor: internal error: {type(error).__name__}: {render.for_terminal(str(error))}\n"
        "    Please report it. With FIREDOOR_DEBUG=1 the same command shows where it happened.\n"
    )
    return UNEXPECTED


def _of_the_machine(error: Exception) -> FiredoorError | None:
    """A folder that cannot be used, or a database that does not answer: nobody's fault in what was typed."""
    from firedoor.core.problems import InvalidInput, Problem, Unanswered

    if isinstance(error, OSError) and error.filename:
        message = f"{error.filename} cannot be used: {error.strerror}"
        return InvalidInput(
            Problem(code="U107", message=message, do="check the path, its permissions and FIREDOOR_DATA_DIR")
        )
    if type(error).__module__.startswith("sqlalchemy"):
        first = str(error).splitlines()[0][:300]
        return Unanswered(
            Problem(code="U108", message=f"the database does not answer: {first}", do="see `firedoor doctor`")
        )
    return None


if __name__ == "__main__":
    main()
