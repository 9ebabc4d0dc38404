"""Sentences that calm people, in a state in which each would be untrue."""

from __future__ import annotations

import html
import re
from functools import partial
from pathlib import Path

import pytest
from tests.support.api_house import House, house
from tests.support.pages import HEAD, SUSPEND
from tests.web.api.test_notices import CLOCK, FACTS, LETTER, ORGANISATION, SAYS, send
from tests.web.console.test_console_incident import browser

from firedoor.core.history.containment import containment
from firedoor.core.history.operation_titles import Names
from firedoor.core.law.territories import IN_UTC
from firedoor.core.reporting.report import report
from firedoor.interfaces.cli.terminal.incident_page import write_clocks, write_targets
from firedoor.interfaces.cli.terminal.render import captured, instant
from firedoor.interfaces.slack.commands import _one
from firedoor.runtime.documents.report import render_markdown, when
from firedoor.testing import House as Simulated
from firedoor.testing import plan_of
from firedoor.testing.house import targets


async def front(built: House) -> str:
    """The overview, as somebody on duty reads it."""
    return (await (await browser(built, "ann", "commander", "dpo")).get("/")).text


async def test_no_duty_is_open_only_where_none_is(tmp_path: Path) -> None:
    """What the law asks without a number of hours is owed all the same, though no deadline runs."""
    (tmp_path / "organisation.yaml").write_text(ORGANISATION)
    async with house(tmp_path) as built:
        incident = await built.open(**FACTS)
        at = f"/api/v1/incidents/{incident}/clocks"
        found = (await built.local.get(at)).json()["clocks"]
        for clock in (one for one in found if one["open"] and one["due"]):
            await send(built.local, f"{at}/{clock['id']}/submit", why="sent", fields={**SAYS, "version": "none"})
        left = [one for one in (await built.local.get(at)).json()["clocks"] if one["open"]]
        assert CLOCK not in {one["id"] for one in left}
        assert LETTER in {one["id"] for one in left}
        assert not [one for one in left if one["due"]]
        page = await front(built)
        assert "No legal" not in page
        assert re.search(rf'{len(left)} dut(y is|ies are) open "without undue delay", with no fixed deadline', page)


async def test_nobody_is_told_is_no_green_tick(tmp_path: Path) -> None:
    """Without Slack, mail or a webhook a task at night reaches nobody: it is said, and marked as ill."""
    async with house(tmp_path) as built:
        page = await front(built)
        assert "No open legal duties in the incidents you can see." in page
        line = next(one for one in page.splitlines() if "nobody is notified outside this console" in one)
        assert '<li class="ill">' in line


async def test_a_messenger_that_is_not_set_up_is_not_called_well(tmp_path: Path) -> None:
    """Roles are told by one that this process does not have: that nothing waits there is no good sign."""
    (tmp_path / "organisation.yaml").write_text("name: Example\nmessages:\n  commander: [webhook]\n")
    async with house(tmp_path) as built:
        page = (await (await browser(built, "ann", "commander")).get("/deliveries")).text
        assert "all sent" not in page.casefold()


async def test_slack_counts_duties_without_a_limit_apart(tmp_path: Path) -> None:
    """They are no limits that run, and none is left out of the count because a summary has room for a dozen."""
    (tmp_path / "organisation.yaml").write_text(ORGANISATION)
    async with house(tmp_path) as built:
        incident = await built.open(**FACTS)
        view = built.runtime.world.view(incident)
        limits = sum(bool(one.due) for one in view.open_clocks())
        (line,) = _one(built.runtime, "status", incident)
        assert f"{limits} limits run, {len(view.open_clocks()) - limits} duties open without a fixed limit" in line
        bare = await built.open()
        assert "No limit runs" not in " ".join(_one(built.runtime, "clocks", bare))


async def surfaces(built: House, incident: str) -> dict[str, str]:
    """Everything that shows the limits of an incident."""
    ann = await browser(built, "ann", "dpo", "responder", "commander")
    api, name = f"/api/v1/incidents/{incident}", "time zone"
    paths = {
        "page": f"/incidents/{incident}/clocks/{CLOCK}", "list": "/clocks", "html": f"{api}/report?format=html",
        "md": f"{api}/report?format=md", "calendar": "/api/v1/calendar.ics",
    }  # fmt: skip
    shown = {what: (await ann.get(path)).text.replace("\r\n ", "") for what, path in paths.items()}
    own = (await built.local.get(f"{api}/clocks")).json()["clocks"]
    every = (await built.local.get("/api/v1/clocks")).json()["clocks"]
    for what, found in (("one", own), ("every", every)):
        clock = next(one for one in found if one["id"] == CLOCK)
        shown[what] = IN_UTC if clock["zone_guessed"] else name
    shown["terminal"] = captured(partial(write_clocks, [one for one in own if one["id"] == CLOCK]))
    shown["slack"] = " ".join(_one(built.runtime, "clocks", incident))
    return {what: " ".join(html.unescape(text).split()) for what, text in shown.items()}


@pytest.mark.parametrize("said", ["nowhere", "in the profile", "in the incident"])
async def test_a_limit_that_is_counted_in_utc_for_want_of_a_zone_says_so_everywhere(tmp_path: Path, said: str) -> None:
    """Pages, lists, report, terminal, Slack and calendar agree; with a zone of whoever said it, none says so."""
    profile = ORGANISATION if said == "in the profile" else ORGANISATION.replace(", time_zone: Europe/Dublin", "")
    (tmp_path / "organisation.yaml").write_text(profile)
    zone = {"time_zone": "Europe/Dublin"} if said == "in the incident" else {}
    async with house(tmp_path) as built:
        incident = await built.open("model-data-leakage", endpoint="chat-large", **FACTS, **zone)
        found = {what: IN_UTC in text for what, text in (await surfaces(built, incident)).items()}
        assert found == dict.fromkeys(found, said == "nowhere")
        assert len(found) == 9


async def test_without_a_zone_a_form_asks_for_one(tmp_path: Path) -> None:
    """An instant that was typed is of somewhere."""
    (tmp_path / "organisation.yaml").write_text(ORGANISATION.replace(", time_zone: Europe/Dublin", ""))
    async with house(tmp_path) as built:
        incident = await built.open("model-data-leakage", endpoint="chat-large", **FACTS)
        ann = await browser(built, "ann", "dpo", "responder", "commander")
        assert ">choose a time zone<" in (await ann.get(f"/incidents/{incident}/clocks/{CLOCK}")).text
        typed = {"until": "2099-12-24T10:00", "until.zone": "", "document": "ref. 7", "why": "They asked for it."}
        answer = await ann.send(f"/incidents/{incident}/clocks/{CLOCK}/extend", **typed)
        assert (answer.status_code, "time zone of this time is not said" in answer.text) == (422, True)


async def test_closed_says_when_it_was_last_seen(tmp_path: Path) -> None:
    """A look that is hours old must not read like one of now: the command and the plain report say it."""
    plan = plan_of(HEAD + SUSPEND)
    house = Simulated(tmp_path, plan, inventory=targets("chat"))
    incident = await house.open(endpoint="chat")
    await house.settle(incident)
    seen = house.view(incident).holds["chat"].seen_at
    house.wind(hours=7)
    told = report(house.entries(incident), plan, plan.definitions())
    assert f"last confirmed closed {when(seen)}" in render_markdown(told)
    targets_now = containment(house.view(incident), Names(plan, plan.definitions()))
    said = captured(lambda: write_targets(targets_now))
    assert f"last confirmed closed {instant(seen)}" in " ".join(said.split())
    await house.driver.stop()
    house.close()
