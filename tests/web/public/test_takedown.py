"""The door for people without an account, as they and their programs use it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
import yaml
from sqlalchemy import update
from tests.support.api_house import House, house, problems

from firedoor.core.problems import Refused
from firedoor.core.requests.submission import read
from firedoor.interfaces.web.public import pages
from firedoor.interfaces.web.public.door_limits import ALL, ONE_PLACE, DoorLimits, TooMany, neighbourhood
from firedoor.store.database.request_tables import TakedownRequestRow
from firedoor.store.database.sealing import sealed
from firedoor.store.database.sql import table
from firedoor.store.identity import takedown_requests as store
from firedoor.store.identity.sealed_values import REQUESTS

DOOR = "/api/v1/takedown-requests"
TICKS = ["no_consent", "intimate", "standing", "truth"]
HTML = {"accept": "text/html"}


def body(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "person": {"is": "me", "contact": f"person{number}@example.org"}, "signature": f"Person {number}",
        "locators": [f"https://example.org/post/{number}"], "declares": TICKS, **more,
    }  # fmt: skip


@contextlib.asynccontextmanager
async def platform(folder: Path, **settings: Any) -> AsyncIterator[House]:
    """A platform to which the removal laws of the US and the UK apply."""
    (folder / "data").mkdir()
    facts = {"established_in": ["US"], "serves": ["US", "UK"], "covered_platform": "yes", "user_to_user_service": "yes"}
    words = {"name": "Example", "facts": facts}
    (folder / "data" / "organisation.yaml").write_text(yaml.safe_dump(words), encoding="utf-8")
    async with house(folder / "data", **settings) as built:
        yield built


@pytest.fixture(name="firedoor")
async def _firedoor(tmp_path: Path) -> AsyncIterator[House]:
    async with platform(tmp_path) as built:
        yield built


async def ask(firedoor: House, given: dict[str, Any]) -> dict[str, Any]:
    """Send a request, and wait until an incident has taken it up."""
    answer = await firedoor.client().post(DOOR, json=given)
    assert answer.status_code == 202, answer.text
    await taken_up(firedoor)
    return dict(answer.json())


async def taken_up(firedoor: House) -> None:
    waited, before = 0, -1
    while left := len(store.waiting(firedoor.runtime.world.store)):
        waited = 0 if left != before else waited + 1  # it goes on while one after the other is taken up
        assert waited < 1500, "not taken up"
        before = left
        await asyncio.sleep(0.02)


def path_of(receipt: dict[str, Any]) -> str:
    return urlsplit(receipt["status_url"]).path


async def incidents(firedoor: House) -> list[dict[str, Any]]:
    return list((await firedoor.local.get("/api/v1/incidents")).json()["incidents"])


async def requests(firedoor: House, incident: str) -> list[dict[str, Any]]:
    return list((await firedoor.local.get(f"/api/v1/incidents/{incident}/requests")).json()["requests"])


async def test_a_number_an_address_and_the_first_limit_at_once(firedoor: House) -> None:
    """A whole request lacks nothing, and the 48 hours of the TAKE IT DOWN Act run."""
    receipt = await ask(firedoor, body())
    assert receipt["missing"] == []
    (incident,) = await incidents(firedoor)
    (request,) = await requests(firedoor, incident["id"])
    assert (request["reference"], request["requester"]) == (receipt["number"], "Person 1")
    assert {one["duty"]: one["valid"] for one in request["laws"]}["us.tida.s3.removal"] == "yes"
    assert receipt["due"] in {clock["due"].replace("Z", "+00:00") for clock in request["clocks"]}
    assert incident["type"] == "nonconsensual_content_generation"


async def test_what_is_missing_is_asked_in_the_persons_language_and_can_be_added(firedoor: House) -> None:
    """A shadow clock only reminds; with the rest of it the law's own clock runs, and the status page says so."""
    receipt = await ask(firedoor, body(declares=["no_consent", "truth", "standing"], language="de", law=""))
    assert receipt["missing"][0] == "Bitte sagen Sie, dass es ein intimes Bild ist."
    path, stranger = path_of(receipt), firedoor.client()
    before = (await stranger.get(path)).json()
    assert (before["status"], before["missing"]) == ("incomplete", receipt["missing"])
    page = await stranger.get(path, headers=HTML)
    assert "Bitte sagen Sie, dass es ein intimes Bild ist." in page.text
    form = {"do": "add", "asked": "declares", "declares": "intimate", "language": "de"}
    assert (await stranger.post(path, data=form, headers=HTML)).status_code == 303
    after = (await stranger.get(path)).json()
    assert (after["status"], after["missing"]) == ("open", [])
    (incident,) = await incidents(firedoor)
    (request,) = await requests(firedoor, incident["id"])
    assert {one["name"] for one in request["elements"] if one["answer"] == "no"} == set()  # nothing said before is lost


