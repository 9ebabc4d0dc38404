"""`/firedoor start | status | clocks | tasks`: what somebody asks in Slack, answered to them alone.

Decides the words of the command, and that a list names numbers, roles and times and never a title or a question. Leaves
opening an incident to the runtime.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence

from firedoor.core.headlines import written
from firedoor.core.need_to_know import may_read
from firedoor.core.notices import standing_of
from firedoor.core.people import Person
from firedoor.core.ports import Line
from firedoor.interfaces.slack import blocks, people
from firedoor.interfaces.slack.evidence import signed_request
from firedoor.interfaces.web.access import Access
from firedoor.interfaces.web.auth import Caller
from firedoor.interfaces.web.covering import visible
from firedoor.runtime.start import Runtime
from firedoor.store import deliveries
from firedoor.store.projections import table
from firedoor.store.tables import IncidentRow

HELP = (
    "`/firedoor status [INC-...]`: what is open, or how one incident stands",
    "`/firedoor tasks [INC-...]`: what waits for whom",
    "`/firedoor clocks [INC-...]`: which legal limit is next",
    "`/firedoor start PLAYBOOK [fact=value ...] why`: open an incident",
)
MOST = 20  # incidents in one answer
_FACT = re.compile(r"([a-z][a-z0-9_]{0,62})=(\S+)")
_INCIDENT = re.compile(r"inc-\d{4}-\d{1,9}", re.IGNORECASE)


async def answer(runtime: Runtime, form: Mapping[str, str], digest: str, size: int) -> list[blocks.Block]:
    """What one command is answered with. Raises FiredoorError."""
    person = await asyncio.to_thread(people.person_of, runtime.world.store, form.get("user_id", ""))
    word, _, rest = form.get("text", "").strip().partition(" ")
    match word.lower():
        case "start":
            return await _start(runtime, rest.strip(), person, digest, size)
        case "status" | "tasks" | "clocks" as what:
            return await _look(runtime, what, rest.strip(), form.get("channel_id", ""), person)
    return blocks.listing(HELP)


async def _start(runtime: Runtime, rest: str, person: Person, digest: str, size: int) -> list[blocks.Block]:
    people.need_access(person, Access.RESPOND)
    playbook, _, rest = rest.partition(" ")
    facts: dict[str, str] = {}
    words = rest.split()
    while words and (found := _FACT.fullmatch(words[0])):
        facts[found[1]] = found[2]
        words.pop(0)
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,80}", playbook):
        known = ", ".join(sorted(runtime.shelf.plans))
        return blocks.listing([f"Which playbook? Known: {known}", HELP[-1]])
    incident = await runtime.service.open(playbook, facts, "", " ".join(words) or "started from Slack", person)
    world = runtime.world
    note = signed_request(digest, size, f"the request by which {incident} was opened", person, world.now())
    await asyncio.wrap_future(world.store.append(incident, [note], world.now()))
    where = blocks.link(_address(runtime, incident), "Open in the console")
    return blocks.listing([f"*{incident}* is open. {where}. Its channel follows, where Slack is set up for its roles."])


async def _look(runtime: Runtime, what: str, named: str, channel: str, person: Person) -> list[blocks.Block]:
    people.need_access(person, Access.READ)
    store = runtime.world.store
    if not named:
        of_channel = await asyncio.to_thread(deliveries.incident_of_channel, store.engine, "slack", channel)
        named = of_channel or ""
    if named:
        if not _INCIDENT.fullmatch(named):
            return blocks.listing(["An incident is named by its number, such as INC-2026-0001."])
        await asyncio.to_thread(people.need_reader, store, named.upper(), person)
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
    standing = standing_of(runtime.world.view(incident), _address(runtime, incident))
    head = f"*{incident}*: {blocks.escape(standing.state)}, severity {blocks.escape(standing.severity)}, "
    head += blocks.link(standing.link, "console")
    if what == "tasks":
        return [head, _listed(standing.tasks, " for ") or "No task waits."]
    if what == "clocks":
        return [head, _listed(standing.clocks, ", ") or "No limit runs."]
    return [f"{head}; {len(standing.tasks)} tasks wait, {len(standing.clocks)} limits run"]


def _listed(lines: Sequence[Line], between: str) -> str:
    said = (f"{line.name}{between}{line.who}, {written(line.due_at)}" for line in lines)
    return "\n".join(blocks.escape(words) for words in said)


def _address(runtime: Runtime, incident: str) -> str:
    return f"{runtime.outbox.house}/incidents/{incident}"
