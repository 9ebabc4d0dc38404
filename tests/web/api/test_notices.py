"""Notices over HTTP and on the console: made again from today's facts, edited, approved, frozen as sent, received."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.patience import soon
from tests.support.api_house import House, house, problems

from firedoor.core.notices.versions import clean
from firedoor.interfaces.web.http.session import COOKIE
from firedoor.store.identity.sessions import csrf_of

CLOCK = "eu.gdpr.art33.sa"
LETTER = "eu.gdpr.art34.subjects"
FACTS: dict[str, Any] = {
    "aware_at": "2026-11-20T10:00:00+00:00", "controller": "yes", "personal_data": "yes", "security_breach": "yes",
    "risk_to_people": "high", "jurisdictions": ["DE"], "people_affected": "1..500", "severity": "low",
}  # fmt: skip
ORGANISATION = "name: Example AI\nfacts: {established_in: [IE], member_state: IE, time_zone: Europe/Dublin}\n"
TEXT = "# Notification\n\nWe report what we know. The number of people is not known yet.\n"


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "organisation.yaml").write_text(ORGANISATION)
    async with house(tmp_path) as built:
        yield built


@pytest.fixture(name="at")
async def _at(built: House) -> str:
    """The address of an incident's notices."""
    incident = await built.open(**FACTS)
    while await built.runtime.watch.look():  # the limit has passed long ago: let the record say so first
        pass
    return f"/api/v1/incidents/{incident}/notices"