async def test_the_law_that_somebody_names_is_looked_at(firedoor: House) -> None:
    """And one that is not in the catalogue is refused with the nearest; nothing was stored."""
    named = await ask(firedoor, body(signature="", law="us.tida.s3.removal"))
    assert named["missing"][0] == "Please sign the request, by hand or electronically."
    refused = await firedoor.client().post(DOOR, json=body(law="us.tida.s3.remova"))
    assert (refused.status_code, problems(refused)) == (422, ["Q112"])
    assert "us.tida.s3.removal" in refused.text
    assert len(firedoor.runtime.world.store.rows(TakedownRequestRow)) == 1


async def test_requests_of_one_person_are_one_incident_and_keep_apart(firedoor: House) -> None:
    """Also about other content; a stranger's request is another incident, unless it is about the same content."""
    for number in (1, 2):
        await ask(firedoor, {**body(number), "person": {"is": "me", "contact": "ONE@example.org"}})
    other = await ask(firedoor, body(3))
    same = await ask(firedoor, {**body(4), "locators": ["https://example.org/post/3"]})
    by_size = sorted([len(await requests(firedoor, one["id"])) for one in await incidents(firedoor)])
    assert by_size == [2, 2]
    numbers = {
        request["reference"] for one in await incidents(firedoor) for request in await requests(firedoor, one["id"])
    }
    assert {other["number"], same["number"]} <= numbers
    assert len(numbers) == 4


async def test_who_knows_what_somebody_wrote_learns_and_changes_nothing(firedoor: House) -> None:
    """The same address, place and name from whoever did the harm: a request of its own, and the first stays whole."""
    first = await ask(firedoor, body())
    second = await ask(firedoor, body(declares=[], age_under_18=False))
    (incident,) = await incidents(firedoor)
    told = {one["reference"]: one for one in await requests(firedoor, incident["id"])}
    assert set(told) == {first["number"], second["number"]}
    assert {one["answer"] for one in told[first["number"]]["elements"]} == {"yes"}
    stranger = firedoor.client()
    assert (await stranger.get(path_of(second))).json()["status"] == "incomplete"
    assert (await stranger.get(path_of(first))).json()["status"] == "open"
    facts = (await firedoor.local.get(f"/api/v1/incidents/{incident['id']}/facts")).json()["facts"]
    assert {one["name"]: one["value"] for one in facts}.get("minor") in (None, "unknown")


async def test_only_a_refusal_can_be_disputed(firedoor: House) -> None:
    """While it is open there is nothing to disagree with."""
    receipt = await ask(firedoor, body())
    sent = await firedoor.client().post(path_of(receipt), data={"do": "dispute", "statement": "no"}, headers=HTML)
    assert sent.status_code == 409
    (incident,) = await incidents(firedoor)
    assert len(await requests(firedoor, incident["id"])) == 1


async def test_many_at_once_are_not_mixed(firedoor: House) -> None:
    """Forty requests of ten people that come in the same moment: each its own number, person and place."""
    given = [{**body(n), "person": {"is": "me", "contact": f"p{n % 10}@example.org"}} for n in range(40)]
    answers = await asyncio.gather(*(firedoor.client().post(DOOR, json=one) for one in given))
    await taken_up(firedoor)
    expected = {answer.json()["number"]: n for n, answer in enumerate(answers)}
    found = await incidents(firedoor)
    assert len(found) == 10
    told = [request for one in found for request in await requests(firedoor, one["id"])]
    assert {one["reference"]: one["request_locators"] for one in told} == {
        number: [f"https://example.org/post/{n}"] for number, n in expected.items()
    }
    assert all(one["requester_contact"] == f"p{expected[one['reference']] % 10}@example.org" for one in told)
    assert all(one["clocks"] for one in told)


