"""Asks the doors of the inventory whether what was removed is gone: the old version, the new one, those made from it.

Decides that questions go where callers ask (the probe of a target), at most a few at a time; that no text leaves in the
answer, only ids and counts; and that a model made from this one and not asked is a question. Leaves what is asked and
what answers prove to `core.removal`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.connectors.parts.probes import ask
from firedoor.core.inventory.affected import affected
from firedoor.core.inventory.graph import graph_of
from firedoor.core.json_types import Json
from firedoor.core.problems import InvalidInput, NotFound, Problem, nearest
from firedoor.core.removal import verdict
from firedoor.core.removal.asking import Question, Row, body_with, familiarity, questions, rows, said, shows
from firedoor.core.removal.verdict import Asked, Outcome, outcomes, together
from firedoor.core.targets import HttpProbe, Inventory
from firedoor.core.ternary import NO, YES
from firedoor.runtime.config.container import utc_now
from firedoor.runtime.config.inventory import read_inventory
from firedoor.runtime.config.secrets import ReferencedSecrets
from firedoor.runtime.config.settings import Settings

AT_ONCE = 4
MAXIMUM_FILE = 64 * 1024**2
MAXIMUM_ANSWER = 1024**2
MAXIMUM_QUESTIONS = 50_000  # of one version
METHOD = "fixed questions through the callers' own door; exact binomial intervals (95 %); rank test for membership"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of which targets. `before` is a target that still serves the old version."""

    target: str
    prompts: Path
    canaries: Path
    before: str = ""
    repeat: int = 1
    derived: bool = False


def removal(settings: Settings, wanted: Wanted) -> dict[str, Json]:
    """The proof as JSON. Raises InvalidInput and NotFound; a door that does not answer is counted, not raised."""
    inventory = read_inventory(settings.targets_file)
    contents = {path.name: _content(path) for path in (wanted.prompts, wanted.canaries)}
    texts = [
        *rows(wanted.prompts.name, contents[wanted.prompts.name], canaries=False),
        *rows(wanted.canaries.name, contents[wanted.canaries.name], canaries=True),
    ]
    made_from = _made_from(inventory, wanted.target)
    names = [wanted.target, *([wanted.before] if wanted.before else []), *(made_from if wanted.derived else ())]
    probes = {name: _probe(inventory, name) for name in dict.fromkeys(names)}
    asked = asyncio.run(_all(settings, probes, texts, wanted.repeat))
    body = _report(wanted, asked, made_from)
    return {**body, "inputs": {name: hashlib.sha256(one).hexdigest() for name, one in contents.items()}}


def _report(wanted: Wanted, asked: Mapping[str, Asked], made_from: Sequence[str]) -> dict[str, Json]:
    before = asked.get(wanted.before)
    tests = outcomes(asked[wanted.target], before)
    derived = {name: outcomes(asked[name], before) for name in made_from if name in asked}
    result = together([*tests, *(one for found in derived.values() for one in found)])
    return {
        "target": wanted.target, "before": wanted.before or None, "result": result,
        "tests": [one.as_json() for one in tests], "still_shown": list(asked[wanted.target].shown),
        "unanswered": {name: one.unanswered for name, one in asked.items()},
        "derived": [{"target": name, "result": together(derived[name]) if name in derived else "not_asked",
                     "tests": [one.as_json() for one in derived.get(name, ())]} for name in made_from],
        "questions": _open(wanted, asked, tests, [name for name in made_from if name not in derived]),
        "cannot_prove": list(verdict.CANNOT_PROVE), "method": METHOD,
    }  # fmt: skip


def _open(wanted: Wanted, asked: Mapping[str, Asked], tests: Sequence[Outcome], not_asked: Sequence[str]) -> list[Json]:
    """What a person has to settle before this is a proof."""
    found: list[Json] = [f"{one.test}: {one.why}" for one in tests if one.said == "unknown"]
    for name, one in asked.items():
        if one.closed:
            found.append(f"{name} refused {one.closed} questions: a closed door proves nothing")
        if one.unanswered:
            found.append(f"{name} did not answer {one.unanswered} questions; they are counted neither way")
    if not wanted.before:
        found.append("which target still serves the old version? Name it by --before")
    if not_asked:
        found.append(f"made from it and not asked: {', '.join(not_asked)}; ask them too by --derived")
    return found


