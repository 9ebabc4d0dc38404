"""Requests of people at every door: console, API and command line tell the same, and each answers one by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.api_house import House, house
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture
from tests.web.console.test_console_incident import SECRET, browser  # noqa: F401 - a fixture's secret

from firedoor.interfaces.web.reading.cache import forget

NCII = "nonconsensual-generation"
US = "us.tida.s3.removal"
PROFILE = """name: Example House
facts: {established_in: [US], serves: [US], covered_platform: yes, time_zone: America/New_York}
"""
GONE = {"outcome": "removed", "why": "gone", "reference": "ticket 77", "channel": "e-mail", "sent_at": "now",
        "version": "none"}  # fmt: skip


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    forget()
    (tmp_path / "organisation.yaml").write_text(PROFILE)
    async with house(tmp_path) as built:
        yield built


async def told(built: House, incident: str) -> list[dict[str, Any]]:
    """The requests, as the API tells them."""
    await built.runtime.driver.settled(incident)
    found: list[dict[str, Any]] = (await built.local.get(f"/api/v1/incidents/{incident}/requests")).json()["requests"]
    return found


async def test_the_console_registers_reads_and_answers_one_request(built: House) -> None:
    """What was typed stands when it is refused; the page of one request changes that one alone."""
    incident = await built.open(NCII, endpoint="image-gen", severity="low")
    ann = await browser(built, "ann", "legal", "commander", "victim_support", "dpo")
    place = f"/incidents/{incident}/requests"
    assert "No requests yet" in (await ann.get(place)).text
    refused = await ann.send(place, kind="removal", requester="Invented Person", why="")
    assert (refused.status_code, "Invented Person" in refused.text) == (422, True)
    for who in ("Invented Person", "Another Person"):
        assert (await ann.send(place, kind="removal", requester=who, why="a letter")).status_code == 303
    sent = await ann.send(f"{place}/R1/complete", **{"element.request_signed": "no"}, why="read")
    assert sent.status_code == 303
    page = (await ann.get(f"{place}/R1")).text
    assert "the request is signed" in page
    assert "Please sign the request" in page
    assert "Another Person" not in page
    assert (await ann.send(f"{place}/R1/letter", letter="question", reference="mail 1")).status_code == 303
    assert (await ann.send(f"{place}/R2/answer", outcome="removed", why="gone")).status_code == 422
    assert (await ann.send(f"{place}/R2/answer", **GONE)).status_code == 303
    first, second = await told(built, incident)
    assert (first["status"], second["status"]) == ("incomplete", "removed")
    assert [one["state"] for one in (*first["clocks"], *second["clocks"]) if one["duty"] == US] == [
        "provisional", "submitted",
    ]  # fmt: skip
    assert f'href="{place}"' in (await ann.get(f"/incidents/{incident}")).text


async def test_who_asked_is_covered_on_the_page(built: House) -> None:
    """An engineer sees that somebody asked, and not who."""
    incident = await built.open(NCII, endpoint="image-gen", severity="low")
    given = {"why": "a letter of Invented Person", "requester": "Invented Person", "locators": ["post/8812"]}
    assert (await built.local.post(f"/api/v1/incidents/{incident}/requests", json=given)).status_code == 201
    eve = await browser(built, "eve", "engineering")
    for path in (f"/incidents/{incident}/requests/R1", f"/incidents/{incident}/timeline"):
        page = (await eve.get(path)).text
        assert "Invented Person" not in page
        assert "post/8812" not in page


def test_the_command_line_answers_for_one_of_two(
    firedoor: Firedoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """List with an end, one in full, and an answer that ends the clocks of that one."""
    (tmp_path / "organisation.yaml").write_text(PROFILE)
    monkeypatch.setenv("FIREDOOR_ORGANISATION", str(tmp_path / "organisation.yaml"))
    incident = firedoor("run", NCII, "--why", "reported", "--fact", "endpoint=image-gen").out.strip()
    for who in ("Invented Person", "Another Person"):
        said = firedoor(
            "request", "add", incident, "--requester", who, "--why", "a letter", "--element", "request_signed=no"
        )
        assert (said.code, "incomplete" in said.out) == (0, True), said.err
    first = firedoor("request", "list", incident, "--limit", "1", "--format", "json").json
    assert ([one["name"] for one in first["requests"]], first["next"]) == (["R1"], "R1")
    assert "R2" in firedoor("request", "list", incident, "--after", "R1").out
    done = firedoor("request", "complete", incident, "R2", "--element", "request_signed=yes", "--why", "it came")
    assert done.code == 0, done.err
    assert firedoor("request", "letter", incident, "R2", "answer", "--reference", "mail 2").code == 0
    assert firedoor("request", "answer", incident, "R2", "removed", "--why", "gone").code == 1
    words = [word for name, value in GONE.items() if name != "outcome"
             for word in (f"--{name.replace('_', '-')}", value)]  # fmt: skip
    said = firedoor("request", "answer", incident, "R2", "removed", *words)
    assert said.code == 0, said.err
    one, two = firedoor("request", "list", incident, "--format", "json").json["requests"]
    assert (one["status"], two["status"]) == ("incomplete", "removed")
    assert {clock["state"] for clock in two["clocks"]} == {"submitted"}
    assert firedoor("request", "show", incident, "R9").code == 1
