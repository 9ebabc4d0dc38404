"""The same request sent twice, taken back, and answered and disputed: what becomes of it, and of its clocks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support.api_house import House, problems
from tests.web.public.test_takedown import DOOR, HTML, ask, body, incidents, path_of, platform, requests, taken_up

from firedoor.interfaces.web.public import pages
from firedoor.store.database.request_tables import TakedownRequestRow

KEY = {"idempotency-key": "5f0c1f0e-7d34-4f0e-9a50-2d8a5cb1c7f1"}


@pytest.fixture(name="firedoor")
async def _firedoor(tmp_path: Path) -> AsyncIterator[House]:
    async with platform(tmp_path) as built:
        yield built


async def one_of(firedoor: House) -> tuple[str, dict[str, Any]]:
    (incident,) = await incidents(firedoor)
    return incident["id"], (await requests(firedoor, incident["id"]))[0]


async def test_the_same_under_the_same_key_is_one_request(firedoor: House) -> None:
    """At the same moment, again later, and after it was taken up: the same number, address and limit."""
    stranger = firedoor.client(headers=KEY)
    answers = await asyncio.gather(*(stranger.post(DOOR, json=body()) for _ in range(5)))
    await taken_up(firedoor)
    answers.append(await stranger.post(DOOR, json=body()))
    assert {one.status_code for one in answers} == {202}
    assert len({one.text for one in answers}) == 1
    assert len(firedoor.runtime.world.store.rows(TakedownRequestRow)) == 1
    path = urlsplit(answers[0].json()["status_url"]).path
    assert (await stranger.get(path)).json()["number"] == answers[0].json()["number"]
    other = await stranger.post(DOOR, json=body(2))
    assert (other.status_code, problems(other)) == (422, ["Q120"])
    assert answers[0].json()["number"] not in other.text
    another = await firedoor.client(headers={"idempotency-key": '"another-key-of-this-program"'}).post(
        DOOR, json=body()
    )
    assert another.json()["number"] != answers[0].json()["number"]


@pytest.mark.parametrize("key", ["1", "short", "x" * 201, "a key with a\ttab inside"])
async def test_a_key_that_could_be_guessed_is_refused(firedoor: House, key: str) -> None:
    """Else whoever guesses key and words would be handed the address of somebody's request."""
    refused = await firedoor.client(headers={"idempotency-key": key}).post(DOOR, json=body())
    assert (refused.status_code, problems(refused)) == (422, ["Q121"])
    assert firedoor.runtime.world.store.rows(TakedownRequestRow) == []


async def test_the_secret_is_made_from_no_key_alone(firedoor: House, tmp_path: Path) -> None:
    """Nobody who knows the key of a program makes the address: another installation makes another one."""
    here = (await firedoor.client(headers=KEY).post(DOOR, json=body())).json()["status_url"]
    (tmp_path / "other").mkdir()
    async with platform(tmp_path / "other") as other:
        assert (await other.client(headers=KEY).post(DOOR, json=body())).json()["status_url"] != here


async def test_a_form_that_is_sent_twice_is_one_request(firedoor: House) -> None:
    """A double press leads to one page; other words from the same page come back, and go through when sent again."""
    stranger = firedoor.client()
    page = (await stranger.get("/report?lang=de", headers=HTML)).text
    once = page.split('name="once" value="')[1].split('"')[0]
    form = {"is": "me", "locators": "album 7", "asked": "declares", "language": "de", "once": once}
    sent = await asyncio.gather(*(stranger.post("/report", data=form, headers=HTML) for _ in range(3)))
    assert {one.status_code for one in sent} == {303}
    assert len({one.headers["location"] for one in sent}) == 1
    assert len(firedoor.runtime.world.store.rows(TakedownRequestRow)) == 1
    other = await stranger.post("/report", data={**form, "locators": "album 8"}, headers=HTML)
    assert (other.status_code, pages.words("de")["problem_Q120"] in other.text) == (422, True)
    fresh = other.text.split('name="once" value="')[1].split('"')[0]
    assert fresh != once
    assert "album 8" in other.text
    again = await stranger.post("/report", data={**form, "locators": "album 8", "once": fresh}, headers=HTML)
    assert again.status_code == 303
    assert again.headers["location"] != sent[0].headers["location"]


async def test_receipt_is_confirmed_on_record(firedoor: House) -> None:
    """What the person saw at once stands in the journal, with its instant: no e-mail is needed for it."""
    receipt = await ask(firedoor, body())
    incident, request = await one_of(firedoor)
    (letter,) = request["letters"]
    assert letter["letter"] == "acknowledgement"
    assert letter["at"] == request["received_at"]
    assert receipt["number"] in letter["reference"]
    assert incident


