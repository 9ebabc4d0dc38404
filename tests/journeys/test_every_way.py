"""Every example of every source, with every shipped playbook: all ways of an alert tell the same facts.

The preview, the answer to the sender, the journal, the drill and the dry run are asked at one instant. A fact that one
of them tells and another does not is a difference, and any difference fails. A playbook that an alert does not start by
itself is started for it by a person.

Every way is walked to its end for each example of a source that is code, and for one shipped mapping of each form of
body. The other mappings differ in names only: their deliveries are sent to one server for each playbook, and a drill is
no more than begun for them.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.api_house import House, house

from firedoor.alerts.registry import example_body, sources
from firedoor.alerts.shipped import shipped
from firedoor.alerts.source import AlertSource, Example, media_type
from firedoor.core.alerts.alert import Alert
from firedoor.core.alerts.intake import facts_for
from firedoor.core.playbook.playbook import Drill, DrillAlert
from firedoor.duties.catalogue import catalogue
from firedoor.runtime.config import playbooks
from firedoor.runtime.config.inventory import Organisation
from firedoor.runtime.rehearsal.delivery_preview import Previewed, previewed
from firedoor.runtime.rehearsal.drill import rehearse
from firedoor.runtime.rehearsal.drill_alert import begin, delivered
from firedoor.runtime.rehearsal.dry_run import what_would_be_done
from firedoor.runtime.rehearsal.simulation import HandClock, rehearsal_world

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
PLAYBOOKS = tuple(playbooks.all_playbooks())
SOURCES = sources().values()
LINES = "application/x-ndjson"
WAYS = ("preview", "journal", "drill", "dry run")
Facts = Mapping[str, Any]
Sent = tuple[AlertSource, int, Example]


def form_of(source: AlertSource, example: Example) -> tuple[str | None, bool, bool]:
    """What the ways could treat differently: the kind of body, whether it is a list, and whether it holds several."""
    body = example_body(example)
    return media_type(example.headers), body.lstrip()[:1] == b"[", len(source.parse(body, example.headers)) > 1


def shared_out() -> tuple[list[Sent], list[Sent]]:
    """The examples that go every way to its end, and those of mappings whose form of body one of them has."""
    whole, begun, seen = list[Sent](), list[Sent](), set[object]()
    for source in SOURCES:
        for number, example in enumerate(source.examples):
            form = form_of(source, example) if source.id in shipped() else None
            (begun if form in seen else whole).append((source, number, example))
            seen |= {form} - {None}
    return whole, begun


EXAMPLES, ALIKE = shared_out()


@dataclass
class Ways:
    """What each way tells of one alert."""

    alert: str
    facts: dict[str, Facts] = field(default_factory=dict)
    wanted: tuple[str, ...] = WAYS

    def differences(self) -> Iterator[str]:
        """Each fact that is not told alike by all of them, and each way that was not walked."""
        for name in sorted({name for told in self.facts.values() for name in told}):
            values = {way: told.get(name) for way, told in self.facts.items()}
            if len({json.dumps(value, sort_keys=True) for value in values.values()}) > 1:
                yield f"{self.alert}: {name}: {values}"
        yield from (f"{self.alert}: no {way}" for way in self.wanted if way not in self.facts)


@pytest.fixture(scope="module", name="alone_in")
def _alone_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder that holds one playbook and the parts; the same for every case, so that it is compiled once."""
    base = tmp_path_factory.mktemp("playbooks")

    def folder(playbook: str) -> Path:
        own = base / playbook
        if not own.exists():
            shutil.copytree(playbooks.folder() / playbooks.PARTS, own / playbooks.PARTS)
            shutil.copy(playbooks.find(playbook), own)
        return own

    return folder


@pytest.fixture(name="built")
async def _built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone_in: Callable[[str], Path], playbook: str
) -> AsyncIterator[House]:
    """A server whose clock stands, with one playbook."""
    monkeypatch.setenv(playbooks.ENVIRONMENT, str(alone_in(playbook)))
    async with house(tmp_path / "data") as built:
        built.runtime.world.now = lambda: NOW
        yield built


