"""Attack: a sequence of calls that ends with somebody's entry in another's name, or settles what their roles may not.

Three accounts, a second token, this machine's own user, links and breaking the glass, in random order against one
house. What is asked after each call knows nothing of the code that decides: only which roles the test has given to
whom, and which roles a task named before the call. `CALLS_SEED` repeats a run; its number is printed.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.attacks.people.test_links import LAW
from tests.support.api_journey import FACTS, WORDS
from tests.support.letters import Writing, writing

from firedoor.core.journal import Entry, Kind

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

V1 = "/api/v1"
CALLS = 240
FIXED = 20261129  # under CI: a red run there is red for what was changed, and for nothing else
PEOPLE = {"Rita Roe": "responder", "Dora Dee": "dpo", "Carl Cox": "commander"}
STRANGERS = ("Dora Dee", "person:Dora Dee", "INVENTED NAME (DPO)", "root", "system:firedoor")
SETTLES = frozenset((Kind.CLOCK_SUBMITTED, Kind.CLOCK_WAIVED))
CONSENTS = ("approve", "clock", "confirm", "open-target", "review-break-glass", "review-abort", "review")


@dataclass
class Caller:
    """Somebody at a door: the name that the journal may give their deeds, and what they may settle."""

    client: httpx.AsyncClient
    name: str
    roles: frozenset[str]
    local: bool = False


@dataclass
class Link:
    """A link as it came by letter, to whom, and for which role."""

    path: str
    number: str
    to: str
    role: str
    maker: str


@dataclass
class Story:
    """The house, who calls, and what has come about."""

    built: Writing
    dice: random.Random
    callers: list[Caller]
    incident: str = ""
    links: list[Link] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    @property
    def at(self) -> str:
        """The address of the incident."""
        return f"{V1}/incidents/{self.incident}"

    def entries(self) -> list[Entry]:
        """The journal."""
        return list(self.built.runtime.world.store.entries(self.incident))

    async def tasks(self) -> list[dict[str, Any]]:
        """What is asked, as this machine's user sees it."""
        found = (await self.built.local.get(f"{self.at}/tasks")).json()["tasks"]
        return [one for one in found if one["state"] == "open"]


Done = tuple[Caller, Link | None, int]
Deed = Callable[[Story, Caller, list[dict[str, Any]]], Awaitable[Done]]


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[Writing]:
    (tmp_path / "organisation.yaml").write_text("name: Example AI\nfacts: {time_zone: Europe/Dublin}\n")
    async with writing(tmp_path) as built:
        yield built


async def test_no_sequence_of_calls_makes_somebody_another(built: Writing) -> None:
    """Every new entry names who called, or the link by which they answered; what is settled was theirs to settle."""
    seed = int(
        os.environ.get("CALLS_SEED") or (FIXED if os.environ.get("CI") else random.SystemRandom().getrandbits(32))
    )
    print(f"CALLS_SEED={seed}")  # noqa: T201 - pytest shows it where the test fails
    story = Story(built, random.Random(seed), callers(built))  # noqa: S311 - no secret
    for number in range(CALLS):
        if number % 60 == 0:  # one that has ended teaches nothing more
            story.incident, story.links = await built.open(**LAW), []
        elif number % 30 == 0:  # one whose first question is for links; with the law's facts it is a confirmation
            story.incident, story.links = await built.open(), []
            for deed in (make_link, make_link, make_link, use_link):
                await step(story, deed)
        await step(story)
    tried = ("answered", "glass", "link made", "link answered", "clock settled", "refused")
    assert [what for what in tried if not story.seen[what]] == [], story.seen


def callers(built: Writing) -> list[Caller]:
    """Three accounts by their tokens, a second token of one of them, somebody of another role, and the local user."""
    for name, role in PEOPLE.items():
        built.account(name, role)
    found = [Caller(built.holding(name, role), name, frozenset((role,))) for name, role in PEOPLE.items()]
    found.append(Caller(built.holding("Rita Roe", "responder"), "Rita Roe", frozenset(("responder",))))
    found.append(Caller(built.holding("Enno Ems", "engineering"), "Enno Ems", frozenset(("engineering",))))
    return [*found, Caller(built.local, built.app.state.keyring.user, frozenset(), local=True)]