async def test_taken_back_in_two_steps_its_own_clocks_end_and_no_others(firedoor: House) -> None:
    """The first press asks; the second one ends it. The team is told, and the other request goes on."""
    receipt = await ask(firedoor, body())
    other = await ask(firedoor, {**body(2), "person": {"is": "me", "contact": "person1@example.org"}})
    stranger, path = firedoor.client(), path_of(receipt)
    asked = await stranger.post(path, data={"do": "withdraw"}, headers=HTML)
    assert (asked.status_code, pages.words("en")["withdraw_means"] in asked.text) == (200, True)
    assert (await stranger.get(path)).json()["status"] == "open"
    sure = {"do": "withdraw", "sure": "yes", "statement": "It is gone already."}
    assert (await stranger.post(path, data=sure, headers=HTML)).status_code == 303
    told = (await stranger.get(path)).json()
    assert (told["status"], told["due"], told["answer"]["outcome"]) == ("withdrawn", None, "withdrawn")
    (incident,) = await incidents(firedoor)
    by_number = {one["reference"]: one for one in await requests(firedoor, incident["id"])}
    own = by_number[receipt["number"]]
    assert own["clocks"]
    assert {clock["state"] for clock in own["clocks"]} == {"not_applicable"}
    assert "provisional" in {clock["state"] for clock in by_number[other["number"]]["clocks"]}
    await firedoor.runtime.driver.settled(incident["id"])
    messages = (await firedoor.local.get("/api/v1/messages")).json()["messages"]
    assert f"{own['name']} is withdrawn" in {one["subject"] for one in messages}
    again = await stranger.post(path, data=sure, headers=HTML)
    assert (again.status_code, pages.words("en")["problem_Q102"] in again.text) == (409, True)


async def test_a_part_is_taken_back(firedoor: House) -> None:
    """One of two places: the clock goes on for the other; both are the whole; a place of nobody's is refused."""
    places = ["https://example.org/post/1", "https://example.org/post/2"]
    receipt = await ask(firedoor, body(locators=places))
    stranger, path = firedoor.client(), path_of(receipt)
    part = {"do": "withdraw", "sure": "yes", "places": places[0]}
    foreign = await stranger.post(path, data={**part, "places": "https://example.org/post/3"}, headers=HTML)
    assert (foreign.status_code, pages.words("en")["problem_Q119"] in foreign.text) == (422, True)
    assert (await stranger.post(path, data=part, headers=HTML)).status_code == 303
    told = (await stranger.get(path)).json()
    assert (told["status"], told["withdrawn"][0]["locators"]) == ("open", [places[0]])
    assert told["due"].replace("Z", "+00:00") == receipt["due"]
    assert places[0] in (await stranger.get(path, headers=HTML)).text
    _, request = await one_of(firedoor)
    assert request["request_locators"] == [places[1]]
    assert (await stranger.post(path, data={**part, "places": places[1]}, headers=HTML)).status_code == 303
    assert (await stranger.get(path)).json()["status"] == "withdrawn"


async def test_what_is_owed_to_a_child_does_not_end_by_a_press(firedoor: House) -> None:
    """The wish is on record once and people are told; the clocks go on until somebody decides."""
    receipt = await ask(firedoor, body(age_under_18=True))
    stranger, path = firedoor.client(), path_of(receipt)
    sure = {"do": "withdraw", "sure": "yes"}
    for _ in range(2):
        assert (await stranger.post(path, data=sure, headers=HTML)).status_code == 303
    told = (await stranger.get(path)).json()
    assert (told["status"], bool(told["due"]), len(told["withdrawn"])) == ("open", True, 1)
    assert pages.words("en")["withdraw_looked_at"] in (await stranger.get(path, headers=HTML)).text
    incident, request = await one_of(firedoor)
    assert "provisional" in {clock["state"] for clock in request["clocks"]}
    answered = {"outcome": "withdrawn", "why": "Her parents asked as well; the content is gone."}
    at = f"/api/v1/incidents/{incident}/requests/{request['id']}/answer"
    assert (await firedoor.local.post(at, json=answered)).status_code == 200
    assert (await stranger.get(path)).json()["status"] == "withdrawn"


async def test_the_answer_to_a_dispute_is_on_the_page(firedoor: House) -> None:
    """Refused, disputed, looked at again: its own clock ends, the reasons stand there, and it may be said once more."""
    receipt = await ask(firedoor, body())
    stranger, path = firedoor.client(), path_of(receipt)
    incident, request = await one_of(firedoor)
    at = f"/api/v1/incidents/{incident}/requests"
    refused = {"outcome": "refused", "why": "It shows a building."}
    both = (firedoor.local, firedoor.holding("lea", "legal", "victim_support"))
    for client in both:  # the first proposes it, the second agrees
        assert (await client.post(f"{at}/{request['id']}/answer", json=refused)).status_code == 200
    said = {"do": "dispute", "statement": "I am at the window."}
    for _ in range(2):  # pressed twice
        assert (await stranger.post(path, data=said, headers=HTML)).status_code == 303
    more = await stranger.post(path, data={**said, "statement": "Look again."}, headers=HTML)
    assert (more.status_code, pages.words("en")["problem_Q118"] in more.text) == (409, True)
    await firedoor.runtime.driver.settled(incident)
    (complaint,) = [one for one in await requests(firedoor, incident) if one["kind"] == "complaint"]
    assert {clock["duty"] for clock in complaint["clocks"]} == {"uk.osa.s21_2a.complaint"}
    (open_,) = (await stranger.get(path)).json()["disputes"]
    assert (open_["status"], open_["answer"]) == ("open", None)
    assert pages.words("en")["disputed_open"] in (await stranger.get(path, headers=HTML)).text
    again = {"outcome": "refused", "why": "Nobody is at the window."}
    for client in both:
        assert (await client.post(f"{at}/{complaint['id']}/answer", json=again)).status_code == 200
    page = (await stranger.get(path, headers=HTML)).text
    assert "Nobody is at the window." in page
    assert pages.words("en")["dispute_send"] in page
    (closed,) = [one for one in await requests(firedoor, incident) if one["kind"] == "complaint"]
    assert {clock["state"] for clock in closed["clocks"]} <= {"waived", "submitted"}