def alone(source: AlertSource, example: Example, number: int) -> Any:
    """The delivery with nothing in it but its alert of this number; of lines, that line."""
    body = example_body(example)
    if media_type(example.headers) == LINES:
        return json.loads(body.splitlines()[number])
    given = json.loads(body)
    if isinstance(given, list):  # an array of Presidio's is the findings of one alert
        return given if source.id == "presidio" else given[number : number + 1]
    return {**given, "alerts": given["alerts"][number : number + 1]} if "alerts" in given else given


async def dry_run(built: House, playbook: str, alert: Alert) -> Facts:
    """The facts with which starting the playbook for the alert would begin."""
    foreseen = await what_would_be_done(built.runtime.service, playbook, {}, alert)
    return {name: value for name, value in foreseen["facts"].items() if value is not None}


async def drilled(playbook: str, source: AlertSource, body: Any, headers: Mapping[str, str], by: str | None) -> Facts:
    """The facts with which a drill begins that this delivery opens."""
    sent = {"source": source.id, "body": body, "headers": dict(headers), "started_by": by}
    drill = Drill.model_validate({"drill": "this way", "at": NOW, "alert": sent})
    result = await asyncio.to_thread(rehearse, playbooks.compiled(playbook), drill, catalogue())
    assert result.entries, result.mismatches
    return next((entry.body["values"] for entry in result.entries if entry.kind == "facts.set"), {})


async def journalled(built: House, incident: str, fingerprint: str) -> Facts:
    """What the journal holds as told by an alert: the first facts, or those beside a further alert."""
    lines = (await built.local.get(f"/api/v1/incidents/{incident}/journal")).text.splitlines()
    entries = [json.loads(line) for line in lines]
    attached = [one["body"] for one in entries if one["kind"] == "alert.attached"]
    if attached[0]["alert"]["fingerprint"] == fingerprint:
        return next((one["body"]["values"] for one in entries if one["kind"] == "facts.set"), {})
    return next(body.get("facts", {}) for body in attached if body["alert"]["fingerprint"] == fingerprint)


