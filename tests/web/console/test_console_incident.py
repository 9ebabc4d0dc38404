"""The pages of an incident: what stands on them, what is covered, forms that act, and problems that are shown."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.support.api_house import House, house

from firedoor.core.facts import FactDefinition, FactType
from firedoor.core.history.timeline import is_key, timeline
from firedoor.core.journal import Draft, Kind
from firedoor.core.tasks.answers import Person
from firedoor.interfaces.web.console.forms import read_fact
from firedoor.interfaces.web.http.session import COOKIE
from firedoor.interfaces.web.http.words import flow, size, who
from firedoor.interfaces.web.reading.cache import forget, glance
from firedoor.interfaces.web.security.auth import Caller
from firedoor.store.identity.accounts import Account, change_account, create_account, find_account
from firedoor.store.identity.sessions import csrf_of
from firedoor.testing.passwords import quick

WORD = "a door that shuts by itself"
SECRET = "the colleague in the third office"
ROLES = ("responder", "commander", "dpo", "legal", "manager")
PAGE = {"accept": "text/html"}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    forget()
    async with house(tmp_path) as built:
        yield built


class Browser:
    """Somebody who signed in, and sends forms as the pages do."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str) -> httpx.Response:
        """A page."""
        return await self.client.get(path, headers=PAGE)

    async def send(self, path: str, **fields: object) -> httpx.Response:
        """A form, with the token of the session."""
        token = csrf_of(self.client.cookies[COOKIE])
        return await self.client.post(path, data={"csrf": token, **fields}, headers=PAGE)


async def browser(built: House, name: str, *roles: str) -> Browser:
    """A browser of somebody with these roles."""
    world, client = built.runtime.world, built.client()
    if (known := find_account(world.store, name)) is None:
        create_account(world.store, Account(name, name, frozenset(roles)), quick(WORD), world.now())
    else:
        given = {"roles": known.roles | frozenset(roles), "password": quick(WORD)}
        change_account(world.store, name, given, world.now())
    assert (await client.post("/sign-in", data={"name": name, "password": WORD})).status_code == 303
    return Browser(client)


async def test_the_page_says_what_is_known_asked_and_planned(built: House) -> None:
    """Facts with the unknown ones, the open task, every phase, and the words of the opening."""
    incident = await built.open(severity="high", people_affected="20..400")
    page = (await (await browser(built, "ann", *ROLES)).get(f"/incidents/{incident}")).text
    assert "20 to 400" in page
    assert 'st-unknown">leak kind<' in page
    assert f'href="/incidents/{incident}/tasks/T1"' in page
    for word in ("Identification", "Containment", "Remediation", "Post-incident", "you can answer"):
        assert word in page
    assert page.count("<h1") == 1
    assert "style=" not in page


async def test_a_reader_is_offered_nothing_in_vain(built: House) -> None:
    """A viewer sees the incident without links to steer, correct or download."""
    incident = await built.open()
    page = (await (await browser(built, "vic", "viewer")).get(f"/incidents/{incident}")).text
    assert "/steer?" not in page
    assert "/facts?" not in page
    assert "/evidence/" not in page