def _made_from(inventory: Inventory, name: str) -> tuple[str, ...]:
    """The other targets that serve this model or one that was made from it."""
    if name not in inventory.targets:
        known = inventory.targets
        message = f'the inventory has no target "{name[:80]}"'
        raise NotFound(Problem(code="N104", message=message, do=nearest(name[:80], known)))
    return affected(graph_of(inventory), [f"target:{name}"]).targets()


def _probe(inventory: Inventory, name: str) -> HttpProbe:
    target = inventory.targets.get(name)
    if target is None:
        message = f'the inventory has no target "{name[:80]}"'
        raise NotFound(Problem(code="N104", message=message, do=nearest(name[:80], inventory.targets)))
    probe = target.probe
    if not isinstance(probe, HttpProbe):
        do = "write the request of a caller as its probe: url, method, json"
        raise InvalidInput(Problem(code="X302", message=f"{name} has no probe over HTTP", do=do))
    if body_with(probe.json_body, "x") is None:
        do = "write {{ prompt }} where the prompt goes in `json` of its probe"
        raise InvalidInput(Problem(code="X302", message=f"the probe of {name} has no place for a prompt", do=do))
    return probe


async def _all(
    settings: Settings, probes: Mapping[str, HttpProbe], texts: Sequence[Row], repeat: int
) -> dict[str, Asked]:
    client = open_client(settings.certificates)
    try:
        context = ConnectorContext(client, ReferencedSecrets(), utc_now, Inventory())
        return {name: await _Version(context, probe).asked(texts, repeat) for name, probe in probes.items()}
    finally:
        await client.aclose()


class _Version:
    """One door, and what came out of it so far."""

    def __init__(self, context: ConnectorContext, probe: HttpProbe) -> None:
        self.context, self.probe, self.places = context, probe, asyncio.Semaphore(AT_ONCE)
        self.hits, self.answers = Counter[tuple[str, bool]](), Counter[tuple[str, bool]]()
        self.shown: dict[str, None] = {}
        self.scores: dict[bool, list[float]] = {True: [], False: []}
        self.unanswered = self.closed = 0

    async def asked(self, texts: Sequence[Row], repeat: int) -> Asked:
        """Ask everything; the order of answers changes no count."""
        of_texts = [one for row in texts if row.test != "membership" for one in questions(row) for _ in range(repeat)]
        members = [row for row in texts if row.test == "membership"]
        if len(of_texts) + len(members) > MAXIMUM_QUESTIONS:
            do = "give fewer rows, or a smaller --repeat"
            message = f"{len(of_texts) + len(members)} questions are more than {MAXIMUM_QUESTIONS}"
            raise InvalidInput(Problem(code="X303", message=message, do=do))
        for start in range(0, len(of_texts), 200):
            await asyncio.gather(*(self._text(one) for one in of_texts[start : start + 200]))
        for start in range(0, len(members), 200):
            await asyncio.gather(*(self._member(row) for row in members[start : start + 200]))
        tests = sorted({test for test, _ in self.answers} | {row.test for row in texts if row.test != "membership"})
        counts = [{test: (self.hits[test, c], self.answers[test, c]) for test in tests} for c in (False, True)]
        return Asked(
            counts[0], counts[1], tuple(sorted(self.shown)), self.scores[False], self.scores[True], self.unanswered,
            self.closed,
        )  # fmt: skip

    async def _text(self, question: Question) -> None:
        content = await self._answer(question.prompt)
        if content is None:
            return
        key = (question.row.test, question.row.control)
        self.answers[key] += 1
        if shows(question, said(content)):
            self.hits[key] += 1
            if not question.row.control:
                self.shown[question.row.id] = None

    async def _member(self, row: Row) -> None:
        content = await self._answer(row.text)
        score = familiarity(content) if content is not None else None
        if score is not None:
            self.scores[row.control].append(score)
        elif content is not None:
            self.unanswered += 1  # it answers, and tells no probability

    async def _answer(self, prompt: str) -> bytes | None:
        async with self.places:
            serving, content = await ask(
                self.context, self.probe, body_with(self.probe.json_body, prompt), MAXIMUM_ANSWER
            )
        if serving is YES:
            return content
        if serving is NO:
            self.closed += 1
        else:
            self.unanswered += 1
        return None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            found = file.read(MAXIMUM_FILE + 1)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise NotFound(Problem(code="U103", message=message, do="check the path")) from None
    if len(found) > MAXIMUM_FILE:
        message = f"{path} is larger than {MAXIMUM_FILE // 1024**2} MiB"
        raise InvalidInput(Problem(code="U109", message=message, do="give it in parts"))
    return found