async def step(story: Story, deed: Deed | None = None) -> None:
    """One call by somebody, and what must hold of every entry that follows from it."""
    tasks, before = await story.tasks(), len(story.entries())
    deeds = (
        answer,
        answer,
        answer,
        answer,
        glass,
        glass,
        glass,
        make_link,
        use_link,
        use_link,
        settle,
        steer,
        hand_on,
        facts,
    )
    done = deed or story.dice.choice(deeds)
    who, link, status = await done(story, story.dice.choice(story.callers), tasks)
    assert status < 500
    await story.built.runtime.driver.settled(story.incident)
    story.seen["refused" if status >= 400 else "taken"] += 1
    check(story, who, link, {task["id"]: task for task in tasks}, story.entries()[before:])


def check(story: Story, who: Caller, link: Link | None, tasks: dict[str, Any], new: list[Entry]) -> None:
    """The invariant."""
    mine = f"link:{link.number}" if link else f"person:{who.name}"
    name, roles = (link.to, frozenset((link.role,))) if link else (who.name, who.roles)
    broken = {entry.body["task"] for entry in new if entry.kind == Kind.GLASS_BROKEN}
    reviewed = {task for entry in new if (task := proposal(entry, tasks))}
    for entry in new:
        said = f"{who.name} {link or ''}: {entry.kind} by {entry.actor}: {entry.body}"
        assert entry.actor == mine or not entry.actor.startswith(("person:", "link:")), said
        if entry.actor == mine:
            assert entry.body.get("by", name) == name, said
        if entry.kind == Kind.TASK_ANSWERED:
            may_settle(story, entry, tasks, (who, link, roles), broken, reviewed)
        elif entry.kind in SETTLES and not who.local:
            asked = {role for task in tasks.values() if task["clock"] == entry.body["id"] for role in task["roles"]}
            assert link is None, said
            assert roles & asked or (broken and entry.kind == Kind.CLOCK_SUBMITTED), said
            story.seen["clock settled"] += 1


def may_settle(
    story: Story, entry: Entry, tasks: dict[str, Any], who: tuple[Caller, Link | None, frozenset[str]],
    broken: set[str], reviewed: set[str],
) -> None:  # fmt: skip
    """An answer: by a role that was asked; by the glass where none consents; by a link where nothing is decided."""
    task, (caller, link, roles) = tasks[entry.body["task"]], who
    said = f"{caller.name} {link or ''}: answered {task['id']} ({task['kind']}, for {task['roles']})"
    assert caller.local or entry.actor.startswith(("person:", "link:")), said
    if link is not None:
        assert task["kind"] not in (*CONSENTS, "submit"), said
        assert link.maker != link.to, said
    if task["id"] in broken:
        assert task["kind"] not in CONSENTS[:1] + CONSENTS[3:], said
        assert not task["clock"] or entry.body["choice"] == "submitted", said
        story.seen["glass"] += 1
    elif not caller.local and task["id"] not in reviewed:
        assert roles & set(task["roles"]), said
    story.seen["link answered" if link else "answered"] += 1


def proposal(entry: Entry, tasks: dict[str, Any]) -> str:
    """The task that an answer settles by agreeing to what somebody has proposed for it; it had to be for one's role."""
    task = tasks.get(str(entry.body.get("task")), {})
    return str((task.get("payload") or {}).get("proposed", {}).get("task", ""))


def given(story: Story, task: dict[str, Any]) -> dict[str, Any]:
    """An answer that may well be complete, now and then in another's name."""
    choice = story.dice.choice(task["choices"])
    fields = {name: WORDS.get(name, f"about {name}") for name in choice["requires"]}
    if story.dice.random() < 0.1:
        fields |= {story.dice.choice(("by", "by_id", "role", "actor")): story.dice.choice(STRANGERS)}
    return {
        "choice": choice["id"], "why": f"because of {task['name']}", "fields": fields,
        "facts": {name: FACTS[name] for name in task["asks"] if name in FACTS},
    }  # fmt: skip


async def answer(story: Story, who: Caller, tasks: list[dict[str, Any]]) -> Done:
    """Answer a task, mostly as somebody who may."""
    if not tasks:
        return who, None, 404
    task = story.dice.choice(tasks)
    able = [one for one in story.callers if one.roles & set(task["roles"])]
    who = story.dice.choice(able) if able and story.dice.random() < 0.6 else who
    sent = await who.client.post(f"{story.at}/tasks/{task['name']}/answer", json=given(story, task))
    return who, None, sent.status_code


