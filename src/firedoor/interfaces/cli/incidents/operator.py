"""`pause`, `unpause`, `skip`, `redo`, `by-hand`, `abort`, and tasks: `reassign`, `claim`, `link`; and `readers`.

Decides that what an action leads to is shown before it is done, and that it is done only
when somebody says yes: at the terminal, or with `--yes`. Leaves who may do what, and what
it leads to, to the API.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, TypeVar
from urllib.parse import quote

import typer

from firedoor.core.problems import Problem, Refused
from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import call
from firedoor.interfaces.cli.terminal.options import Format, FormatOption, IncidentArgument, WhyOption
from firedoor.interfaces.shapes.incident import Foreseen, Readers, SentLink, Task

T = TypeVar("T")
YesOption = Annotated[
    bool, typer.Option("--yes", help="Do not ask for confirmation; the consequences are still shown.")
]
OperationArgument = Annotated[
    str, typer.Argument(metavar="OPERATION", help="An id that `timeline` and `show` name.", show_default=False)
]
TaskArgument = Annotated[
    str, typer.Argument(metavar="TASK", help="Its number (3 or T3) or its id.", show_default=False)
]


def pause(
    incident: IncidentArgument, why: WhyOption = "", yes: YesOption = False, written: FormatOption = Format.TEXT
) -> None:
    """Pause the run: running operations finish, nothing new starts. Deadlines, reminders and tasks continue."""
    _steer("pause", incident, "", why, yes, written)


def unpause(
    incident: IncidentArgument, why: WhyOption = "", yes: YesOption = False, written: FormatOption = Format.TEXT
) -> None:
    """Resume the run after a pause."""
    _steer("unpause", incident, "", why, yes, written)


def skip(
    incident: IncidentArgument, operation: OperationArgument, why: WhyOption = "", yes: YesOption = False,
    written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Skip an operation. Decisions must be answered and cannot be skipped."""
    _steer("skip", incident, operation, why, yes, written)


def redo(
    incident: IncidentArgument, operation: OperationArgument, why: WhyOption = "", yes: YesOption = False,
    written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Run an operation again."""
    _steer("redo", incident, operation, why, yes, written)


def by_hand(
    incident: IncidentArgument, operation: OperationArgument, why: WhyOption = "", yes: YesOption = False,
    written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Mark an operation as done by hand, by you."""
    _steer("by-hand", incident, operation, why, yes, written)


def abort(
    incident: IncidentArgument, why: WhyOption = "", yes: YesOption = False, written: FormatOption = Format.TEXT
) -> None:
    """Stop the run for good. The incident stays open for people, and its deadlines keep running."""
    _steer("abort", incident, "", why, yes, written)


def reassign(
    incident: IncidentArgument, task: TaskArgument,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="A role of the playbook.", show_default=False)],
    why: WhyOption = "", written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Reassign a task to another role. If you reassign a decision, you can no longer take it."""
    _about_a_task(incident, task, "reassign", {"role": role, "why": why}, written)


def claim(
    incident: IncidentArgument, task: TaskArgument, why: WhyOption = "", written: FormatOption = Format.TEXT
) -> None:
    """Take over a task; nobody else can answer it in the meantime."""
    _about_a_task(incident, task, "claim", {"why": why}, written)


def link(
    incident: IncidentArgument, task: TaskArgument,
    to: Annotated[str, typer.Option("--to", help="The account that will answer.", show_default=False)],
    role: Annotated[str, typer.Option("--role", help="The role they answer in.", show_default=False)],
    choice: Annotated[str, typer.Option("--choice", help="The only answer it gives; any, if left out.")] = "",
    hours: Annotated[float, typer.Option("--hours", help="How long it lives; at most 72.")] = 2,
    written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Send someone a one-time link to answer a task. It goes to their own address; you do not see it."""
    body = {"to": to, "role": role, "choice": choice or None, "hours": hours}
    page = _post(incident, f"/tasks/{quote(task, safe='')}/link", body, SentLink)
    if written is Format.JSON:
        render.as_json(page)
    else:
        render.line(
            f"[green]sent[/] by {page['sent_by']} to {render.escape(page['to'])}, once, until {page['expires_at']}"
        )


def readers(
    incident: IncidentArgument,
    role: Annotated[
        list[str] | None, typer.Option("--role", help="A role of the playbook. Repeat it.", show_default=False)
    ] = None,
    person: Annotated[
        list[str] | None, typer.Option("--person", help="Somebody by name. Repeat it.", show_default=False)
    ] = None,
    everyone: Annotated[bool, typer.Option("--everyone", help="Open it to every reader again.")] = False,
    why: WhyOption = "", written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Set who can see an incident. Everyone else sees only that it exists."""
    body = {"roles": role or [], "people": person or [], "everyone": everyone, "why": why}
    page = _post(incident, "/readers", body, Readers)
    if written is Format.JSON:
        render.as_json(page)
        return
    named = page["readers"]
    who = "every reader" if named == "everyone" else ", ".join([*named["roles"], *named["people"]])
    render.line(f"[green]{incident}[/]: now for {render.escape(who)}")


def _steer(action: str, incident: str, operation: str, why: str, yes: bool, written: Format) -> None:
    from firedoor.core.tasks.answers import need_why

    need_why(why)
    body = {"action": action, "operation": operation, "why": why}
    foreseen = _post(incident, "/control", {**body, "dry_run": True}, Foreseen)
    if written is Format.TEXT:
        for said in foreseen["consequences"]:
            render.line(f"  {render.escape(said)}")
    _agreed(action, incident, yes)
    done = _post(incident, "/control", body, dict)
    if written is Format.JSON:
        render.as_json({**done, "consequences": foreseen["consequences"]})
    else:
        render.line(f"[green]{render.escape(f'{action}: {operation or incident}')}[/]")


def _agreed(action: str, incident: str, yes: bool) -> None:
    """Raises Refused unless somebody says yes."""
    if yes or (sys.stdin.isatty() and typer.confirm(f"{action} {incident}?", err=True)):
        return
    raise Refused(Problem(code="U120", message="nothing was done", do="check the consequences, then add --yes"))


def _about_a_task(incident: str, task: str, what: str, body: Mapping[str, object], written: Format) -> None:
    page = _post(incident, f"/tasks/{quote(task, safe='')}/{what}", body, Task)
    if written is Format.JSON:
        render.as_json(page)
        return
    whose = f"{page['claimed_by']} alone" if page["claimed_by"] else " or ".join(page["roles"])
    render.line(f"[green]{page['name']}[/]: now for {render.escape(whose)}")


def _post(incident: str, path: str, body: Mapping[str, object], form: type[T]) -> T:
    return call(lambda api: api.post(f"/incidents/{incident}{path}", body, form))