async def read(client: httpx.AsyncClient, address: str) -> Any:
    """JSON of an address that answers."""
    answer = await client.get(address)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def send(client: httpx.AsyncClient, address: str, **body: Any) -> Any:
    """JSON of what a change answers."""
    answer = await client.post(address, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_draft_is_made_again_when_the_facts_change(built: House, at: str) -> None:
    """What was learned since stands in it, and is no longer missing; the first draft stays evidence."""
    before = await read(built.local, f"{at}/{CLOCK}")
    body = {"facts": {"incident_description": "Record 4711 came out."}, "why": "seen"}
    assert (await built.local.patch(at.replace("notices", "facts"), json=body)).status_code == 200
    after = await read(built.local, f"{at}/{CLOCK}")
    assert "Record 4711 came out." not in before["text"]
    assert "Record 4711 came out." in after["text"]
    assert len(after["missing"]) < len(before["missing"])


async def test_an_edit_has_a_history(built: House, at: str) -> None:
    """Who, why and what changed stand in the journal; an edit of a text that has changed meanwhile is refused."""
    seen = await read(built.local, f"{at}/{CLOCK}")
    edit = {"text": TEXT, "base": seen["sha256"], "why": "legal's wording"}
    dora = built.holding("dora", "dpo")
    now = await send(dora, f"{at}/{CLOCK}/edit", **edit)
    assert (now["state"], now["text"], now["missing"]) == ("edited", TEXT, [])
    assert "+We report what we know." in now["history"][0]["diff"]
    assert now["history"][0]["by"] == "dora"
    assert problems(await dora.post(f"{at}/{CLOCK}/edit", json={**edit, "text": "x"})) == ["G110"]


async def test_nothing_is_approved_while_a_place_is_open(built: House, at: str) -> None:
    """Nor by whoever is not asked; what is approved is the text without the notes to ourselves."""
    seen = await read(built.local, f"{at}/{CLOCK}")
    dora = built.holding("dora", "dpo")
    given = {"why": "read", "base": seen["sha256"]}
    assert problems(await dora.post(f"{at}/{CLOCK}/approve", json=given)) == ["G108"]
    assert problems(await dora.post(f"{at}/{CLOCK}/approve", json={**given, "base": ""})) == ["G110"]
    now = await send(dora, f"{at}/{CLOCK}/edit", text=f"> a note\n\n{TEXT}", why="worded")
    given = {"why": "read", "base": now["sha256"]}
    assert problems(await built.holding("eve", "engineering").post(f"{at}/{CLOCK}/approve", json=given)) == ["G105"]
    done = await send(dora, f"{at}/{CLOCK}/approve", **given)
    assert (done["state"], done["text"]) == ("approved", TEXT)
    assert clean(f"> a note\n\n{TEXT}") == TEXT


SAYS = {"reference": "DPA-1", "reasons_for_delay": "found late", "channel": "the portal", "sent_at": "now"}


async def test_the_approved_text_is_frozen_as_sent(built: House, at: str) -> None:
    """The approved version is kept, byte for byte, once somebody has said that it was this one."""
    dora = built.holding("dora", "dpo")
    now = await send(dora, f"{at}/{CLOCK}/edit", text=TEXT, why="worded")
    await send(dora, f"{at}/{CLOCK}/approve", why="read", base=now["sha256"])
    sent = f"{at.replace('notices', 'clocks')}/{CLOCK}/submit"
    assert problems(await dora.post(sent, json={"why": "by the portal", "fields": SAYS})) == ["C107"]
    answered = await send(dora, sent, why="by the portal", fields={**SAYS, "version": "approved"})
    settled = answered["clock"]["settlement"]
    assert settled["as_sent"] == "approved version 4, by their word"
    found = await read(dora, f"{at}/{CLOCK}")
    assert (found["state"], found["sent"]["sha256"]) == ("sent", settled["as_sent_sha256"])
    paper = await dora.get(f"{at}/{CLOCK}/export?format=md")
    assert paper.text == TEXT


@pytest.mark.parametrize(("version", "code"), [("approved", "G115"), ("draft", "G115"), ("nowhere", "G109")])
async def test_only_a_version_that_was_approved_was_sent(built: House, at: str, version: str, code: str) -> None:
    """Nothing is settled by a draft or by a version that does not exist."""
    address = f"{at.replace('notices', 'clocks')}/{CLOCK}/submit"
    body = {"why": "sent", "fields": {**SAYS, "version": version}}
    assert problems(await built.local.post(address, json=body)) == [code]
    assert (await read(built.local, address.removesuffix(f"/{CLOCK}/submit")))["clocks"][0]["open"]


async def test_what_was_read_stands_although_a_limit_passes(built: House, at: str) -> None:
    """Time alone rewrites the draft (it is late now): whoever edits what they were shown is not sent away."""
    address = f"{at}/{CLOCK}"
    drafts = (await read(built.local, address))["drafts"]
    shown = await built.local.get(f"{address}/export?format=md&version={drafts[0]['sha256']}")
    assert "If this leaves later than" in shown.text  # as it was before the limit
    now = await read(built.local, address)
    assert now["sha256"] != drafts[0]["sha256"]
    edited = await send(built.local, f"{address}/edit", text=TEXT, base=drafts[0]["sha256"], why="worded")
    assert (edited["text"], edited["stale"]) == (TEXT, True)


async def test_what_was_read_does_not_stand_when_a_fact_was_set(built: House, at: str) -> None:
    """Somebody has touched the record: the text is to be read again."""
    seen = await read(built.local, f"{at}/{CLOCK}")
    await tell(built, at, incident_description="Record 4711 came out.")
    body = {"text": TEXT, "base": seen["sha256"], "why": "worded"}
    assert problems(await built.local.post(f"{at}/{CLOCK}/edit", json=body)) == ["G110"]


async def test_a_letter_is_chosen_by_language(built: House, at: str) -> None:
    """German people get the German letter; words that stand in another language are marked, not sent."""
    facts = {"facts": {"letter_languages": ["de"], "incident_description": "A record came out."}, "why": "DE"}
    assert (await built.local.patch(at.replace("notices", "facts"), json=facts)).status_code == 200
    german = await read(built.local, f"{at}/{LETTER}")
    assert (german["language"], german["template"]) == ("de", "letter-de")
    assert "[missing: in German: A record came out.]" in german["text"]
    english = await read(built.local, f"{at}/{LETTER}?language=en")
    assert "Dear [to fill in: the name of the person]" in english["text"]
    press = await read(built.local, f"{at}/press?language=fr")
    assert "Nous examinons un incident" in press["text"]


@pytest.mark.parametrize("learned", [{}, {"leak_kind": "training_data"}], ids=["untouched", "elsewhere"])
async def test_a_limit_that_passes_while_somebody_reads_takes_no_text_from_them(
    built: House, learned: dict[str, str]
) -> None:
    """The draft then asks for the reasons of the delay; what was read before can still be worded.

    So too where a fact was set beforehand that is in no line of it.
    """
    world = built.runtime.world
    began = world.now()
    at = f"/api/v1/incidents/{await built.open(**{**FACTS, 'aware_at': began.isoformat()})}/notices/{CLOCK}"
    if learned:
        await tell(built, at.partition(f"/{CLOCK}")[0], **learned)
    seen = await read(built.local, at)
    world.now = lambda: began + timedelta(hours=73)

    async def missed() -> Any:
        now = await read(built.local, at)
        return now if now["clock_state"] == "missed" else None

    late = await soon(missed)
    assert (seen["sha256"] == late["sha256"], "must say why" in seen["text"]) == (False, True)
    dora = built.holding("dora", "dpo")
    edit = {"text": TEXT, "base": seen["sha256"], "why": "legal's wording"}
    assert (await send(dora, f"{at}/edit", **edit))["state"] == "edited"
    assert problems(await dora.post(f"{at}/edit", json={**edit, "text": "x"})) == ["G110"]


@pytest.mark.parametrize("form", ["md", "txt", "html", "docx", "pdf"])
async def test_a_notice_goes_onto_every_kind_of_paper(built: House, at: str, form: str) -> None:
    """Each is a download with a name of ours, and the same bytes each time."""

    async def missed() -> bool:  # its limit has passed before it was opened, and the watch is about to see that
        return (await read(built.local, f"{at}/{CLOCK}"))["clock_state"] == "missed"

    await soon(missed)
    one, two = [await built.local.get(f"{at}/{CLOCK}/export?format={form}") for _ in range(2)]
    assert one.status_code == 200, one.text
    assert one.headers["content-disposition"].endswith(f'-en-draft.{form}"')
    assert one.content == two.content
    assert one.content.startswith({"docx": b"PK", "pdf": b"%PDF", "html": b"<!doctype"}.get(form, b""))


async def test_whoever_may_not_know_sealed_facts_reads_no_text(built: House) -> None:
    """A letter tells by its very template that a child may be concerned."""
    facts = {"severity": "low", "minor": "yes", "aware_at": FACTS["aware_at"]}
    incident = await built.open("nonconsensual-generation", **facts)
    at = f"/api/v1/incidents/{incident}/notices"
    viewer = built.holding("vic", "engineering")
    assert problems(await viewer.get(f"{at}/press")) == ["W103"]
    listed = await read(viewer, at)
    assert all("text" not in one and one["sealed"] for one in listed["notices"])


async def browser(built: House) -> httpx.AsyncClient:
    """This machine's user, signed in."""
    path = (await built.local.post("/api/v1/console-ticket", json={})).json()["path"]
    client = built.client()
    await client.post(path)
    return client


async def test_the_pages_lead_from_the_list_to_an_approved_text(built: House, at: str) -> None:
    """Read, edit with a reason, approve, hand in the receipt; a refusal keeps what was typed."""
    client = await browser(built)
    pages = at.removeprefix("/api/v1")
    assert f"{pages}/{CLOCK}" in (await client.get(pages)).text
    incident = pages.removesuffix("/notices")
    assert "draft, not approved" in (await client.get(incident)).text
    seen = await read(built.local, f"{at}/{CLOCK}")
    form = {"csrf": csrf_of(client.cookies[COOKIE]), "language": "en", "base": seen["sha256"], "what": "edit"}
    refused = await client.post(f"{pages}/{CLOCK}", data={**form, "text": "my words", "why": ""})
    assert "T109" in refused.text or "a reason is needed" in refused.text
    assert "my words</textarea>" in refused.text
    assert (await client.post(f"{pages}/{CLOCK}", data={**form, "text": TEXT, "why": "ok"})).status_code == 303
    assert "edited, not approved" in (await client.get(incident)).text
    now = await read(built.local, f"{at}/{CLOCK}")
    given = {**form, "base": now["sha256"], "what": "approve", "why": "read"}
    assert (await client.post(f"{pages}/{CLOCK}", data=given)).status_code == 303
    assert "approved, not sent" in (await client.get(incident)).text
    file = {"file": ("receipt.pdf", b"%PDF-1.4 receipt", "application/pdf")}
    given = {**form, "what": "receipt", "why": "by mail"}
    assert (await client.post(f"{pages}/{CLOCK}", data=given, files=file)).status_code == 303
    page = (await client.get(f"{pages}/{CLOCK}")).text
    assert "Status: <strong>approved</strong>" in page
    assert "by mail" in page


async def test_measures_of_all_incidents_are_listed(built: House, at: str) -> None:
    """The work that an incident leaves behind is found without opening it."""
    listed = await read(built.local, "/api/v1/measures?state=all")
    assert isinstance(listed["measures"], list)
    assert "<h1>Measures</h1>" in (await (await browser(built)).get("/measures")).text
    lessons = await read(built.local, at.replace("notices", "lessons"))
    assert {"agenda", "measures", "promised", "proposals", "diff"} <= set(lessons)
    assert lessons["diff"].startswith("# ")


async def tell(built: House, at: str, **facts: Any) -> None:
    """Set facts."""
    answer = await built.local.patch(at.replace("notices", "facts"), json={"facts": facts, "why": "seen"})
    assert answer.status_code == 200, answer.text


async def test_a_draft_has_a_version_for_every_turn_of_the_facts(built: House, at: str) -> None:
    """Each with its number, its entry and the facts behind it; the text of an old one can still be read."""
    await tell(built, at, incident_description="Record 4711 came out.")
    await tell(built, at, leak_kind="invented")  # this notice does not place it
    now = await read(built.local, f"{at}/{CLOCK}")
    assert [(one["number"], one["facts"]) for one in now["drafts"]] == [(1, []), (2, []), (3, ["incident_description"])]
    first = await built.local.get(f"{at}/{CLOCK}/export?format=md&version={now['drafts'][0]['sha256']}")
    assert "Record 4711" not in first.text


async def test_an_edited_text_takes_new_values_over(built: House, at: str) -> None:
    """It is told which facts changed; lines nobody worded anew follow them, the others stay and are named."""
    dora = built.holding("dora", "dpo")
    seen = await read(dora, f"{at}/{CLOCK}")
    text = seen["text"].replace("people: 1 to 500, not yet known exactly", "people: perhaps a few hundred")
    await send(dora, f"{at}/{CLOCK}/edit", text=text, why="worded")
    assert problems(await dora.post(f"{at}/{CLOCK}/take-over", json={"why": ""})) == ["G113"]
    await tell(built, at, people_affected="37", root_cause="A filter was off.")
    stale = await read(dora, f"{at}/{CLOCK}")
    assert {one["fact"]: (one["before"], one["now"]) for one in stale["facts_changed"]} == {
        "people_affected": ("1 to 500", "37"), "root_cause": ("unknown", "A filter was off."),
    }  # fmt: skip
    now = await send(dora, f"{at}/{CLOCK}/take-over", why="", base=stale["sha256"])
    assert (now["stale"], now["facts_changed"]) == (False, [])
    assert "as far as it is known: A filter was off." in now["text"]
    assert "people: perhaps a few hundred" in now["text"]
    assert now["history"][-1]["left"] == ["Categories and approximate number of people: 37"]


async def test_the_page_takes_new_values_over(built: House, at: str) -> None:
    """What changed stands on top, and one button takes it over; the history names every version."""
    client, pages = await browser(built), at.removeprefix("/api/v1")
    seen = await read(built.local, f"{at}/{CLOCK}")
    form = {"csrf": csrf_of(client.cookies[COOKIE]), "language": "en", "base": seen["sha256"], "what": "edit"}
    await client.post(f"{pages}/{CLOCK}", data={**form, "text": f"{seen['text']}\nRegards\n", "why": "ok"})
    await tell(built, at, root_cause="A filter was off.")
    page = (await client.get(f"{pages}/{CLOCK}")).text
    assert "Facts have changed since this text was written" in page
    now = await read(built.local, f"{at}/{CLOCK}")
    given = {**form, "what": "take", "base": now["sha256"], "why": ""}
    assert (await client.post(f"{pages}/{CLOCK}", data=given)).status_code == 303
    page = (await client.get(f"{pages}/{CLOCK}")).text
    assert "Facts have changed since" not in page
    assert "Version 5: edited" in page


async def test_an_authority_is_written_to_in_its_language(tmp_path: Path) -> None:
    """German for a German one, in the words of Art 33; in English it says so, until somebody says that it may be."""
    (tmp_path / "organisation.yaml").write_text(ORGANISATION.replace("IE", "DE"))
    async with house(tmp_path) as built:
        at = f"/api/v1/incidents/{await built.open(**FACTS)}/notices"
        german = await read(built.local, f"{at}/{CLOCK}")
        assert (german["language"], german["languages"][:2]) == ("de", ["de", "en"])
        assert "Wahrscheinliche Folgen der Verletzung" in german["text"]
        assert "20. November 2026" in german["text"]
        english = await read(built.local, f"{at}/{CLOCK}?language=en")
        mark = "[to fill in: whether the authority takes this text in English]"
        assert f"> This authority works in German. {mark}" in english["text"]
        assert mark in english["missing"]


async def test_what_was_worded_in_a_language_is_what_was_sent(tmp_path: Path) -> None:
    """Where nobody names the language, the text that somebody worded counts and not a draft in another one."""
    (tmp_path / "organisation.yaml").write_text(ORGANISATION.replace("IE", "DE"))
    async with house(tmp_path) as built:
        incident, dora = await built.open(**FACTS), built.holding("dora", "dpo")
        at = f"/api/v1/incidents/{incident}"
        edit = {"text": TEXT, "why": "they take English", "language": "en"}
        now = await send(dora, f"{at}/notices/{CLOCK}/edit", **edit)
        await send(dora, f"{at}/notices/{CLOCK}/approve", why="read", base=now["sha256"], language="en")
        fields = {**SAYS, "version": "approved"}
        sent = await send(dora, f"{at}/clocks/{CLOCK}/submit", why="sent", fields=fields)
        assert sent["clock"]["settlement"]["as_sent_sha256"] == now["sha256"]