async def glass(story: Story, who: Caller, tasks: list[dict[str, Any]]) -> Done:
    """Answer what one was not asked."""
    if not tasks:
        return who, None, 404
    timed = [task for task in tasks if task["clock"]]
    task = story.dice.choice(timed if timed and story.dice.random() < 0.6 else tasks)
    sent = await who.client.post(f"{story.at}/tasks/{task['name']}/break-glass", json=given(story, task))
    return who, None, sent.status_code


async def make_link(story: Story, who: Caller, tasks: list[dict[str, Any]]) -> Done:
    """Have a link sent, to oneself as well; the receiver keeps it."""
    if not tasks:
        return who, None, 404
    task, mail = story.dice.choice(tasks), story.built.mail
    who = story.dice.choice([who, story.callers[0], story.callers[2]])  # who may make one
    to = story.dice.choice([*PEOPLE, who.name, "INVENTED NAME (DPO)"])
    role = story.dice.choice([*task["roles"], *task["roles"], "dpo"])
    to = story.dice.choice([to, who.name, *(name for name, has in PEOPLE.items() if has == role)])
    body = {"to": to, "role": role, "hours": 1}
    sent = await who.client.post(f"{story.at}/tasks/{task['name']}/link", json=body)
    if sent.is_success:
        assert to in str(mail.letters[-1]["to"]).title().replace(".", " ")
        story.links.append(Link(story.built.link(), sent.json()["link"], to, role, who.name))
        story.seen["link made"] += 1
    return who, None, sent.status_code


async def use_link(story: Story, who: Caller, _: list[dict[str, Any]]) -> Done:
    """Answer by a link; whoever holds it is the one to whom it was sent."""
    if not story.links:
        return who, None, 404
    link = story.dice.choice(story.links)
    task = next((one for one in await story.tasks() if one["name"] == "T1"), {"choices": [{"id": "yes"}]})
    form = {"choice": story.dice.choice(task["choices"])["id"], "why": "seen", "by": story.dice.choice(STRANGERS)}
    sent = await story.built.client().post(link.path, data=form)
    return who, link, sent.status_code


async def settle(story: Story, who: Caller, _: list[dict[str, Any]]) -> Done:
    """Say that a clock was met, ask for more time, pause it, or let it run again."""
    clocks = (await story.built.local.get(f"{story.at}/clocks")).json()["clocks"]
    if not clocks:
        return who, None, 404
    clock, deed = story.dice.choice(clocks)["id"], story.dice.choice(("submit", "submit", "extend", "pause", "resume"))
    more: dict[str, dict[str, Any]] = {
        "submit": {"fields": WORDS}, "extend": {"until": "2027-12-24T10:00:00+01:00", "document": "a letter"},
        "pause": {"document": "a letter"}, "resume": {},
    }  # fmt: skip
    sent = await who.client.post(f"{story.at}/clocks/{clock}/{deed}", json={"why": "test", **more[deed]})
    return who, None, sent.status_code


async def steer(story: Story, who: Caller, _: list[dict[str, Any]]) -> Done:
    """Pause and go on: what one's role may, under one's own name."""
    body = {"action": story.dice.choice(("pause", "unpause", "unpause")), "why": "test"}
    return who, None, (await who.client.post(f"{story.at}/control", json=body)).status_code


async def hand_on(story: Story, who: Caller, tasks: list[dict[str, Any]]) -> Done:
    """Take a task over, or give it to another role: then that one is asked, and whoever gave it is not."""
    if not tasks:
        return who, None, 404
    task = story.dice.choice(tasks)
    deed, body = story.dice.choice(("claim", "reassign")), {"why": "test"}
    body |= {"role": story.dice.choice(list(PEOPLE.values()))} if deed == "reassign" else {}
    sent = await who.client.post(f"{story.at}/tasks/{task['name']}/{deed}", json=body)
    return who, None, sent.status_code


async def facts(story: Story, who: Caller, _: list[dict[str, Any]]) -> Done:
    """Correct what is known."""
    body = {"facts": {"people_affected": f"{story.dice.randint(1, 9)}..90"}, "why": "counted"}
    return who, None, (await who.client.patch(f"{story.at}/facts", json=body)).status_code
