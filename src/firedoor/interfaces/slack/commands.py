"""`/firedoor start | status | clocks | tasks`: what somebody asks in Slack, answered to them alone.

Decides the words of the command, and that a list names numbers, roles and times and never a title or a question. Leaves
opening an incident to the runtime.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import TypedDict

from firedoor.core.access.need_to_know import may_read
from firedoor.core.incident.view import IncidentView
from firedoor.core.notices.notifications import standing_of
from firedoor.core.notices.subject_lines import written
from firedoor.core.ports import Line
from firedoor.core.tasks.answers import Person
from firedoor.interfaces.slack import blocks, people
from firedoor.interfaces.slack.evidence import signed_request
from firedoor.interfaces.web.reading.redaction import visible
from firedoor.interfaces.web.security.auth import Caller
from firedoor.interfaces.web.security.route_table import Access
from firedoor.runtime.process.application import Runtime
from firedoor.store.database.sql import table
from firedoor.store.database.tables import IncidentRow
from firedoor.store.outbox import deliveries

HELP = (
    "`/firedoor status [INC-...]`: what is open, or how one incident stands",
    "`/firedoor tasks [INC-...]`: what waits for whom",
    "`/firedoor clocks [INC-...]`: which legal limit is next",
    "`/firedoor start PLAYBOOK [fact=value ...] why`: open an incident",
    "`practice` before its facts labels it as practice; `anyway: REASON` at its end opens it although checks refuse",
)
ANYWAY = "anyway:"
MOST = 20  # incidents in one answer
_FACT = re.compile(r"([a-z][a-z0-9_]{0,62})=(\S+)")
_INCIDENT = re.compile(r"inc-\d{4}-\d{1,9}", re.IGNORECASE)


async def answer(runtime: Runtime, form: Mapping[str, str], digest: str, size: int) -> list[blocks.Block]:
    """What one command is answered with. Raises FiredoorError."""
    person = await asyncio.to_thread(people.person_of, runtime, form.get("user_id", ""))
    word, _, rest = form.get("text", "").strip().partition(" ")
    match word.lower():
        case "start":
            return await _start(runtime, rest.strip(), person, digest, size)
        case "status" | "tasks" | "clocks" as what:
            return await _look(runtime, what, rest.strip(), form.get("channel_id", ""), person)
    return blocks.listing(HELP)


async def _start(runtime: Runtime, rest: str, person: Person, digest: str, size: int) -> list[blocks.Block]:
    people.need_access(runtime, person, Access.RESPOND)
    playbook, _, rest = rest.partition(" ")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,80}", playbook):
        known = ", ".join(sorted(runtime.shelf.plans))
        return blocks.listing([f"Which playbook? Known: {known}", HELP[-2]])
    facts, why, how = _said(rest)
    incident = await runtime.service.open(playbook, facts, "", why or "started from Slack", person, **how)
    in_spite = [blocks.escape(said) for said in (await runtime.service.view(incident)).in_spite]
    world = runtime.world
    note = signed_request(digest, size, f"the request by which {incident} was opened", person, world.now())
    await asyncio.wrap_future(world.store.append(incident, [note], world.now()))
    where = blocks.link(_address(runtime, incident), "Open in the console")
    follows = f"*{incident}* is open. {where}. Its channel follows, where Slack is set up for its roles."
    return blocks.listing([follows, *in_spite])


class How(TypedDict):
    """How an incident is started: as practice or not, and why although its checks refuse it."""

    anyway: str
    practice: bool


def _said(rest: str) -> tuple[dict[str, str], str, How]:
    """The facts, the reason, and whether it is practice and starts although its checks refuse it."""
    rest, _, anyway = (part.strip() for part in rest.partition(ANYWAY))
    words, facts = rest.split(), dict[str, str]()
    practice = words[:1] == ["practice"]
    words = words[practice:]
    while words and (found := _FACT.fullmatch(words[0])):
        facts[found[1]] = found[2]
        words.pop(0)
    return facts, " ".join(words), {"anyway": anyway, "practice": practice}


async def _look(runtime: Runtime, what: str, named: str, channel: str, person: Person) -> list[blocks.Block]:
    people.need_access(runtime, person, Access.READ)
    store = runtime.world.store
    if not named:
        of_channel = await asyncio.to_thread(deliveries.incident_of_channel, store.engine, "slack", channel)
        named = of_channel or ""
    if named:
        if not _INCIDENT.fullmatch(named):
            return blocks.listing(["An incident is named by its number, such as INC-2026-0001."])
        await asyncio.to_thread(people.need_reader, runtime, named.upper(), person)
        return blocks.listing(await asyncio.to_thread(_one, runtime, what, named.upper()))
    return blocks.listing(await asyncio.to_thread(_all, runtime, what, person))


def _all(runtime: Runtime, what: str, person: Person) -> list[str]:
    """Of every open incident; of one that is closed to the person, that it exists, whether it has ended or not."""
    columns, caller = table(IncidentRow).c, Caller(person)
    with runtime.world.store.engine.connect() as connection:
        shown = columns.closed_at.is_(None) | ~visible(connection, caller)
    rows = runtime.world.store.rows(IncidentRow, shown, columns.opened_at.desc(), MOST)
    lines: list[str] = []
    for row in rows:
        if may_read(row["readers"], person):
            lines += _one(runtime, what, str(row["id"]))
        else:
            lines.append(f"*{row['id']}* can be read only by those who need to know.")
    return lines or ["Nothing is open."]


def _one(runtime: Runtime, what: str, incident: str) -> list[str]:
    view = runtime.world.view(incident)
    standing = standing_of(view, _address(runtime, incident), in_utc=runtime.world.law.in_utc(view))
    head = f"*{incident}*: {blocks.escape(standing.state)}, severity {blocks.escape(standing.severity)}, "
    head += blocks.link(standing.link, "console")
    if what == "tasks":
        return [head, _listed(standing.tasks, " for ") or "No task is open."]
    if what == "clocks":
        return [head, _listed(standing.clocks, ", ") or "No duty is open by the facts that are known."]
    return [f"{head}; {_counts(view)}"]


def _counts(view: IncidentView) -> str:
    """How many tasks and duties are open, all of them; a duty without a number of hours is no limit that runs."""
    tasks, clocks = len(view.open_tasks()), list(view.open_clocks())
    limits = sum(bool(clock.due) for clock in clocks)
    without = f", {len(clocks) - limits} duties open without a fixed limit" if len(clocks) > limits else ""
    return f"{tasks} tasks wait, {limits} limits run{without}"


def _listed(lines: Sequence[Line], between: str) -> str:
    said = (f"{line.name}{between}{line.who}, {written(line.due_at)}" for line in lines)
    return "\n".join(blocks.escape(words) for words in said)


def _address(runtime: Runtime, incident: str) -> str:
    return f"{runtime.outbox.house}/incidents/{incident}"