async def test_a_child_is_never_left_to_chance(firedoor: House) -> None:
    """A parent asks for a child: the fact stands, the legal question is open at once; hashes go with the request."""
    given = body(age_under_18=True, hashes=[{"algorithm": "pdq", "value": "ab" * 32}])
    await ask(firedoor, {**given, "person": {"is": "parent", "contact": "p@example.org"}})
    (incident,) = await incidents(firedoor)
    facts = (await firedoor.local.get(f"/api/v1/incidents/{incident['id']}/facts")).json()["facts"]
    assert {one["name"]: one["value"] for one in facts}["minor"] == "yes"
    (request,) = await requests(firedoor, incident["id"])
    assert f"pdq:{'ab' * 32}" in request["request_locators"]


async def test_a_refusal_gives_reasons_and_can_be_disputed(firedoor: House) -> None:
    """The reasons stand on the page; disagreeing is a complaint of its own."""
    receipt = await ask(firedoor, body())
    (incident,) = await incidents(firedoor)
    (request,) = await requests(firedoor, incident["id"])
    given = {"outcome": "refused", "why": "It shows a building, no person."}
    place = f"/api/v1/incidents/{incident['id']}/requests/{request['id']}/answer"
    stranger, path = firedoor.client(), path_of(receipt)
    before = (await stranger.get(path)).json()
    for client in (
        firedoor.local,
        firedoor.holding("lea", "legal", "victim_support"),
    ):  # the first proposes it, the second agrees
        assert (await stranger.get(path)).json() == before
        done = await client.post(place, json=given)
        assert done.status_code == 200, done.text
    told = (await stranger.get(path)).json()
    assert (told["status"], told["answer"]["why"], told["due"]) == ("refused", "It shows a building, no person.", None)
    assert "It shows a building, no person." in (await stranger.get(path, headers=HTML)).text
    empty = await stranger.post(path, data={"do": "dispute", "statement": " "}, headers=HTML)
    assert empty.status_code == 422
    said = {"do": "dispute", "statement": "I am at the window."}
    assert (await stranger.post(path, data=said, headers=HTML)).status_code == 303
    kinds = {one["kind"] for one in await requests(firedoor, incident["id"])}
    assert kinds == {"removal", "complaint"}


async def test_an_answer_in_our_own_words_stays_with_us(firedoor: House) -> None:
    """Of a removal the person sees that it is done, not what people here wrote about it."""
    receipt = await ask(firedoor, body())
    (incident,) = await incidents(firedoor)
    (request,) = await requests(firedoor, incident["id"])
    given = {"outcome": "removed", "why": "Gone, see the ticket of Ada.", "reference": "ticket 77", "channel": "e-mail",
             "sent_at": "now", "version": "none"}  # fmt: skip
    done = await firedoor.local.post(f"/api/v1/incidents/{incident['id']}/requests/{request['id']}/answer", json=given)
    assert done.status_code == 200, done.text
    text = (await firedoor.client().get(path_of(receipt), headers=HTML)).text
    assert pages.words("en")["state_removed"] in text
    assert "Ada" not in text
    assert "ticket" not in text


async def test_nobody_learns_anything_from_addresses(firedoor: House) -> None:
    """An unknown secret, a number for a secret, and an empty one are answered alike."""
    receipt = await ask(firedoor, body())
    stranger = firedoor.client()
    unknown = [await stranger.get(f"/report/status/{word}") for word in ("x" * 43, receipt["number"], "a")]
    assert {(one.status_code, one.text) for one in unknown} == {(404, unknown[0].text)}
    numbers = {(await ask(firedoor, body(n)))["number"] for n in range(2, 5)}
    assert all(len(one) == len(receipt["number"]) for one in numbers)
    assert not any(one[:6] == receipt["number"][:6] for one in numbers)


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "image/png", "application/octet-stream", ""])
async def test_files_are_refused_before_anything_is_read(firedoor: House, kind: str) -> None:
    """Whatever can carry a picture."""
    content = b"--x\r\nContent-Disposition: form-data; name=picture; filename=a.png\r\n\r\n\x89PNG\r\n--x--"
    for path in (DOOR, "/report"):
        answer = await firedoor.client().post(path, content=content, headers={"content-type": kind} if kind else {})
        assert answer.status_code == 415
        assert "picture" in answer.text
    assert firedoor.runtime.world.store.rows(TakedownRequestRow) == []


