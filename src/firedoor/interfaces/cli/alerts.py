"""`alert`: which sources are known, what an alert would do, sending one, and taking one over.

Decides that `parse` needs no server and has no effect. Leaves reading an alert to
its source and what becomes of it to triage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from firedoor.interfaces.cli import render
from firedoor.interfaces.cli.options import Format, FormatOption, WhyOption, content, pairs

if TYPE_CHECKING:
    from firedoor.alerts.source import AlertSource
    from firedoor.core.alert import Alert

app = typer.Typer(no_args_is_help=True, help="Alerts of detectors.")
SourceOption = Annotated[
    str, typer.Option("--source", metavar="SOURCE", help="One of `firedoor alert sources`.", show_default=False)
]
FileOption = Annotated[
    Path,
    typer.Option(
        "--file", metavar="FILE", help="The body as the detector sends it; - is standard input.", show_default=False
    ),
]
HeaderOption = Annotated[
    list[str] | None, typer.Option("--header", metavar="NAME=VALUE", help="A header that the detector sends.")
]


@app.command()
def sources(written: FormatOption = Format.TEXT) -> None:
    """List the sources that are read."""
    found = [{"source": source.id, "title": source.title} for source in _known().values()]
    if written is Format.JSON:
        render.as_json({"sources": found})
    else:
        render.table([[f"[bold]{source['source']}[/]", render.escape(source["title"])] for source in found])


@app.command()
def parse(
    source: SourceOption, file: FileOption, header: HeaderOption = None, written: FormatOption = Format.TEXT
) -> None:
    """Read an alert; say what is understood of it, and what it would do. Nothing is sent, nothing starts."""
    from firedoor.core.banks import judged

    read, banks = _find(source).parse(content(file), _headers(header)), _trusted_banks()
    alerts = [judged(alert, banks) for alert in read]
    would = _would(alerts)
    if written is Format.JSON:
        found = zip(alerts, would, strict=True)
        render.as_json({"alerts": [alert.model_dump(mode="json") | {"would": does} for alert, does in found]})
        return
    for alert, does in zip(alerts, would, strict=True):
        render.line(f"[bold]{render.escape(alert.title)}[/]")
        render.table(_rows(alert.model_dump(mode="json")), indent=2)
        render.line(f"would {does['decision']}" + (f"  [bold]{does['playbook']}[/]" if does["playbook"] else ""))
        for reason in does["reasons"]:
            render.plain(render.paragraph(reason))
        render.table(_rows(does["facts"]), indent=2)


def _would(alerts: Sequence[Alert]) -> list[dict[str, Any]]:
    """What triage comes to where no incident is known yet. An unreadable playbook is left out, as on a server."""
    from firedoor.core.triage import triage
    from firedoor.runtime.shelf import Shelf

    shelf = Shelf()
    shelf.refresh()
    for path, problems in shelf.problems.items():
        render.line(f"{render.escape(path)} starts nothing: {render.escape(problems[0].message)}", error=True)
    found = [triage(alert, shelf.startable()) for alert in alerts]
    return [
        {"decision": str(one.decision), "playbook": one.playbook, "reasons": list(one.reasons), "facts": one.facts}
        for one in found
    ]


def _rows(values: Mapping[str, Any]) -> list[list[str]]:
    return [
        [f"[dim]{name}[/]", render.escape(_shown(value))]
        for name, value in values.items()
        if value not in (None, "", [], {})
    ]


def _shown(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return ", ".join(f"{name}={item}" for name, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@app.command()
def send(
    source: SourceOption, file: FileOption, header: HeaderOption = None, written: FormatOption = Format.TEXT
) -> None:
    """Send an alert as its detector would. It is on disk when this returns."""
    from firedoor.interfaces.cli.client import Api, call

    known = _known().get(source)
    headers = {"content-type": known.content_types[0] if known else "application/json", **_headers(header)}

    async def sent(api: Api) -> Any:  # noqa: ANN401 - any JSON value
        answer = await api.send("POST", f"/alerts/{quote(source, safe='')}", content=content(file), headers=headers)
        await api.settle()
        return answer.json()

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
def list_(written: FormatOption = Format.TEXT) -> None:
    """List the alerts that came in, and what became of each."""
    from firedoor.interfaces.cli.client import call

    answer = call(lambda api: api.get("/alerts"))
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
        render.line("no alert has come in")


@app.command()
def start(
    alert: Annotated[
        int, typer.Argument(metavar="ALERT", help="The number that `alert list` shows.", show_default=False)
    ],
    playbook: Annotated[str, typer.Argument(metavar="PLAYBOOK", show_default=False)],
    why: WhyOption = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """Start a playbook for an alert that was left to a person. Prints the incident's id."""
    from firedoor.interfaces.cli.client import call

    answer = call(lambda api: api.post(f"/alerts/{alert}/start", {"playbook": playbook, "why": why}))
    if written is Format.JSON:
        render.as_json(answer)
    else:
        render.plain(str(answer["incident"]))


def _known() -> Mapping[str, AlertSource]:
    """The sources that ship, those of other packages, and those that mapping files make."""
    from firedoor.interfaces.cli.client import load_settings
    from firedoor.runtime.start import read_sources

    return read_sources(load_settings())


def _trusted_banks() -> tuple[str, ...]:
    """The banks of hashes that this organisation trusts."""
    from firedoor.duties.catalogue import catalogue
    from firedoor.interfaces.cli.client import load_settings
    from firedoor.runtime.inventory import read_organisation
    from firedoor.runtime.start import default_paths

    return read_organisation(default_paths(load_settings())["organisation"], catalogue().facts).trusted_banks


def _find(name: str) -> AlertSource:
    from firedoor.core.problems import NotFound, Problem, nearest

    known = _known()
    if name not in known:
        message = f'no source of alerts is called "{name[:80]}"'
        raise NotFound(Problem(code="D210", message=message, do=nearest(name[:80], known)))
    return known[name]


def _headers(given: list[str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in pairs(given, "--header").items()}
