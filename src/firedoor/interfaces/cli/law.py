"""`duties`: what the law asks, when it is due, and which duties a case may have.

Decides how an answer is written. Every number comes from the catalogue with its
article; nothing here needs a server. It is no legal advice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from firedoor.interfaces.cli import render
from firedoor.interfaces.cli.options import FactOption, Format, FormatOption, content, facts_from, pairs

app = typer.Typer(
    no_args_is_help=True, help="What the law asks: the catalogue, due dates, and an assessment. No legal advice."
)
AtOption = Annotated[str, typer.Option("--at", metavar="INSTANT", help="ISO 8601, such as 2026-11-21T03:00:00+01:00.")]
DutyArgument = Annotated[
    str, typer.Argument(metavar="DUTY", help="An id that `duties list` shows.", show_default=False)
]


@app.command("list")
def list_(
    jurisdiction: Annotated[
        str, typer.Option("--jurisdiction", metavar="PLACE", help="Only this one, such as EU or UK.")
    ] = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """List the duties of the catalogue."""
    from firedoor.duties.catalogue import catalogue

    found = [duty for duty in catalogue().values() if jurisdiction.lower() in ("", duty.jurisdiction.lower())]
    if written is Format.JSON:
        names = ("id", "title", "jurisdiction", "addressee", "authority", "confidence")
        render.as_json([{**{name: getattr(duty, name) for name in names}, "citation": duty.citation} for duty in found])
        return
    rows = [
        [
            f"[bold]{duty.id}[/]",
            duty.jurisdiction,
            str(duty.addressee),
            render.escape(f"{duty.title} ({duty.citation})"),
        ]
        for duty in found
    ]
    render.table(rows, ("duty", "place", "to", "what"))
    if not rows:
        render.line(f"no duty of {render.escape(jurisdiction)}; without --jurisdiction all are listed")


@app.command()
def show(duty: DutyArgument, written: FormatOption = Format.TEXT) -> None:
    """Show a duty: whom it reaches, on what condition, by when, and where that stands."""
    from firedoor.duties.catalogue import catalogue

    found = catalogue().find(duty)
    if written is Format.JSON:
        render.as_json(found.model_dump(mode="json"))
        return
    render.line(f"[bold]{found.id}[/]  {render.escape(found.title)}")
    words = {
        "law": found.citation,
        "owed by": found.owed_by,
        "to": found.authority,
        "through": found.channel,
        "from": _trigger(found),
        "penalty": found.penalty,
        "source": found.source,
        "looked at": f"{found.verified_on}, again by {found.review_by}; confidence {found.confidence}",
    }
    render.table([[f"[dim]{name}[/]", render.escape(text)] for name, text in words.items() if text], indent=2)
    for title, clauses in (("reaches", found.reach), ("applies when", found.when), ("unless", found.unless)):
        _clauses(title, clauses)
    render.line("\n[bold]PERIODS[/]")
    render.table(
        [[f"[dim]{version.label}[/]", render.escape(_period(version))] for version in found.versions], indent=2
    )
    if found.content:
        render.line("\n[bold]MUST SAY[/]")
        render.table([[f"[dim]{field.id}[/]", render.escape(field.title)] for field in found.content], indent=2)


def _trigger(duty: Any) -> str:  # noqa: ANN401 - a Duty, imported late
    trigger = duty.trigger
    facts = " or ".join(trigger.own_facts)
    return f"{trigger.kind}{f' ({facts})' if facts else ''}{f': {trigger.means}' if trigger.means else ''}"


def _clauses(title: str, clauses: Any) -> None:  # noqa: ANN401 - Clauses, imported late
    if clauses:
        render.line(f"\n[bold]{title.upper()}[/]")
        render.table([[render.escape(c.says), f"[dim]{render.escape(c.cite)}[/]"] for c in clauses], indent=2)


def _period(version: Any) -> str:  # noqa: ANN401 - a Version, imported late
    within = f"{version.within}" if version.within else (version.qualifier or "no outer limit")
    until = f"until {version.until}" if version.until else ""
    return "  ".join(part for part in (within, f"counted as {version.counting}", until) if part)


@app.command()
def due(
    duty: Annotated[
        str | None, typer.Argument(metavar="DUTY", help="An id that `duties list` shows.", show_default=False)
    ] = None,
    at: AtOption = "",
    event: Annotated[
        str, typer.Option("--event", help="What happened then, such as aware; the duty's own trigger otherwise.")
    ] = "",
    tz: Annotated[str, typer.Option("--tz", metavar="ZONE", help="IANA zone of the place where it is owed.")] = "UTC",
    fact: FactOption = None,
    batch: Annotated[
        Path | None,
        typer.Option("--batch", metavar="FILE", help="Many questions: a JSON list, or one JSON object a line."),
    ] = None,
    written: FormatOption = Format.TEXT,
) -> None:
    """Say when a duty is due after an event, and why."""
    if batch is not None:
        render.as_json([_answered(question) for question in _questions(batch)])
        return
    if duty is None or not at:
        raise typer.BadParameter("name a duty and --at, or give --batch", param_hint="DUTY")
    found = _answer({"duty": duty, "event": event, "at": at, "tz": tz, "facts": pairs(fact, "--fact")})
    render.as_json(found) if written is Format.JSON else _write_due(found)


def _write_due(found: dict[str, Any]) -> None:
    later = found["latest_arguable"]
    when = render.instant(found["due"]) if found["due"] else "no outer limit"
    render.line(f"[bold]{found['duty']}[/]  applies: {found['applies']}")
    due_line = (
        f"{found['due']}  [dim]({when}, {render.left(found['due'])}, {found['kind']})[/]" if found["due"] else when
    )
    rows = [
        ["due", due_line],
        ["law", f"{render.escape(found['citation'])}, version {render.escape(found['version'])}"],
    ]
    if later:
        rows.append(["arguable", f"{later['due']}  [dim]{render.escape(later['basis'])}[/]"])
    render.table([[f"[dim]{name}[/]", text] for name, text in rows], indent=2)
    for reason in found["why"]:
        render.plain(render.paragraph(reason, 6))


def _questions(path: Path) -> list[dict[str, Any]]:
    import json

    from firedoor.core.problems import InvalidInput, Problem

    text = content(path).decode("utf-8", "replace")
    try:
        data = (
            json.loads(text)
            if text.lstrip().startswith("[")
            else [json.loads(line) for line in text.splitlines() if line.strip()]
        )
    except json.JSONDecodeError as error:
        message = f"{path} is neither a JSON list nor one JSON object a line: {error}"
        raise InvalidInput(
            Problem(code="U105", message=message, do='a question is {"duty": ..., "at": ..., "tz": ..., "facts": {}}')
        ) from None
    wrong = [number for number, item in enumerate(data, 1) if not isinstance(item, dict)]
    if wrong:
        raise InvalidInput(
            Problem(
                code="U105",
                message=f"{path}: question {wrong[0]} is no JSON object",
                do="see `firedoor duties due --help`",
            )
        )
    return data


def _answered(question: dict[str, Any]) -> dict[str, Any]:
    """One answer of many: what cannot be answered says why in its place, and the others are answered."""
    from firedoor.core.problems import FiredoorError

    try:
        return _answer(question)
    except FiredoorError as error:
        return {
            "duty": question.get("duty"),
            "problems": [problem.model_dump(mode="json") for problem in error.problems],
        }


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    from firedoor.duties.answer import answer
    from firedoor.duties.catalogue import catalogue

    words = {
        name: str(question.get(name) or usual)
        for name, usual in (("duty", ""), ("event", ""), ("at", ""), ("tz", "UTC"))
    }
    facts = question.get("facts") or {}
    return answer(
        catalogue(), words["duty"], words["event"], words["at"], words["tz"], facts if isinstance(facts, dict) else {}
    )


@app.command()
def assess(
    facts: Annotated[Path | None, typer.Option("--facts", metavar="FILE", help="Facts as YAML or JSON.")] = None,
    fact: FactOption = None,
    at: AtOption = "",
    everything: Annotated[bool, typer.Option("--all", help="Those that do not apply, too.")] = False,
    written: FormatOption = Format.TEXT,
) -> None:
    """Say which duties apply on these facts: yes, no or unknown, and why. Unknown stays unknown."""
    from firedoor.core import dates
    from firedoor.core.assessment import assess as assessed
    from firedoor.core.facts import read_all
    from firedoor.duties.catalogue import catalogue
    from firedoor.runtime.world import utc_now

    known = read_all(catalogue().facts, {**facts_from(facts), **pairs(fact, "--fact")})
    picture = assessed(catalogue().values(), known, dates.instant(at) if at else utc_now())
    found = [item for item in picture.assessments if everything or written is Format.JSON or str(item.applies) != "no"]
    if written is Format.JSON:
        render.as_json(
            {
                "at": picture.at.isoformat(),
                "next_fact": picture.next_fact,
                "duties": [_assessment(item) for item in found],
            }
        )
        return
    order = {"yes": 0, "unknown": 1, "no": 2}
    rows = [
        [_answer_word(str(item.applies)), f"[bold]{item.duty}[/]", _short(item)]
        for item in sorted(found, key=lambda item: order[str(item.applies)])
    ]
    render.table(rows, ("applies", "duty", "what it rests on"))
    if picture.next_fact:
        ask = catalogue().facts[picture.next_fact].ask
        render.line(f"\nask next: [bold]{picture.next_fact}[/]  {render.escape(ask)}")


def _answer_word(word: str) -> str:
    return {"yes": "[bold red]yes[/]", "unknown": "[yellow]unknown[/]"}.get(word, word)


def _short(item: Any) -> str:  # noqa: ANN401 - an Assessment, imported late
    if str(item.applies) == "unknown":
        return f"[dim]missing:[/] {render.escape(', '.join(item.missing[:6]))}" + (
            "  [yellow]a provisional clock would run[/]" if item.provisional else ""
        )
    return render.escape("; ".join(item.reasons[:2]))


def _assessment(item: Any) -> dict[str, Any]:  # noqa: ANN401 - an Assessment, imported late
    trigger = (
        {"fact": item.trigger.fact, "at": item.trigger.at.isoformat(), "stands_in_for": item.trigger.stands_in_for}
        if item.trigger
        else None
    )
    return {
        "duty": item.duty,
        "applies": str(item.applies),
        "reach": str(item.reach),
        "binding": item.binding,
        "superseded": str(item.superseded),
        "version": item.version,
        "provisional": item.provisional,
        "trigger": trigger,
        "reasons": list(item.reasons),
        "missing": list(item.missing),
        "to_judge": list(item.to_judge),
        "awaits": list(item.awaits),
    }
