"""Reports that people send, and letters to whoever posted: written from the record, approved, sent by a named person.

Each scenario runs on the real engine and the API, and reads the paper as its reader would.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree
from tests.support.api_house import House, house, problems

from firedoor.core.access.security import SecurityKind
from firedoor.store.incidents.security import security_entries

NCII = "nonconsensual-generation"
TIP, US = "us.2258a.report", "us.tida.s3.removal"
PROFILE = """name: Example House
contact_email: reports@example.org
facts: {established_in: [US, IE], serves: [US, FR], covered_platform: yes, us_communications_provider: yes,
        hosting_service: yes, online_platform: yes, time_zone: America/New_York}
"""
ROLES = ("commander", "legal", "dpo", "victim_support")
SENT = {"version": "approved", "channel": "the portal", "sent_at": "now", "reference": "report 4711"}
PERSON, MAIL, PLACE = "Zenobia Invented", "zenobia@example.org", "https://example.org/post/8812"


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "organisation.yaml").write_text(PROFILE)
    async with house(tmp_path) as built:
        yield built


async def good(answer: httpx.Response) -> Any:
    """JSON of an answer that is no refusal."""
    assert answer.status_code < 300, answer.text
    return answer.json()


def taken(built: House) -> list[tuple[str, str, str]]:
    """What the security journal says was taken out: what, of which notice, in which format."""
    built.runtime.security.look(last=True)
    found = security_entries(built.runtime.world.store, kinds=(SecurityKind.EXPORTED,))
    return [(one.body["what"], one.body["clock"], one.body["format"]) for one in found]


async def filled(client: httpx.AsyncClient, place: str, **values: str) -> str:
    """Fill every place of a notice as a person would, keep the text, and have it approved. Returns the text."""
    seen = await good(await client.get(place))
    text = "\n".join(_line(line, values) for line in seen["text"].splitlines()) + "\n"
    assert "[missing" not in text, text
    kept = await good(await client.post(f"{place}/edit", json={"text": text, "why": "known", "base": seen["sha256"]}))
    answer = await client.post(f"{place}/approve", json={"why": "read", "base": kept["sha256"]})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["text"])


def _line(line: str, values: dict[str, str]) -> str:
    title = re.sub(r"^- (.*?): .*$", r"\1", line)
    words = values.get(title.lower().replace(" ", "_")[:40], "not known")
    known = title.lower().replace(" ", "_")[:40] in values and line.startswith("- ")
    return f"- {title}: {words}" if known else re.sub(r"\[missing: [^\]]+\]", words, line)


async def test_a_tip_goes_as_it_was_approved_and_meets_the_duty(built: House) -> None:
    """Its draft is filled from the record, the file is made from the approved text, and a named person sends it."""
    facts = {"minor": "yes", "apparent_child_abuse_material": "yes", "actual_knowledge": "yes",
             "known_at": "2026-11-30T10:00:00+00:00", "occurred_at": "2026-11-29T09:00:00+00:00",
             "reported_elsewhere": "no", "endpoint": "image-gen", "severity": "high"}  # fmt: skip
    incident = await built.open(NCII, **facts)
    lea = built.holding("lea", *ROLES)
    place = f"/api/v1/incidents/{incident}/notices/{TIP}"
    draft = await good(await lea.get(place))
    assert draft["template"] == "ncmec-cybertip"
    assert "- Type of incident: Child Pornography (possession, manufacture, and distribution)" in draft["text"]
    assert "- Date and time of the incident: 2026-11-29T09:00:00+00:00" in draft["text"]
    assert "- E-mail of the person who reports: reports@example.org" in draft["text"]
    assert any("legal can answer" in one for one in draft["missing"])
    assert problems(await lea.get(f"{place}/file")) == ["G123"]
    assert not taken(built)
    clocks = f"/api/v1/incidents/{incident}/clocks/{TIP}/submit"
    assert problems(await lea.post(clocks, json={"why": "sent", "fields": SENT})) == ["G115"]
    await filled(lea, place, first_name_of_the_person_who_reports="Lea", last_name_of_the_person_who_reports="Legal")
    assert problems(await lea.get(f"{place}/file?kind=json")) == ["G122"]
    tip = etree.fromstring((await lea.get(f"{place}/file")).content)
    assert tip.findtext("incidentSummary/incidentDateTime") == "2026-11-29T09:00:00+00:00"
    assert tip.findtext("reporter/reportingPerson/lastName") == "Legal"
    assert taken(built) == [("notice", TIP, "xml")]
    settled = (await good(await lea.post(clocks, json={"why": "sent", "fields": SENT})))["clock"]["settlement"]
    assert settled["reference"] == "report 4711"
    await built.runtime.driver.settled(incident)
    held = (await good(await lea.get(f"/api/v1/incidents/{incident}/clocks")))["clocks"]
    assert "us.2258a.preserve" in {one["duty"] for one in held}
    listed = {one["clock"] for one in (await good(await lea.get(f"/api/v1/incidents/{incident}/notices")))["notices"]}
    assert {"iwf", "inhope", "press"} <= listed
    assert "stopncii" not in listed
    assert not any(one.startswith("statement-of-reasons") for one in listed)


async def removed(built: House, **facts: str) -> tuple[str, httpx.AsyncClient]:
    """An incident in which the request of a person was answered: the content is gone."""
    given = {"minor": "no", "endpoint": "image-gen", "severity": "high", "intimate_content": "yes",
             "published_without_consent": "yes", **facts}  # fmt: skip
    incident = await built.open(NCII, **given)
    lea = built.holding("lea", *ROLES)
    at = f"/api/v1/incidents/{incident}/requests"
    told = {"kind": "removal", "requester": PERSON, "requester_contact": MAIL, "locators": [PLACE], "why": "a letter"}
    await good(await lea.post(at, json=told))
    await built.runtime.driver.settled(incident)
    gone = {"outcome": "removed", "why": f"gone, {PERSON} was told", "reference": "ticket 77", "channel": "e-mail",
            "sent_at": "now", "version": "none"}  # fmt: skip
    await good(await lea.post(f"{at}/R1/answer", json=gone))
    await built.runtime.driver.settled(incident)
    return incident, lea


REASONS = {
    "which_of_your_content_this_is_about": "your post of 1 November", "what_we_did": "removed",
    "where_it_applies": "everywhere", "how_long_it_applies": "for good", "the_facts_that_we_relied_on": "the post",
    "whether_automated_means_found_it": "no", "whether_automated_means_took_part_in_the": "no",
    "on_which_ground": "illegal content", "the_law_that_it_breaks": "a law of the land",
    "why_we_consider_it_illegal": "it is published without consent",
}  # fmt: skip


async def test_whoever_posted_is_told_why_and_of_whom_never(built: House) -> None:
    """The elements of Art. 17(3); neither letter nor file names who asked, and the letter is sent like any other."""
    incident, lea = await removed(built)
    base = f"/api/v1/incidents/{incident}/notices"
    listed = {one["clock"] for one in (await good(await lea.get(base)))["notices"]}
    assert {"statement-of-reasons-R1", "dsa-transparency-database-R1", "stopncii"} <= listed
    place = f"{base}/statement-of-reasons-R1"
    draft = (await good(await lea.get(place)))["text"]
    assert not any(word in draft for word in (PERSON, MAIL, PLACE))
    assert "at least six months" in draft
    assert "- Whether we acted on a notice or on our own: a notice was received" in draft
    seen = await good(await lea.get(place))
    named = re.sub(r"\[missing: [^\]]+\]", f"asked by {PERSON.upper()}", seen["text"])
    kept = await good(await lea.post(f"{place}/edit", json={"text": named, "why": "x", "base": seen["sha256"]}))
    refused = await lea.post(f"{place}/approve", json={"why": "x", "base": kept["sha256"]})
    assert set(problems(refused)) == {"G119"}
    assert "must not learn of" in refused.text
    text = await filled(lea, place, **REASONS)
    assert "To: whoever posted the content" in text
    assert problems(await lea.post(f"{place}/sent", json={**SENT, "sent_at": ""})) == ["C107"]
    assert problems(await lea.post(f"{place}/sent", json={**SENT, "version": "draft"})) == ["G115"]
    assert problems(await built.holding("vic", "victim_support").post(f"{place}/sent", json=SENT)) == ["G105"]
    sent = await good(await lea.post(f"{place}/sent", json=SENT))
    assert sent["state"] == "sent"
    kept = sent["sent"]
    assert (kept["channel"], kept["reference"], kept["by"]) == ("the portal", "report 4711", "lea")
    assert (await lea.get(f"{place}/export?format=md")).text == text
    ground = json.loads((await lea.get(f"{place}/file?kind=json")).content)["fields"]["legal_why"]
    assert ground == "it is published without consent"
    assert problems(await lea.post(f"{base}/{US}/sent", json=SENT)) in (["G121"], ["C101"])


async def test_the_statement_for_the_database_holds_no_personal_data(built: House) -> None:
    """The published names and answers; an address of the post or an e-mail in it is refused."""
    incident, lea = await removed(built)
    place = f"/api/v1/incidents/{incident}/notices/dsa-transparency-database-R1"
    values = {
        "restriction_of_visibility": "DECISION_VISIBILITY_CONTENT_REMOVED", "ground": "DECISION_GROUND_ILLEGAL_CONTENT",
        "law_that_the_content_breaks": "a law", "why_it_is_illegal": f"posted at {PLACE}",
        "type_of_content": "CONTENT_TYPE_SYNTHETIC_MEDIA", "day_on_which_it_was_posted": "2026-11-01",
        "facts_and_circumstances_(no_personal_dat": "an image", "source": "SOURCE_ARTICLE_16",
        "detected_by_automated_means": "No", "decided_by_automated_means": "AUTOMATED_DECISION_NOT_AUTOMATED",
    }  # fmt: skip
    with pytest.raises(AssertionError, match="no personal data"):
        await filled(lea, place, **values)
    await filled(lea, place, **{**values, "why_it_is_illegal": "published without consent"})
    made = json.loads((await lea.get(f"{place}/file?kind=json")).content)
    assert made["puid"] == f"{incident}-R1"
    assert made["category"] == "STATEMENT_CATEGORY_CYBER_VIOLENCE"
    assert made["category_specification"] == ["KEYWORD_NON_CONSENSUAL_IMAGE_SHARING"]
    assert made["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_REMOVED"]


@pytest.mark.parametrize("facts", [{"minor": "unknown"}, {"law_enforcement_delay": "yes"}])
async def test_nothing_is_said_where_silence_is_owed(built: House, facts: dict[str, str]) -> None:
    """Not where a child may be shown, nor where law enforcement asks for silence: no such letter can be approved."""
    incident, lea = await removed(built)
    base = f"/api/v1/incidents/{incident}/notices"
    await good(await lea.patch(base.replace("notices", "facts"), json={"facts": facts, "why": "told"}))
    await built.runtime.driver.settled(incident)
    listed = {one["clock"] for one in (await good(await lea.get(base)))["notices"]}
    assert not any(one.startswith("statement-of-reasons") for one in listed)
    with pytest.raises(AssertionError, match="told nothing"):
        await filled(lea, f"{base}/statement-of-reasons-R1", **REASONS)


async def test_an_appeal_is_decided_by_somebody_else(built: House) -> None:
    """A complaint of whoever posted has a clock of its own, and its letter names nobody of the other side."""
    incident, lea = await removed(built)
    base = f"/api/v1/incidents/{incident}"
    appeal = {"kind": "appeal", "requester": "Poster Invented", "why": "They say that they had agreed."}
    one = (await good(await lea.post(f"{base}/requests", json=appeal)))["request"]
    await built.runtime.driver.settled(incident)
    one = (await good(await lea.get(f"{base}/requests/{one['name']}")))["request"]
    assert [clock["duty"] for clock in one["clocks"]] == ["eu.dsa.art20.complaint"]
    assert one["clocks"][0]["due"] is None
    clock = one["clocks"][0]["id"]
    draft = (await good(await lea.get(f"{base}/notices/{clock}")))["text"]
    assert "# Our decision on your complaint" in draft
    assert PERSON not in draft
    kept = {"outcome": "refused", "why": "The person had not agreed.", "ground": "lawful"}
    assert problems(await lea.post(f"{base}/requests/R2/answer", json=kept)) == ["Q107"]
    assert problems(await built.local.post(f"{base}/requests/R2/answer", json=kept)) == ["Q107"]
    kim, max_ = built.holding("kim", *ROLES), built.holding("max", *ROLES)
    waits = (await good(await kim.post(f"{base}/requests/R2/answer", json=kept)))["request"]
    assert (waits["open"], waits["proposed"]["by"]) == (True, "kim")
    assert problems(await kim.post(f"{base}/requests/R2/answer", json=kept)) == ["Q106"]
    done = (await good(await max_.post(f"{base}/requests/R2/answer", json=kept)))["request"]
    assert (done["status"], done["answer"]["by"]) == ("refused", "kim and max")