async def test_the_page_is_whole_without_scripts_cookies_and_other_sites(firedoor: House) -> None:
    """In four languages; every part that is loaded is ours, and nothing is set."""
    stranger = firedoor.client()
    for language in pages.LANGUAGE_NAMES:
        page = await stranger.get(f"/report?lang={language}", headers=HTML)
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
        assert escape(pages.words(language)["title"]) in page.text.replace("&#39;", "&#x27;")
        assert "set-cookie" not in page.headers
        assert page.headers["referrer-policy"] == "same-origin"
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert 'src="http' not in page.text
    asked = await stranger.get("/report", headers={"accept": "text/html", "accept-language": "fr-CH, de;q=0.8"})
    assert '<html lang="fr">' in asked.text
    style = page.text.split('stylesheet" href="')[1].split('"')[0]
    assert (await stranger.get(style)).headers["content-type"].startswith("text/css")


async def test_the_form_leads_to_the_page_of_the_request(firedoor: House) -> None:
    """The address is shown once as one to keep; loading it again sends nothing twice."""
    form = {"is": "agent", "contact": "desk@example.org", "signature": "Desk", "locators": "album 7\nalbum 8\n",
            "statement": "", "asked": "declares", "declares": TICKS, "language": "es",
            "age_under_18": "unknown"}  # fmt: skip
    stranger = firedoor.client()
    sent = await stranger.post("/report", data=form, headers=HTML)
    assert sent.status_code == 303
    await taken_up(firedoor)
    page = await stranger.get(sent.headers["location"], headers=HTML)
    assert pages.words("es")["keep_address"] in page.text
    assert len(firedoor.runtime.world.store.rows(TakedownRequestRow)) == 1
    (incident,) = await incidents(firedoor)
    (request,) = await requests(firedoor, incident["id"])
    assert request["request_locators"] == ["album 7", "album 8"]


async def test_a_platform_may_show_the_form_on_a_page_of_its_own(firedoor: House) -> None:
    """A form from another site is taken in at the door, and nowhere else: nobody is signed in there."""
    foreign = {**HTML, "origin": "https://platform.example"}
    sent = await firedoor.client().post("/report", data={"is": "me", "locators": "a", "asked": "x"}, headers=foreign)
    assert sent.status_code == 303
    path = urlsplit(sent.headers["location"]).path
    for other in (path, "/sign-in", "/incidents/INC-2026-0001/facts"):
        assert (await firedoor.client().post(other, data={"do": "add"}, headers=foreign)).status_code == 403


async def test_what_was_typed_comes_back_escaped_with_what_is_wrong(firedoor: House) -> None:
    """In the person's language; nothing was stored, nothing runs."""
    form = {
        "is": "me",
        "locators": "data:image/png;base64,AAAA",
        "statement": "<script>alert(1)</script>",
        "language": "de",
    }
    page = await firedoor.client().post("/report", data=form, headers=HTML)
    assert page.status_code == 422
    assert pages.words("de")["problem_Q111"] in page.text
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert firedoor.runtime.world.store.rows(TakedownRequestRow) == []


async def test_a_kept_request_is_taken_up_after_a_restart(tmp_path: Path) -> None:
    """It is on disk before the answer; what was said is sealed there, and gone once the journal has it."""
    async with house(tmp_path / "data") as first:
        world = first.runtime.world
        kept, _ = store.keep(world.store, read(body(statement="the planted words")), world.now())
        assert "planted" not in str(world.store.rows(TakedownRequestRow))
    async with house(tmp_path / "data") as second:
        await taken_up(second)
        (row,) = second.runtime.world.store.rows(TakedownRequestRow)
        assert (row["number"], row["body"], bool(row["incident"])) == (kept.number, "{}", True)