async def test_a_fact_is_corrected_with_its_reason(built: House) -> None:
    """The form leads back to the incident; the value, its history and the reason stand there afterwards."""
    incident, ann = await built.open(people_affected="20..400"), await browser(built, "ann", *ROLES)
    fields = {"name": "people_affected", "fact.people_affected.low": "30", "fact.people_affected.high": "60"}
    answer = await ann.send(f"/incidents/{incident}/facts", why="Counted in the log.", **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/incidents/{incident}#facts")
    page = (await ann.get(f"/incidents/{incident}/facts?name=people_affected")).text
    assert "30 to 60" in page
    assert "20 to 400" in page
    assert "Counted in the log." in page


async def test_a_correction_without_a_reason_keeps_what_was_typed(built: House) -> None:
    """The problem stands on the form, and so do the numbers."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    fields = {"name": "people_affected", "fact.people_affected.low": "77", "fact.people_affected.high": ""}
    answer = await ann.send(f"/incidents/{incident}/facts", why=" ", **fields)
    assert answer.status_code == 422
    assert "T109" in answer.text
    assert 'value="77"' in answer.text
    assert (await built.runtime.service.view(incident)).facts.get("people_affected") is None


async def test_steering_shows_first_what_it_leads_to(built: House) -> None:
    """Looking changes nothing; pressing pauses by name with the reason, and the page says so."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    told = (await ann.get(f"/incidents/{incident}/steer?action=pause")).text
    assert "Tasks that wait for people: T1" in told
    assert (await built.runtime.service.view(incident)).paused is None
    answer = await ann.send(f"/incidents/{incident}/steer", action="pause", why="The gateway team asked.")
    assert answer.status_code == 303
    assert "The gateway team asked." in (await ann.get(f"/incidents/{incident}")).text


async def test_steering_that_is_refused_says_why(built: House) -> None:
    """A decision is a person's to answer, never skipped; an action that does not exist is named."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    refused = await ann.get(f"/incidents/{incident}/steer?action=skip&operation=identification.incident-type")
    assert "O124" in refused.text
    assert "<textarea" not in refused.text
    assert (await ann.get(f"/incidents/{incident}/steer?action=explode")).status_code == 422
    dpo = await browser(built, "dora", "dpo")
    assert (await dpo.get(f"/incidents/{incident}/steer?action=pause")).status_code == 403


async def test_a_legal_hold_is_placed_and_released(built: House) -> None:
    """By somebody who may; the page shows it while it lasts."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    assert (await ann.send(f"/incidents/{incident}/legal-hold", release="no", why="A suit.")).status_code == 303
    assert "Nothing that was closed can be reopened" in (await ann.get(f"/incidents/{incident}")).text
    assert (await ann.send(f"/incidents/{incident}/legal-hold", release="yes", why="Settled.")).status_code == 303
    assert (await built.runtime.service.view(incident)).legal_hold is None


async def test_readers_are_named_and_everybody_else_is_kept_out(built: House) -> None:
    """Pages about it answer 403, and no list, filter or search finds it."""
    answer = await built.local.post(
        "/api/v1/incidents", json={"playbook": "model-data-leakage", "title": SECRET, "facts": {"severity": "high"}}
    )
    incident, ann = answer.json()["incident"], await browser(built, "ann", *ROLES)
    assert (await ann.send(f"/incidents/{incident}/readers", who="some", roles="dpo", why="x")).status_code == 303
    eve = await browser(built, "eve", "manager", "commander")
    for path in ("", "/timeline", "/facts", "/tasks/T1", "/steer?action=pause", "/readers"):
        refused = await eve.get(f"/incidents/{incident}{path}")
        assert refused.status_code == 403, path
        assert SECRET not in refused.text
    assert incident in (await eve.get("/incidents")).text
    for path in ("/incidents?severity=high", "/incidents?q=colleague", "/tasks?whose=all", "/clocks?which=all"):
        page = (await eve.get(path)).text
        assert incident not in page, path
    assert SECRET in (await ann.get("/incidents?q=colleague")).text


async def test_a_sealed_fact_stays_covered(built: House) -> None:
    """Somebody without the role sees that it is known; its words stand nowhere, the reason of its change included."""
    incident = await built.open("nonconsensual-generation", requester_contact=SECRET)
    manager, legal = await browser(built, "mia", "manager"), await browser(built, "leo", "legal")
    for path in ("", "/timeline", "/facts?name=requester_contact", "/tasks/T1"):
        assert SECRET not in (await manager.get(f"/incidents/{incident}{path}")).text, path
    assert "sealed" in (await manager.get(f"/incidents/{incident}")).text
    assert SECRET in (await legal.get(f"/incidents/{incident}")).text


async def test_a_long_incident_is_shown_in_parts(built: House) -> None:
    """The page names how many lines there are and shows few; the timeline has them all, page by page."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    world = built.runtime.world
    notes = [Draft(Kind.NOTE, "person:ann", {"text": f"Sample {number}."}) for number in range(450)]
    world.store.append(incident, notes, world.now()).result()
    page = (await ann.get(f"/incidents/{incident}")).text
    assert page.count("Note: Sample") < 60
    assert "Sample 449." in page
    last = (await ann.get(f"/incidents/{incident}/timeline?page=3")).text
    assert "Opened: " in last
    assert "Page 3 of 3" in last
    assert "Sample 449." not in last
    assert "Playbook model-data-leakage" not in (await ann.get(f"/incidents/{incident}/timeline?key=1&page=3")).text


async def test_what_is_kept_in_memory_is_of_one_head(built: House) -> None:
    """Read once while nothing happens, read anew from there when something did, and never for the wrong reader."""
    incident = await built.open()
    caller = Caller(_person("viewer"))
    first = await glance(built.runtime, incident, caller)
    assert (await glance(built.runtime, incident, caller)) is first
    world = built.runtime.world
    world.store.append(incident, [Draft(Kind.NOTE, "person:ann", {"text": "More."})], world.now()).result()
    second = await glance(built.runtime, incident, caller)
    assert second.entries[: len(first.entries)] == first.entries
    assert second.view.head.seq == first.view.head.seq + 1
    assert (await glance(built.runtime, incident, Caller(_person("legal")))) is not second


async def test_the_key_lines_are_those_of_the_timeline(built: House) -> None:
    """What is said without making a line is what the line itself says."""
    incident = await built.open(severity="high")
    found = await glance(built.runtime, incident, Caller(_person("legal")))
    lines = timeline(found.entries, found.names, found.definitions)
    assert [line["key"] for line in lines] == [is_key(entry, found.names) for entry in found.entries]
    assert {line["key"] for line in lines} == {True, False}


async def test_the_list_is_filtered_searched_and_paged(built: House) -> None:
    """By severity, type, state and words of the title; fifty to a page."""
    for number in range(3):
        body = {"playbook": "model-data-leakage", "title": f"Leak 100% no. {number}", "facts": {"severity": "low"}}
        await built.local.post("/api/v1/incidents", json=body)
    await built.open("unauthorized-training", severity="critical")
    ann = await browser(built, "ann", *ROLES)
    assert "3 incidents" in (await ann.get("/incidents?severity=low")).text
    assert "1 incident<" in (await ann.get("/incidents?type=unauthorized_ai_training")).text
    assert "1 incident<" in (await ann.get("/incidents?q=100%25+no.+2")).text
    assert "0 incidents" in (await ann.get("/incidents?q=1000+no")).text
    assert "0 incidents" in (await ann.get("/incidents?open=false")).text


async def test_tasks_and_clocks_are_listed_over_all_incidents(built: House) -> None:
    """One's own tasks first; everybody's on demand; the clocks of an incident once they run."""
    facts = {"established_in": "DE", "controller": "yes", "personal_data": "yes", "security_breach": "yes",
             "risk_to_people": "risk", "aware_at": "2026-11-20T10:00:00Z"}  # fmt: skip
    incident = await built.open(**facts)
    cleo, ann = await browser(built, "cleo", "communications"), await browser(built, "ann", *ROLES)
    assert "No open tasks for you" in (await cleo.get("/tasks")).text
    assert f"/incidents/{incident}/tasks/T1" in (await cleo.get("/tasks?whose=all")).text
    assert f"/incidents/{incident}/tasks/T1" in (await ann.get("/tasks")).text
    assert f'href="/incidents/{incident}/clocks/' in (await ann.get("/clocks")).text
    assert re.search(r"Europe|UTC", (await ann.get(f"/incidents/{incident}")).text)


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (FactType.COUNT, {"fact.x.low": "3", "fact.x.high": ""}, "3.."),
        (FactType.COUNT, {"fact.x.low": "", "fact.x.high": ""}, None),
        (FactType.COUNT, {"fact.x": "unknown", "fact.x.low": "3"}, "unknown"),
        (FactType.LIST, {"fact.x": ["DE", "FR, IT"]}, ["DE", "FR", "IT"]),
        (FactType.INSTANT, {"fact.x": "2026-07-01T10:00", "fact.x.zone": "Europe/Berlin"}, "2026-07-01T10:00:00+02:00"),
        (FactType.INSTANT, {"fact.x": "soon", "fact.x.zone": "UTC"}, "soon"),
        (FactType.INSTANT, {"fact.x": "2026-07-01T10:00", "fact.x.zone": "../etc"}, "2026-07-01T10:00"),
        (FactType.FLAG, {"fact.x": ""}, None),
        (FactType.TEXT, {"fact.x": " words "}, "words"),
    ],
)
def test_inputs_become_written_forms(kind: FactType, given: dict[str, object], expected: object) -> None:
    """Each type of fact has its own input; what was left empty says nothing."""
    assert read_fact(FactDefinition(name="x", type=kind), "", given) == expected


@pytest.mark.parametrize(("at", "code"), [("2026-10-25T02:30", "T104"), ("2026-03-29T02:30", "T103")])
async def test_a_time_that_never_was_or_was_twice_is_asked_again(built: House, at: str, code: str) -> None:
    """A limit must not hang on a guess: the page says so and names UTC, in which every time is one."""
    incident, ann = await built.open(), await browser(built, "ann", *ROLES)
    fields = {"name": "aware_at", "fact.aware_at": at, "fact.aware_at.zone": "Europe/Berlin", "why": "The mail."}
    refused = await ann.send(f"/incidents/{incident}/facts", **fields)
    assert (refused.status_code, code in refused.text, "choose the zone UTC" in refused.text) == (422, True, True)
    assert (await built.runtime.service.view(incident)).facts.get("aware_at") is None


def test_words_for_people() -> None:
    """Actors, sizes, and texts that were broken by the width of their file."""
    assert (who("person:ann"), who("source:generic"), who("firedoor")) == ("ann", "the source generic", "firedoor")
    assert (size(12), size(2048), size(3 << 20)) == ("12 bytes", "2.0 KiB", "3.0 MiB")
    assert flow(f"{'x' * 80}\nnext\n- one\n- two\n") == f"{'x' * 80} next\n- one\n- two"


def _person(role: str) -> Person:
    return Person("somebody", frozenset((role,)))
