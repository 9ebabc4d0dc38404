"""What strangers try: each with an outcome, and with nothing to learn from the answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.api_house import House, problems
from tests.web.public.test_takedown import DOOR, HTML, ask, body, incidents, path_of, platform, requests

from firedoor.interfaces.web.public import pages
from firedoor.store.database.request_tables import TakedownRequestRow


@pytest.fixture(name="firedoor")
async def _firedoor(tmp_path: Path) -> AsyncIterator[House]:
    async with platform(tmp_path) as built:
        yield built


def seen(answer: Any) -> tuple[int, int, dict[str, str]]:
    """What an onlooker has of an answer: its status, its size, its headers."""
    return answer.status_code, len(answer.content), dict(answer.headers)


async def test_a_stranger_learns_nothing_from_answers_about_nobodys_request(firedoor: House) -> None:
    """Secrets that never were, a number, one letter changed: alike to the byte, for pages, programs and forms."""
    receipt = await ask(firedoor, body())
    secret = path_of(receipt).rpartition("/")[2]
    changed = ("B" if secret[0] == "A" else "A") + secret[1:]
    nobodys = (changed, "x" * 43, "a", receipt["number"], secret[:-1], f"{secret}A", "é" * 20, "x" * 101)
    stranger = firedoor.client()
    for how in ({"headers": HTML}, {}):
        answers = [await stranger.get(f"/report/status/{one}", **how) for one in nobodys]
        assert all(seen(one) == seen(answers[0]) for one in answers)
        assert answers[0].status_code == 404
    sent = [await stranger.post(f"/report/status/{one}", data={"do": "withdraw", "sure": "yes"}, headers=HTML)
            for one in nobodys]  # fmt: skip
    assert all(seen(one) == seen(sent[0]) for one in sent)
    assert (await stranger.get(path_of(receipt))).json()["status"] == "open"


async def test_an_answer_is_the_same_whether_somebody_asked_before(firedoor: House) -> None:
    """The same person, place and words again: as long and with the same headers but for what is this request's own."""
    stranger = firedoor.client()
    first, again, other = [await stranger.post(DOOR, json=one) for one in (body(), body(), body(2))]
    own = {"location"}
    for one in (again, other):
        assert len(one.content) == len(first.content)
        assert {k: v for k, v in one.headers.items() if k not in own} == {
            k: v for k, v in first.headers.items() if k not in own
        }
        assert len(one.headers["location"]) == len(first.headers["location"])
    assert len({one.json()["number"] for one in (first, again, other)}) == 3


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"locators": [f"https://example.org/{n}" for n in range(10_000)]}, 422),
        ({"statement": "x" * 5001}, 422),
        ({"locators": ["javascript:alert(1)"]}, 422),
        ({"locators": ["https://example.org/" + "a" * 3000]}, 422),
        ({"age_under_18": "both"}, 422),
        ({"language": "it"}, 422),
        ({"person": {"is": "god", "contact": "x"}}, 422),
        ({"unasked": True}, 422),
        ({"declares": ["no_consent"] * 50}, 422),
    ],
)
async def test_what_is_no_request_is_refused_with_few_words(firedoor: House, more: dict[str, Any], status: int) -> None:
    """Nothing is stored, the answer is short, and nothing of what was sent is in it."""
    answer = await firedoor.client().post(DOOR, json=body(**more))
    assert (answer.status_code, len(answer.content) < 20_000) == (status, True), answer.text[:500]
    assert "alert(1)" not in answer.text
    assert problems(answer)
    assert firedoor.runtime.world.store.rows(TakedownRequestRow) == []


async def test_letters_that_turn_the_reading_round_change_nothing_on_a_page(firedoor: House) -> None:
    """Marks of direction are taken out of words; a name with scripts in it is shown as it is written."""
    turned = "see \u202egpj.exe\u202c here \u2066now"
    receipt = await ask(firedoor, body(statement=turned, signature="<img src=x onerror=alert(1)>"))
    (incident,) = await incidents(firedoor)
    (request,) = await requests(firedoor, incident["id"])
    assert request["requester"] == "<img src=x onerror=alert(1)>"
    page = await firedoor.local.get(f"/incidents/{incident['id']}/requests/R1", headers=HTML)
    for text in (page.text, (await firedoor.client().get(path_of(receipt), headers=HTML)).text):
        assert "\u202e" not in text
        assert "<img src=x" not in text


async def test_one_person_in_many_languages_is_one_incident(firedoor: House) -> None:
    """Each request keeps its own language, number and answer."""
    receipts = {}
    for number, language in enumerate(pages.LANGUAGE_NAMES):
        given = {**body(number), "person": {"is": "me", "contact": "one@example.org"}}
        receipts[language] = await ask(firedoor, {**given, "language": language, "declares": []})
    (incident,) = await incidents(firedoor)
    assert len(await requests(firedoor, incident["id"])) == len(receipts)
    for language, receipt in receipts.items():
        told = (await firedoor.client().get(path_of(receipt))).json()
        assert set(told["missing"]) & set(receipt["missing"])
        page = await firedoor.client().get(path_of(receipt), headers=HTML)
        assert f'<html lang="{language}">' in page.text


async def test_ages_that_contradict_each_other_stay_with_people(firedoor: House) -> None:
    """Somebody says a child, somebody else about the same place says none: the safer answer stays."""
    await ask(firedoor, body(age_under_18=True))
    await ask(firedoor, {**body(age_under_18=False), "person": {"is": "agent", "contact": "other@example.org"}})
    (incident,) = await incidents(firedoor)
    facts = (await firedoor.local.get(f"/api/v1/incidents/{incident['id']}/facts")).json()["facts"]
    assert {one["name"]: one["value"] for one in facts}["minor"] == "yes"
