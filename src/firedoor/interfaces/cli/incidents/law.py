"""`duties`: what the law asks, when it is due, and which duties a case may have.

Decides how an answer is written. Every number comes from the catalogue with its
article; nothing here needs a server. It is no legal advice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from firedoor.core.json_types import Json
from firedoor.core.problems import InvalidInput, Problem
from firedoor.interfaces.cli.terminal import render
from firedoor.interfaces.cli.terminal.options import FactOption, Format, FormatOption, content, facts_from, pairs

if TYPE_CHECKING:
    from firedoor.core.law.clause import Clause
    from firedoor.core.law.duty import Duty
    from firedoor.core.law.period import Version

app = typer.Typer(no_args_is_help=True, help="The duty catalogue: due dates and an assessment. Not legal advice.")
AtOption = Annotated[str, typer.Option("--at", metavar="INSTANT", help="ISO 8601, such as 2026-11-21T03:00:00+01:00.")]
ZoneOption = Annotated[str, typer.Option("--tz", metavar="ZONE", help="Time zone of the duty, such as Europe/Berlin.")]
FactsOption = Annotated[Path | None, typer.Option("--facts", metavar="FILE", help="Facts as YAML or JSON.")]
DutyArgument = Annotated[
    str, typer.Argument(metavar="DUTY", help="An id that `duties list` shows.", show_default=False)
]


@app.command("list")
def list_(
    jurisdiction: Annotated[
        str, typer.Option("--jurisdiction", metavar="PLACE", help="Such as EU, UK, US or US-CA.")
    ] = "",
    overdue: Annotated[bool, typer.Option("--stale", help="Only duties due for review.")] = False,
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="DAY", help="Due for review on this day; default: today.")
    ] = "",
    written: FormatOption = Format.TEXT,
) -> None:
    """List the duties in the catalogue; with --stale, those due for review."""
    from firedoor.duties.catalogue import catalogue
    from firedoor.duties.freshness import stale

    over = {duty.id for duty in stale(catalogue(), _day(as_of))}
    here = [duty for duty in catalogue().values() if _in(duty.jurisdiction, jurisdiction)]
    if not here:
        catalogue().need_jurisdiction(jurisdiction)
    found = [duty for duty in here if duty.id in over or not overdue]
    if written is Format.JSON:
        render.as_json([_listed(duty, duty.id in over) for duty in found])
        return
    rows = [[f"[bold]{duty.id}[/]", duty.jurisdiction, str(duty.addressee), _what(duty, overdue)] for duty in found]
    render.table(rows, ("duty", "place", "to", "what"))
    if not rows:
        render.line("no duties are due for review")


def _listed(duty: Duty, stale: bool) -> dict[str, object]:
    names = ("id", "title", "jurisdiction", "addressee", "authority", "confidence", "verified_on", "review_by")
    return {**{name: getattr(duty, name) for name in names}, "citation": duty.citation, "stale": stale}


def _what(duty: Duty, overdue: bool) -> str:
    return f"review was due by {duty.review_by}" if overdue else render.escape(f"{duty.title} ({duty.citation})")


def _in(place: str, wanted: str) -> bool:
    """Whether a jurisdiction is the wanted one or a part of it: US holds US-CA."""
    return wanted.lower() in ("", place.lower()) or place.lower().startswith(f"{wanted.lower()}-")


def _day(written: str) -> date:
    from firedoor.runtime.config.container import utc_now

    try:
        return date.fromisoformat(written) if written else utc_now().date()
    except ValueError:
        problem = Problem(code="U106", field="--as-of", message=f"{written} is no day", do="write 2026-11-21")
        raise InvalidInput(problem) from None


@app.command()
def show(duty: DutyArgument, written: FormatOption = Format.TEXT) -> None:
    """Show a duty: who it applies to, under which conditions, by when, and its legal source."""
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
    if found.note:
        render.plain(f"\n{render.paragraph(found.note, 2)}")
    if found.content:
        render.line("\n[bold]MUST SAY[/]")
        render.table([[f"[dim]{field.id}[/]", render.escape(field.title)] for field in found.content], indent=2)


def _trigger(duty: Duty) -> str:
    trigger = duty.trigger
    facts = " or ".join(trigger.own_facts)
    return f"{trigger.kind}{f' ({facts})' if facts else ''}{f': {trigger.means}' if trigger.means else ''}"


def _clauses(title: str, clauses: Sequence[Clause]) -> None:
    if clauses:
        render.line(f"\n[bold]{title.upper()}[/]")
        render.table([[render.escape(c.says), f"[dim]{render.escape(c.cite)}[/]"] for c in clauses], indent=2)


def _period(version: Version) -> str:
    none = f"no fixed deadline: {version.qualifier or 'none is set'}"
    within = f"{version.within}, counted as {version.counting}" if version.within else none
    until = f"until {version.until}" if version.until and version.start else ""
    status = "" if version.status == "in_force" else str(version.status)
    cases = "; ".join(f"{case.within or 'no limit'} where {case.says}" for case in version.cases)
    return "  ".join(part for part in (within, cases, until, status) if part)


@app.command()
def due(
    duty: Annotated[
        str | None, typer.Argument(metavar="DUTY", help="An id of `duties list`.", show_default=False)
    ] = None,
    *,
    at: AtOption = "",
    event: Annotated[str, typer.Option("--event", help="What happened then, such as aware.")] = "",
    tz: ZoneOption = "",
    fact: FactOption = None,
    facts: FactsOption = None,
    batch: Annotated[
        Path | None,
        typer.Option(
            "--batch", metavar="FILE", help="Many questions: a JSON list, or a JSON object a line; - is standard input."
        ),
    ] = None,
    written: Annotated[
        Format | None,
        typer.Option("--format", help="text or json; a batch is answered as json, one question as text, unless said."),
    ] = None,
) -> None:
    """Show when a duty is due after an event, and why. With --batch, invalid questions are reported (exit 1)."""
    from firedoor.duties.answer import answer
    from firedoor.duties.catalogue import catalogue

    if batch is not None:
        _write_batch(_questions(batch), written)
    if duty is None or not at:
        raise typer.BadParameter("name a duty and --at, or give --batch", param_hint="DUTY")
    found = answer(catalogue(), duty, event, at, tz, {**facts_from(facts), **pairs(fact, "--fact")})
    render.as_json(found) if written is Format.JSON else _write_due(found)


def _write_batch(questions: list[Json], written: Format | None) -> None:
    """A batch is for programs: its answer is a JSON list unless words are asked for."""
    from firedoor.duties.batch import batch as answered
    from firedoor.duties.catalogue import catalogue

    found = answered(catalogue(), questions)
    if written is Format.TEXT:
        render.table([_batch_row(one) for one in found], ("id", "applies", "duty", "due"))
    else:
        render.as_json(found)
    raise typer.Exit(1 if any("error" in one for one in found) else 0)


def _batch_row(one: dict[str, Any]) -> list[str]:
    if "error" in one:
        wrong = one["error"]
        where = f"{wrong['field']}: " if wrong["field"] else ""
        words = render.escape(f"{where}{wrong['message']}. {wrong['do']}")
        return [render.escape(one["id"]), "[bold red]wrong[/]", "", words]
    return [render.escape(one["id"]), one["applies"], f"[bold]{one['duty']}[/]", one["due"] or "no fixed deadline"]


def _write_due(found: dict[str, Any]) -> None:
    later = found["latest_arguable"]
    when = render.instant(found["due"]) if found["due"] else "no fixed deadline"
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


def _questions(path: Path) -> list[Json]:
    import json

    text = content(path).decode("utf-8", "replace")
    if not text.lstrip().startswith("["):
        return [_line(line) for line in text.splitlines() if line.strip()]
    try:
        return list(json.loads(text))
    except json.JSONDecodeError as error:
        message = f"{path} is no JSON list: {error}"
        do = 'a question is {"id": ..., "duty": ..., "event": ..., "at": ..., "tz": ..., "facts": {}}'
        raise InvalidInput(Problem(code="U105", message=message, do=do)) from None


def _line(line: str) -> Json:
    """A question on a line of its own; one that is no JSON is answered as what it is, in its place."""
    import json

    try:
        question: Json = json.loads(line)
    except json.JSONDecodeError:
        return line
    return question


@app.command()
def assess(
    facts: FactsOption = None,
    fact: FactOption = None,
    at: AtOption = "",
    tz: ZoneOption = "",
    everything: Annotated[bool, typer.Option("--all", help="Include duties that do not apply.")] = False,
    written: FormatOption = Format.TEXT,
) -> None:
    """Assess which duties apply on these facts: yes, no or unknown, and why."""
    from firedoor.core.dates import arithmetic
    from firedoor.duties.catalogue import catalogue
    from firedoor.duties.overview import assess_all
    from firedoor.runtime.config.container import utc_now

    given = {**facts_from(facts), **pairs(fact, "--fact"), **({"time_zone": tz} if tz else {})}
    instant = arithmetic.stated(at, arithmetic.zone_named(tz) if tz else None) if at else utc_now()
    picture = assess_all(catalogue(), given, instant)
    if written is Format.JSON:
        render.as_json(picture)
        return
    _write_picture(picture, ("yes", "unknown", "no") if everything else ("yes", "unknown"))


def _write_picture(picture: dict[str, Any], answers: tuple[str, ...]) -> None:
    shown = (item for item in picture["duties"] if item["applies"] in answers)
    found = sorted(
        shown, key=lambda item: (answers.index(item["applies"]), not item["provisional"], item["due"] is None)
    )
    rows = [[_answer_word(item["applies"]), f"[bold]{item['duty']}[/]", _short(item)] for item in found]
    render.table(rows, ("applies", "duty", "due, and what it rests on"))
    counts = picture["counts"]
    more = "" if "no" in answers else " (--all shows those)"
    render.line(f"\n{counts['yes']} apply, {counts['unknown']} may apply, {counts['no']} do not{more}")
    if picture["next_fact"]:
        render.line(f"ask next: [bold]{picture['next_fact']}[/]  {render.escape(picture['next_question'])}")


def _answer_word(word: str) -> str:
    return {"yes": "[bold red]yes[/]", "unknown": "[yellow]unknown[/]"}.get(word, word)


def _short(item: dict[str, Any]) -> str:
    limit = f"{item['due'] or 'no fixed deadline'}  " if item["kind"] else ""
    if item["applies"] == "unknown":
        runs = "  [yellow]a provisional clock would run[/]" if item["provisional"] else ""
        return f"{limit}[dim]missing:[/] {render.escape(', '.join(item['missing_facts'][:6]))}{runs}"
    asked = item.get("request", {}).get("missing", ())
    lacks = f"  [yellow]the request lacks: {render.escape('; '.join(asked))}[/]"
    incomplete = lacks if item["shadow"] and asked else ""
    return f"{limit}{render.escape('; '.join(item['why'][:2]))}{incomplete}"