async def test_taking_up_twice_is_taking_up_once(firedoor: House) -> None:
    """A server died between the incident and the note of it."""
    await ask(firedoor, body())
    world = firedoor.runtime.world
    kept, _ = store.keep(world.store, read(body(2)), world.now())
    await firedoor.runtime.takedowns.take_up(kept.number)
    before = world.store.rows(TakedownRequestRow, limit=None)
    found = next(row for row in before if row["number"] == kept.number)

    again = sealed(world.store.keys, REQUESTS.of(kept.number), orjson.dumps(read(body(2)).record()).decode())
    rows = table(TakedownRequestRow)
    query = update(rows).where(rows.c.number == kept.number).values(incident=None, request=None, body=again)
    world.store.write(lambda connection: connection.execute(query)).result()
    await firedoor.runtime.takedowns.take_up(kept.number)
    after = next(row for row in world.store.rows(TakedownRequestRow, limit=None) if row["number"] == kept.number)
    assert (after["incident"], after["request"]) == (found["incident"], found["request"])
    assert len(await requests(firedoor, found["incident"])) == 1


async def test_one_that_cannot_be_taken_up_holds_up_nobody(firedoor: House) -> None:
    """Its sealed words were altered: the others come through, and the log names the number."""
    world = firedoor.runtime.world
    broken, _ = store.keep(world.store, read(body(1)), world.now())

    rows = table(TakedownRequestRow)
    query = update(rows).where(rows.c.number == broken.number).values(body="sealed.v1.none.AAAA")
    world.store.write(lambda connection: connection.execute(query)).result()
    answer = await firedoor.client().post(DOOR, json=body(2))
    with pytest.raises(Refused):
        await firedoor.runtime.takedowns.look()
    assert store.waiting(world.store) == [broken.number]
    assert (await firedoor.client().get(urlsplit(answer.json()["status_url"]).path)).json()["status"] == "open"


async def test_the_door_can_be_closed(tmp_path: Path) -> None:
    """Then nothing is at its addresses."""
    async with house(tmp_path / "data", reports=False) as closed:
        assert (await closed.client().post(DOOR, json=body())).status_code == 404
        assert (await closed.client().get("/report", headers=HTML)).status_code == 404


def test_the_languages_say_the_same() -> None:
    """Each has every sentence of the others, and none is empty."""
    keys = set(pages.words("en"))
    for language in pages.LANGUAGE_NAMES:
        assert set(pages.words(language)) == keys
        assert all(isinstance(text, str) and text for text in pages.words(language).values()), language


def test_one_neighbourhood_cannot_fill_the_door() -> None:
    """Addresses of one network count together; another network, and this machine, go on."""
    limits = DoorLimits("never")
    for host in range(int(ONE_PLACE)):
        limits.admit(f"192.0.2.{host}")
    with pytest.raises(TooMany) as caught:
        limits.admit("192.0.2.200")
    assert 0 < caught.value.seconds <= 21
    limits.admit("198.51.100.1")
    for _ in range(int(ALL) - int(ONE_PLACE) - 1):
        limits.admit("127.0.0.1")
    with pytest.raises(TooMany):
        limits.admit("203.0.113.9")
    assert b"192.0.2" not in b"".join(limits.places)


@pytest.mark.parametrize(
    ("address", "place"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2ff::9", "2001:db8:1:200::/56"), ("::1", "here"),
     ("::ffff:192.0.2.9", "192.0.2.0/24"), ("", "unknown"), ("testclient", "testclient"),
     ("fe80::1%eth0", "fe80::/56")],
)  # fmt: skip
def test_an_address_stands_for_its_network(address: str, place: str) -> None:
    """What one household or host gets."""
    assert neighbourhood(address) == place


async def test_too_many_are_told_when_to_come_back(firedoor: House) -> None:
    """As a status with Retry-After to a program, in words to a person; nothing is stored."""
    firedoor.app.state.door_limits.asks = "never"
    everybody = firedoor.app.state.door_limits.everybody
    everybody.full, everybody.refill = ALL, 0.01  # however slow this machine is, there is no room meanwhile
    answer = await firedoor.client().post(DOOR, json=body())
    assert (answer.status_code, problems(answer)) == (429, ["Q114"])
    assert int(answer.headers["retry-after"]) > 0
    page = await firedoor.client().post("/report", data={"is": "me", "locators": "a"}, headers=HTML)
    assert (page.status_code, pages.words("en")["problem_Q114"] in page.text) == (429, True)
    assert isinstance(page, httpx.Response)