async def by_a_person(built: House, playbook: str, fingerprint: str) -> str:
    """Start the playbook for an alert that triage left to a person."""
    rows = (await built.local.get("/api/v1/alerts")).json()["alerts"]
    number = next(row["id"] for row in rows if row["fingerprint"] == fingerprint)
    answer = await built.local.post(f"/api/v1/alerts/{number}/start", json={"playbook": playbook, "why": "it is this"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["incident"])


def told_alike(shown: Previewed, received: Mapping[str, Any]) -> None:
    """The sender is told what the preview says, unless the alert joins the incident of the one before it."""
    if received["decision"] != "attach":
        assert received["decision"] == shown.decided.decision
        assert tuple(received["reasons"]) == shown.decided.reasons


async def walk(built: House, playbook: str, source: AlertSource, example: Example) -> list[Ways]:
    """Walk every way of each alert of an example."""
    body, headers = example_body(example), example.headers
    shown = previewed(built.runtime.settings, source.id, body, headers, NOW).alerts
    answer = await built.local.post(f"/api/v1/alerts/{source.id}", content=body, headers=dict(headers))
    found = []
    for number, (one, received) in enumerate(zip(shown, answer.json()["alerts"], strict=True)):
        told_alike(one, received)
        starts = one.decided.decision == "start"
        chosen = facts_for(one.alert, playbook, built.runtime.service.here())[0]
        incident = received["incident"] or await by_a_person(built, playbook, received["fingerprint"])
        ways = Ways(f"{source.id} {one.alert.title}", {"preview": one.decided.facts if starts else chosen})
        ways.facts["journal"] = await journalled(built, incident, received["fingerprint"])
        ways.facts["drill"] = await drilled(
            playbook, source, alone(source, example, number), headers, None if starts else "Ada"
        )
        ways.facts["dry run"] = await dry_run(built, playbook, one.alert)
        found.append(ways)
    return found


@pytest.mark.parametrize("playbook", PLAYBOOKS)
@pytest.mark.parametrize(("source", "number", "example"), EXAMPLES, ids=lambda item: getattr(item, "file", ""))
async def test_all_ways_tell_the_same_facts(
    built: House, playbook: str, source: AlertSource, number: int, example: Example
) -> None:
    """For every alert that the example holds; and each way is as good as its facts: one taken out is seen."""
    assert source.examples[number] is example
    walked = await walk(built, playbook, source, example)
    assert walked
    assert [said for ways in walked for said in ways.differences()] == []
    for ways in walked:
        for way in WAYS:
            for name in ways.facts[way]:
                without = {one: told for one, told in ways.facts[way].items() if one != name}
                assert list(Ways(ways.alert, {**ways.facts, way: without}).differences())


def begun(built: House, playbook: str, source: AlertSource, example: Example) -> list[Facts]:
    """The facts with which a drill would begin that each alert of an example opens, alone."""
    sent = DrillAlert(source=source.id, example=example.file, started_by="Ada")
    drill, plan = Drill(drill="this way", at=NOW, alert=sent), playbooks.compiled(playbook)
    world, _ = rehearsal_world(plan, drill, catalogue(), HandClock(NOW), Organisation({}, {}))
    among = built.runtime.service.here().playbooks
    openings = [begin(world, plan, sent, among, [one], "INC-DRILL").opening for one in delivered(sent, sources())]
    return [one.facts for one in openings if one is not None]


async def set_out(built: House, playbook: str, source: AlertSource, example: Example) -> list[Ways]:
    """The cheap steps: a drill is only begun, nothing is run dry, and nobody starts what does not start by itself."""
    body, headers = example_body(example), example.headers
    shown = previewed(built.runtime.settings, source.id, body, headers, NOW).alerts
    answer = await built.local.post(f"/api/v1/alerts/{source.id}", content=body, headers=dict(headers))
    drills, found = begun(built, playbook, source, example), []
    for one, received, drill in zip(shown, answer.json()["alerts"], drills, strict=True):
        told_alike(one, received)
        chosen = facts_for(one.alert, playbook, built.runtime.service.here())[0]
        starts = one.decided.decision == "start"
        told = {"preview": one.decided.facts if starts else chosen, "drill": drill}
        if received["incident"]:
            told["journal"] = await journalled(built, received["incident"], received["fingerprint"])
        found.append(Ways(f"{source.id} {one.alert.title}", told, ("preview", "drill")))
    return found


@pytest.mark.parametrize("playbook", PLAYBOOKS)
async def test_every_mapping_sets_out_with_the_same_facts(built: House, playbook: str) -> None:
    """One server is sent the examples of all mappings whose form of body went every way above."""
    walked = [ways for source, _, example in ALIKE for ways in await set_out(built, playbook, source, example)]
    assert len(walked) >= len(ALIKE) > 0
    assert any("journal" in ways.facts for ways in walked)
    assert [said for ways in walked for said in ways.differences()] == []


def test_every_example_goes_one_of_the_two_ways() -> None:
    """None is left out; and of each form of body that a mapping has, one goes every way to its end."""
    every = [(source.id, one.file) for source in SOURCES for one in source.examples]
    assert sorted((source.id, one.file) for source, _, one in (*EXAMPLES, *ALIKE)) == sorted(every)
    whole = {form_of(source, one) for source, _, one in EXAMPLES if source.id in shipped()}
    assert {form_of(source, one) for source, _, one in ALIKE} <= whole
    assert {kind for kind, _, _ in whole} >= {"application/json", LINES}


@pytest.mark.parametrize("playbook", PLAYBOOKS[:1])
async def test_a_dry_run_for_an_alert_shows_no_sealed_fact(built: House, playbook: str) -> None:
    """What starting would do is shown to whoever may start; where a victim's content lies is not."""
    body = json.dumps({"id": "1", "severity": "low", "endpoint": "chat", "locators": ["post/8812"]}).encode()
    (told,) = (
        await built.local.post("/api/v1/alerts/generic", content=body, headers={"content-type": "application/json"})
    ).json()["alerts"]
    assert told["incident"] is None
    asked = {"playbook": playbook, "why": "looked at"}
    answer = await built.local.post("/api/v1/alerts/1/start", params={"dry_run": "true"}, json=asked)
    assert (answer.status_code, answer.json()["facts"]["endpoint"]) == (200, "chat")
    assert "post/8812" not in answer.text
    assert (await built.local.get("/api/v1/incidents")).json()["incidents"] == []
