"""`alert`: which sources are known, what an alert would do, sending one, and taking one over.

Decides that `parse` needs no server and has no effect. Leaves reading an alert to
its source and what becomes of it to triage.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.client import Api, call, load_settings
from firedoor.interfaces.cli.terminal.options import (
    AfterOption,
    Format,
    FormatOption,
    LimitOption,
    WhyOption,
    content,
    pairs,
)
from firedoor.interfaces.shapes.incident import Opened
from firedoor.interfaces.shapes.records import Alerts, Delivered

if TYPE_CHECKING:
    from firedoor.runtime.config.alert_sources import Sources
    from firedoor.runtime.config.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Alerts from detectors.")
SourceOption = Annotated[
    str, typer.Option("--source", metavar="SOURCE", help="One of `firedoor alert sources`.", show_default=False)
]
FileArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE", help="The request body as the detector sends it; - for standard input.", show_default=False
    ),
]
FileOption = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="The same file, as an option.", show_default=False)
]
HeaderOption = Annotated[
    list[str] | None, typer.Option("--header", metavar="NAME=VALUE", help="A request header that the detector sends.")
]


@app.command()
def sources(written: FormatOption = Format.TEXT) -> None:
    """List alert sources. Exit 1 if a mapping file cannot be read."""
    known = _known()
    found = [{"source": source.id, "title": source.title} for source in known.values()]
    if written is Format.JSON:
        broken = {
            path: [problem.model_dump(mode="json") for problem in found] for path, found in known.problems.items()
        }
        render.as_json({"sources": found, "broken": broken})
    else:
        render.table([[f"[bold]{source['source']}[/]", render.escape(source["title"])] for source in found])
    for path, problems in known.problems.items():
        for problem in problems:
            render.line(f"{render.escape(path)} makes no source: {render.escape(str(problem))}", error=True)
    raise typer.Exit(1 if known.problems else 0)


@app.command("map")
def map_(
    sample: Annotated[
        Path,
        typer.Option("--sample", metavar="FILE", help="A delivery as the detector sends it; - for standard input."),
    ],
    source: Annotated[str, typer.Option("--source", metavar="NAME", help="The name of the new source.")] = "detector",
    header: HeaderOption = None,
    written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Propose a mapping from an example, and show what each field becomes. Check it before you use it."""
    from firedoor.alerts.proposal import propose

    proposed = propose(source, content(sample), _headers(header))
    if written is Format.JSON:
        alerts = [alert.model_dump(mode="json") for alert in proposed.alerts]
        render.as_json({"mapping": proposed.mapping, "not_sure": proposed.unsure, "alerts": alerts})
    else:
        typer.echo(proposed.text(), nl=False)


@app.command()
def parse(
    source: SourceOption, path: FileArgument = None, file: FileOption = None, header: HeaderOption = None,
    written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Dry run: parse an alert and show what it would do. Nothing is sent or started."""
    from firedoor.runtime.rehearsal.delivery_preview import previewed

    shown = previewed(_settings(), source, _body(path, file), _headers(header))
    for name, problem in shown.unread.items():
        render.line(f"{render.escape(name)} starts nothing: {render.escape(problem)}", error=True)
    if written is Format.JSON:
        render.as_json({"alerts": [one.alert.model_dump(mode="json") | {"would": one.would()} for one in shown.alerts]})
        return
    for one in shown.alerts:
        render.line(f"[bold]{render.escape(one.alert.title)}[/]")
        render.table(_rows(one.alert.model_dump(mode="json")), indent=2)
        playbook = one.decided.playbook
        render.line(f"would {one.decided.decision}" + (f"  [bold]{playbook}[/]" if playbook else ""))
        for reason in one.decided.reasons:
            render.plain(render.paragraph(reason))
        render.table(_rows(one.decided.facts), indent=2)


def _body(path: Path | None, file: Path | None) -> bytes:
    """What was named, as the argument or with --file; one of the two."""
    if (path is None) == (file is None):
        raise typer.BadParameter("name the file once; use - for standard input", param_hint="FILE")
    return content(path or file or Path("-"))


def _rows(values: Mapping[str, object]) -> list[list[str]]:
    return [
        [f"[dim]{name}[/]", render.escape(_shown(value))]
        for name, value in values.items()
        if value not in (None, "", [], {})
    ]


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={item}" for name, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@app.command()
def send(
    source: SourceOption, path: FileArgument = None, file: FileOption = None, header: HeaderOption = None,
    written: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """Send an alert as its detector would. It is stored when this returns."""
    body, known = _body(path, file), _known().get(source)
    headers = {"content-type": known.content_types[0] if known else "application/json", **_headers(header)}

    async def sent(api: Api) -> Delivered:
        answer = await api.send("POST", f"/alerts/{quote(source, safe='')}", content=body, headers=headers)
        await api.settle()
        delivered: Delivered = answer.json()
        return delivered

    answer = call(sent)
    if written is Format.JSON:
        render.as_json(answer)
        return
    for received in answer["alerts"]:
        about = f"  [bold]{received['incident']}[/]" if received.get("incident") else ""
        render.line(f"{received['decision']}{about}")
        for reason in received.get("reasons", ()):
            render.plain(render.paragraph(reason))


@app.command("list")
def list_(limit: LimitOption = 100, after: AfterOption = "", written: FormatOption = Format.TEXT) -> None:
    """List received alerts, newest first, with the decision about each."""
    answer = call(lambda api: api.get("/alerts", Alerts, limit=str(limit), after=after))
    if written is Format.JSON:
        render.as_json(answer)
        return
    rows = [
        [
            f"[bold]{a['id']}[/]",
            render.instant(a["received_at"]),
            a["source"],
            str(a["deliveries"]),
            a["decision"],
            a.get("incident") or "",
            render.escape(a.get("title") or ""),
        ]
        for a in answer["alerts"]
    ]
    render.table(rows, ("alert", "received", "source", "times", "decision", "incident", "title"))
    if not rows:
        render.line("no alerts yet")
    render.more(answer, "alert list")


@app.command()
def start(
    alert: Annotated[
        int, typer.Argument(metavar="ALERT", help="The number that `alert list` shows.", show_default=False)
    ],
    playbook: Annotated[str, typer.Argument(metavar="PLAYBOOK", show_default=False)],
    why: WhyOption = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """Start a playbook for an alert that needs a person's decision. Prints the incident's id."""
    answer = call(lambda api: api.post(f"/alerts/{alert}/start", {"playbook": playbook, "why": why}, Opened))
    if written is Format.JSON:
        render.as_json(answer)
    else:
        render.plain(str(answer["incident"]))


def _known() -> Sources:
    """The sources that ship, those of other packages, and those that mapping files make."""
    from firedoor.runtime.process.application import read_sources

    return read_sources(_settings())


def _settings() -> Settings:
    return load_settings()


def _headers(given: list[str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in pairs(given, "--header").items()}
