"""How an incident looks in a terminal: the page, the list, tasks, clocks, evidence, facts, the timeline.

Decides the order (what runs out first, who is asked, then the rest) and the words.
Leaves the values to the API, whose JSON this reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from firedoor.core.law.territories import IN_UTC
from firedoor.interfaces.cli.terminal import render

if TYPE_CHECKING:
    from firedoor.core.entries.outcomes import ProbeSeen
    from firedoor.core.history.containment import ContainedTarget, DoorSeen
    from firedoor.interfaces.shapes.incident import (
        Choice,
        Clock,
        Fact,
        Incident,
        IncidentLine,
        Operation,
        Task,
        TaskLine,
        Timeline,
        TimelineEntry,
    )
    from firedoor.interfaces.shapes.records import Piece

T = TypeVar("T")
SETTLED = ("submitted", "satisfied", "waived", "not_applicable", "superseded")
SHOWN = ("finished", "failed", "stuck", "running")
NEVER = "9999"


def is_open(task: Task | TaskLine) -> bool:
    """Whether a task still waits for somebody; a list of waiting ones does not say it of each."""
    return task.get("state", "open") == "open"


def tasks_of(page: Incident) -> list[Task]:
    """The open tasks of an incident, the most urgent first."""
    return sorted(
        (task for task in page["tasks"] if is_open(task)),
        key=lambda task: (str(task.get("due_at")), task["number"]),
    )


def headline(page: Incident) -> str:
    """One line about an incident."""
    words = (
        f"{render.styled(page['severity'])}  [bold]{render.escape(page['state'])}[/]  {render.escape(page['title'])}"
    )
    return f"[bold]{render.escape(page['id'])}[/]  {words}{_stopped(page)}{_set_aside(page)}"


def _set_aside(page: Incident) -> str:
    """What could not be worked out, with the task about it: it must not be overlooked."""
    found = page.get("set_aside") or ()
    return "".join(f"\n[bold red]SET ASIDE[/] {one['task']}: {render.escape(one['what'])}" for one in found)


def _stopped(page: Incident) -> str:
    """By whom and why the run was stopped; empty while it runs."""
    for word, stop in (("aborted", page["aborted"]), ("paused", page["paused"])):
        if stop:
            return f"\n[bold red]{word.upper()}[/] by {render.escape(stop['by'])}: {render.escape(stop['why'])}"
    return ""


def write(page: Incident) -> None:
    """The whole page: what runs out first, who is asked, what is closed, what is done."""
    render.line(headline(page))
    book = page["playbook"]
    closed = f", closed {render.instant(page['closed_at'])}" if page.get("closed_at") else ""
    opened = f"opened {render.instant(page['opened_at'])} by {render.escape(page['opened_by'])}{closed}"
    render.line(f"[dim]{page['type']}, {book['name']} {book['version']}, {opened}[/]")
    head = f"{page['head']['seq']} entries, head {page['head']['hash'][:16]}"
    render.line(f"[dim]{page['evidence']} pieces of evidence, {head}[/]")
    for sentence in page.get("in_spite", ()):
        render.line(f"[yellow]{render.escape(sentence)}[/]")
    _section("legal deadlines", page["clocks"], write_clocks)
    _section("open tasks", tasks_of(page), write_tasks)
    _section("targets", page["targets"], write_targets)
    _section("done so far", [op for op in page["progress"] if op["status"] in SHOWN], write_operations)


def _section(title: str, rows: Sequence[T], writer: Callable[[Sequence[T]], None]) -> None:
    if rows:
        render.line(f"\n[bold]{title.upper()}[/]")
        writer(rows)


def write_list(rows: Sequence[IncidentLine], *, everything: bool) -> None:
    """The list of incidents."""
    if not rows:
        render.line("no incidents" if everything else "no open incidents; --all shows closed ones")
        return
    cells = [
        [
            f"[bold]{row['id']}[/]",
            render.styled(row["severity"]),
            render.escape(row["state"]),
            render.instant(row["opened_at"]),
            _limit(row),
            ("[bold red]set aside[/]  " if row.get("set_aside") else "") + render.escape(row["title"]),
        ]
        for row in sorted(rows, key=_urgency)
    ]
    render.table(cells, ("incident", "severity", "state", "opened", "next deadline", "title"))


def _limit(row: IncidentLine) -> str:
    words = render.left(row.get("next_due"))
    return f"[{render.STYLES['overdue']}]{words}[/]" if words.startswith("overdue") else words


def _urgency(row: IncidentLine) -> tuple[bool, str]:
    return row["state"] in ("closed", "dismissed"), str(row.get("next_due") or NEVER)


def write_tasks(tasks: Iterable[Task]) -> None:
    """Tasks with their choices, each followed by how to answer it."""
    for task in tasks:
        render.line(f"  [bold]T{task['number']}[/]  [bold cyan]{_roles(task)}[/]  due {render.due(task.get('due_at'))}")
        render.plain(render.paragraph(task["question"], 6))
        choices = task.get("choices") or ()
        render.table([_choice(choice) for choice in choices], indent=6)
        if task.get("asks"):
            render.line(f"      [dim]facts you can add:  {', '.join(task['asks'])}[/]")


def write_all_tasks(tasks: Iterable[TaskLine]) -> None:
    """The tasks of all incidents, one a line."""
    rows = [
        [
            f"[bold]{task['incident']}[/]",
            f"[bold]T{task['number']}[/]",
            f"[bold cyan]{_roles(task)}[/]",
            render.due(task["due_at"]),
            render.escape(task["question"]),
        ]
        for task in tasks
    ]
    render.table(rows, ("incident", "task", "role", "due", "question"))


def _roles(task: Task | TaskLine) -> str:
    roles = task.get("roles") or [task["role"]]
    return render.escape(" or ".join(sorted(roles)))


def _choice(choice: Choice) -> list[str]:
    needs = f"  [dim]needs {', '.join(choice['requires'])}[/]" if choice.get("requires") else ""
    words = ". ".join(part.rstrip(".") for part in (choice.get("label", ""), choice.get("consequence", "")) if part)
    return [f"[bold]{render.escape(choice['id'])}[/]", f"{render.escape(words)}{needs}"]


def write_clocks(clocks: Iterable[Clock], *, with_incident: bool = False) -> None:
    """Clocks, open ones first, each with its law."""
    ordered = sorted(clocks, key=lambda clock: (clock["state"] in SETTLED, str(clock.get("due") or NEVER)))
    rows = [[*([str(clock.get("incident", ""))] if with_incident else []), *_clock(clock)] for clock in ordered]
    render.table(rows, indent=0 if with_incident else 2)


def _clock(clock: Clock) -> list[str]:
    settled = clock["state"] in SETTLED
    sure = "  [yellow]provisional[/]" if clock.get("provisional") and not settled else ""
    when = "" if settled else render.due(clock.get("due"))
    guessed = f"  [yellow]{IN_UTC}[/]" if clock.get("zone_guessed") and clock.get("due") and not settled else ""
    cite = f"  [dim]{render.escape(clock.get('citation', ''))}[/]{guessed}"
    return [
        f"[bold]{render.escape(clock['id'])}[/]",
        render.styled(clock["state"]),
        when,
        f"{render.escape(clock.get('title', ''))}{sure}{cite}",
    ]


def write_evidence(evidence: Iterable[Piece]) -> None:
    """Evidence with its digests."""
    render.table(
        [
            [
                f"[dim]{str(item['sha256'])[:16]}[/]",
                render.size(item["size"]),
                str(item.get("mode", "")),
                render.escape(item["name"]),
            ]
            for item in evidence
        ],
        indent=2,
    )


def write_operations(rows: Iterable[Operation]) -> None:
    """Operations with their status."""
    render.table(
        [
            [render.styled(row["status"]), render.escape(row["title"]), render.escape(row["problem"] or row["outcome"])]
            for row in rows
        ],
        indent=2,
    )


def write_targets(targets: Iterable[ContainedTarget]) -> None:
    """What was closed, and what the data plane showed."""
    rows = []
    for target in targets:
        word = "[green]closed[/]" if target["state"] == "suspended" else render.styled(target["state"])
        looks = [door for event in target["events"] for door in event["doors"]]
        rows.append(
            [
                f"[bold]{render.escape(target['target'])}[/]",
                word,
                render.escape(_proof(looks[-1]) if looks else target["means"]),
            ]
        )
        if held := target.get("held"):
            rows.append(["", "", f"last confirmed closed {render.escape(render.instant(held['seen_at']))}"])
        rows += [["", "[yellow]failed[/]", render.escape(words)] for words in _passed_over(target)]
    render.table(rows, indent=2)


def _passed_over(target: ContainedTarget) -> list[str]:
    """The doors that were tried and did not close it, in words, where another one did in the end."""
    suspensions = [event["doors"] for event in target["events"] if event["verb"] == "suspend" and event["doors"]]
    tried = suspensions[-1] if suspensions and target["state"] == "suspended" else []
    failed = [door for door in tried if door["proved"] != "yes"]
    return [f"door {door['door']}: {door['problem'] or door.get('seen') or door['proved']}" for door in failed]


def _proof(door: DoorSeen) -> str:
    """What the probes saw, in words."""
    words = {"yes": "answers", "no": "refuses"}
    seen = ", ".join(f"{p['name']} {words.get(p['serving'], 'unknown')}{_status(p)}" for p in door["probes"])
    return f"door {door['door']}: {seen}" if seen else f"door {door['door']}: {door['problem'] or door['proved']}"


def _status(probe: ProbeSeen) -> str:
    return f" ({probe['status']})" if probe.get("status") else ""


def write_facts(facts: Iterable[Fact]) -> None:
    """Facts, one a line; what is unknown with the question that asks for it."""
    rows = [
        [
            f"[bold]{render.escape(fact['name'])}[/]",
            render.escape(fact["shown"])
            if fact["known"]
            else f"[yellow]unknown[/]  [dim]{render.escape(fact['ask'])}[/]",
        ]
        for fact in facts
    ]
    render.table(rows)


def timeline_lines(answer: Timeline) -> list[str]:
    """The timeline, one line an entry; what a hurried reader needs stands out."""
    return [_timeline_line(entry) for entry in answer["timeline"]]


def _timeline_line(entry: TimelineEntry) -> str:
    words = render.escape(entry["what"])
    why = f"  [dim]{render.escape(entry['why'])}[/]" if entry.get("why") else ""
    who = render.escape(str(entry.get("actor", "")).partition(":")[2] or entry.get("actor", "")).ljust(12)
    return f"[dim]{render.clock_time(entry['at'])}  {who}[/]  {f'[bold]{words}[/]' if entry.get('key') else words}{why}"
