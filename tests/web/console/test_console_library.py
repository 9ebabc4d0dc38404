"""The console's library, duties, alerts, targets, figures, calendars and administration, as a browser sees them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import httpx
import pytest
from markupsafe import escape
from tests.support.api_house import LEAK, House, house

from firedoor.alerts.registry import find
from firedoor.demo.stage import Stage
from firedoor.interfaces.web.console import targets
from firedoor.interfaces.web.console.drill_runs import runs_of
from firedoor.interfaces.web.http.session import COOKIE
from firedoor.store.identity.accounts import Account, create_account
from firedoor.store.identity.sessions import csrf_of
from firedoor.store.incidents.drill_results import drills_kept, keep_drill
from firedoor.testing.passwords import quick

WORD = "a door that shuts by itself"
PRESIDIO = find("presidio").examples[0]
INVENTORY = """
targets:
  chat-large:
    title: The large chat model
    neighbours: [chat-small]
    probe: {url: "http://127.0.0.1:9/chat-large", timeout_seconds: 1}
    doors: [{name: gateway, connector: nowhere}]
  chat-small:
    probe: {url: "http://127.0.0.1:9/chat-small", timeout_seconds: 1}
    doors: [{name: gateway, connector: nowhere}]
  moderation:
    never_suspend: true
    because: it protects the others
    doors: [{name: gateway, connector: nowhere}]
"""


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "targets.yaml").write_text(INVENTORY)
    async with house(tmp_path) as built:
        yield built


async def browser(built: House, name: str = "ann", *roles: str) -> httpx.AsyncClient:
    """Somebody who signed in."""
    world = built.runtime.world
    create_account(
        world.store, Account(name, "", frozenset(roles or ("responder", "commander"))), quick(WORD), world.now()
    )
    made = built.client(headers={"accept": "text/html"})
    assert (await made.post("/sign-in", data={"name": name, "password": WORD})).status_code == 303
    return made


async def send(who: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    """Send a form as its page does."""
    return await who.post(path, data={"csrf": csrf_of(who.cookies[COOKIE]), **fields})


PAGES = [
    "/playbooks", f"/playbooks/{LEAK}", f"/playbooks/{LEAK}/start", "/duties", "/duties/eu.gdpr.art33.sa", "/alerts",
    "/sources", "/targets", "/targets/chat-large", "/figures", "/me",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_has_one_heading_and_no_inline_script_or_style(built: House, path: str) -> None:
    """The policy of the pages forbids both; each has a title of its own, and every form carries the session's proof."""
    text = (await (await browser(built)).get(path)).text
    assert len(re.findall(r"<h1[ >]", text)) == 1
    assert not re.search(r"<script(?! src)|\sstyle=|\son\w+=", text)
    assert text.count('method="post"') == text.count('name="csrf"')
    assert "<title>Firedoor</title>" not in text


async def test_the_plan_is_a_picture_whose_boxes_lead_to_the_list(built: House) -> None:
    """Every box is a link to a step that the list has."""
    text = (await (await browser(built)).get(f"/playbooks/{LEAK}")).text
    linked, listed = set(re.findall(r'href="#(step-[^"]+)"', text)), set(re.findall(r'id="(step-[^"]+)"', text))
    assert linked == listed
    assert len(linked) > 20
    assert "not legal advice" in text


async def test_drills_run_in_the_background_and_their_results_stay(built: House) -> None:
    """The page comes back at once; when the drill is over its result stands there and among the figures."""
    ann = await browser(built)
    name = built.runtime.shelf.playbooks[LEAK].header.drills[3].drill
    answer = await send(ann, f"/playbooks/{LEAK}/drills", drill=name)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/playbooks/{LEAK}#drills")
    again = await send(ann, f"/playbooks/{LEAK}/drills", drill=name)
    assert (again.status_code, "W160" in again.text) == (409, True)
    await runs_of(built.runtime).settled()
    assert "passed" in (await ann.get(f"/playbooks/{LEAK}")).text
    assert name in (await ann.get("/figures")).text


async def test_the_result_of_a_drill_outlives_the_process_that_ran_it(tmp_path: Path) -> None:
    """A second server on the same data shows when, by whom and of which plan; of another plan it says so."""
    async with house(tmp_path) as built:
        name = built.runtime.shelf.playbooks[LEAK].header.drills[3].drill
        runs_of(built.runtime).start(built.runtime, LEAK, name, "ann")
        await runs_of(built.runtime).settled()
        [kept] = drills_kept(built.runtime.world.store)
        assert (kept.drill, kept.passed, kept.plan_digest) == (name, True, built.runtime.shelf.plans[LEAK].digest)
    async with house(tmp_path) as again:
        page = f"/playbooks/{LEAK}"
        text = (await again.local.get(page, headers={"accept": "text/html"})).text
        assert ("started by ann" in text, "The playbook has changed since" in text) == (True, False)
        keep_drill(again.runtime.world.store, replace(kept, plan_digest="0" * 64))
        assert "The playbook has changed since" in (await again.local.get(page, headers={"accept": "text/html"})).text
        keep_drill(again.runtime.world.store, replace(kept, at=kept.at - timedelta(days=1), person="bo"))
        assert drills_kept(again.runtime.world.store, LEAK)[0].person == "ann"  # an older result came later


async def test_what_would_be_done_is_shown_and_nothing_is_done(built: House) -> None:
    """The form comes back with what was typed; no incident is there."""
    ann, typed = await browser(built), {"fact.endpoint": "chat-large", "fact.people_affected.low": "20"}
    answer = await send(ann, f"/playbooks/{LEAK}/start", dry_run="yes", title="A leak", **typed)
    assert answer.status_code == 200
    assert "Nothing has been done" in answer.text
    assert 'value="chat-large"' in answer.text
    assert 'value="A leak"' in answer.text
    assert (await built.local.get("/api/v1/incidents")).json()["incidents"] == []


async def test_a_playbook_is_started_with_a_reason_and_leads_to_its_incident(built: House) -> None:
    """Ranges, an instant with its zone and "unknown" arrive as facts; the journal names who pressed."""
    ann = await browser(built)
    typed = {"fact.severity": "high", "fact.people_affected.low": "20", "fact.people_affected.high": "60",
             "fact.leaked_since": "2026-11-20T10:00", "fact.leaked_since.zone": "Europe/Berlin",
             "fact.controller": "unknown"}  # fmt: skip
    assert "T109" in (await send(ann, f"/playbooks/{LEAK}/start", **typed)).text
    answer = await send(ann, f"/playbooks/{LEAK}/start", why="seen in the log", **typed)
    assert answer.status_code == 303, answer.text
    incident = answer.headers["location"].rpartition("/")[2]
    facts = {
        one["name"]: one["value"] for one in (await built.local.get(f"/api/v1/incidents/{incident}")).json()["facts"]
    }
    assert facts["people_affected"] == {"min": 20, "max": 60}
    assert facts["leaked_since"] == "2026-11-20T10:00:00+01:00"
    assert facts["controller"] is None


async def test_what_is_wrong_stands_above_what_was_typed(built: House) -> None:
    """A number that is none, with its code and the field."""
    ann = await browser(built)
    typed = {"fact.people_affected.low": "many", "why": "seen"}
    answer = await send(ann, f"/playbooks/{LEAK}/start", **typed)
    assert answer.status_code == 422
    assert "F101" in answer.text
    assert 'value="many"' in answer.text


async def test_duties_are_found_by_words_place_addressee_and_confidence(built: House) -> None:
    """Every filter narrows, and a search without a result says how to get back."""
    ann = await browser(built)
    whole, words = (await ann.get("/duties")).text, (await ann.get("/duties?text=gdpr+authority")).text
    assert "eu.gdpr.art33.sa" in words
    assert len(words) < len(whole)
    assert "/duties/us.ca" in (await ann.get("/duties?jurisdiction=US-CA")).text
    assert "us.ca" not in (await ann.get("/duties?jurisdiction=UK&addressee=individuals&confidence=high")).text
    assert "Show all" in (await ann.get("/duties?text=unicorn")).text


async def test_a_duty_stands_in_full(built: House) -> None:
    """Law, article, period, counting rule, condition as text and expression, content, source; and what it is not."""
    text = (await (await browser(built)).get("/duties/eu.gdpr.art33.sa")).text
    for words in (
        "Art 33",
        "72 hours",
        "clock hours",
        "Who it applies to",
        "Required content",
        "Confidence",
        "not legal advice",
    ):
        assert words in text, words
    duties = built.runtime.world.catalogue
    stage = next(one.id for one in duties.values() if one.stage_of)
    assert duties[stage].title in (await built.local.get(f"/duties/{stage.replace('#', '%23')}")).text


async def test_every_duty_has_a_page(built: House) -> None:
    """Also those with rolling limits, cases, overlaps and no limit at all."""
    for duty in built.runtime.world.catalogue.values():
        answer = await built.local.get(f"/duties/{duty.id.replace('#', '%23')}")
        assert answer.status_code == 200, duty.id


async def alert(built: House) -> None:
    """A detection that nobody has acted on."""
    body = (files(PRESIDIO.package) / PRESIDIO.file).read_bytes()
    await built.local.post("/api/v1/alerts/presidio", content=body, headers=dict(PRESIDIO.headers))


async def test_alerts_show_why_and_can_be_filtered(built: House) -> None:
    """The reasons of triage stand beside each; what was detected stands nowhere."""
    await alert(built)
    ann = await browser(built)
    text = (await ann.get("/alerts?source=presidio")).text
    assert "<h2 id=" in text
    for reason in (await built.local.get("/api/v1/alerts")).json()["alerts"][0]["reasons"]:
        assert str(escape(reason)) in text
    assert "No matching alerts" in (await ann.get("/alerts?source=generic")).text


async def test_a_person_starts_a_playbook_for_an_alert(built: House) -> None:
    """Only where there is none yet; the fitting playbook is chosen, and without a reason the form says so."""
    example = find("alertmanager").examples[0]
    body = (files(example.package) / example.file).read_bytes()
    await built.local.post("/api/v1/alerts/alertmanager", content=body, headers=dict(example.headers))
    ann, path = await browser(built), "/alerts/{}/start"
    rows = (await built.local.get("/api/v1/alerts?decision=ask")).json()["alerts"]
    text = (await ann.get("/alerts?decision=ask")).text
    assert '<option value="unauthorized-training" selected>' in text
    refused = await send(ann, path.format(rows[0]["id"]), playbook="unauthorized-training", why=" ")
    assert (refused.status_code, "T109" in refused.text) == (422, True)
    answer = await send(ann, path.format(rows[0]["id"]), playbook="unauthorized-training", why="it is real")
    incident = answer.headers["location"].rpartition("/")[2]
    assert built.runtime.world.store.incident(incident)["playbook"] == "unauthorized-training"
    again = await send(ann, path.format(rows[0]["id"]), playbook=LEAK, why="once more")
    assert (again.status_code, "A202" in again.text) == (409, True)


async def test_what_must_never_be_suspended_is_not(built: House) -> None:
    """No form is offered, and one that is sent all the same is refused with the reason."""
    ann = await browser(built)
    assert "/suspend" not in (await ann.get("/targets/moderation")).text
    answer = await send(ann, "/targets/moderation/suspend", why="it misbehaves")
    assert (answer.status_code, "K502" in answer.text) == (409, True)
    assert "it protects the others" in answer.text


async def test_a_target_is_closed_by_hand_through_an_incident(built: House) -> None:
    """The same two steps as on the command line; opening what nothing holds is refused in words."""
    ann = await browser(built)
    assert "T109" in (await send(ann, "/targets/chat-large/suspend", why="")).text
    answer = await send(ann, "/targets/chat-large/suspend", why="it answers with records")
    assert answer.status_code == 303
    row = built.runtime.world.store.incident(answer.headers["location"].rpartition("/")[2])
    assert (row["playbook"], row["opened_by"]) == ("close-a-door", "person:ann")
    assert not row["practice"]
    refused = await send(ann, "/targets/chat-small/suspend", why="", practice="yes")
    assert 'value="yes" checked' in refused.text  # whoever sends it again must not close it in earnest
    answer = await send(ann, "/targets/chat-small/suspend", why="we rehearse", practice="yes")
    row = built.runtime.world.store.incident(answer.headers["location"].rpartition("/")[2])
    assert (row["practice"], row["title"]) == (True, "Practice: Close chat-small by hand")
    assert "U130" in (await send(ann, "/targets/moderation/resume", why="all is well")).text


def test_who_still_holds_a_target_is_named_and_not_who_has_ended() -> None:
    """Somebody who wants to open it is led to the incident whose people decide."""
    holders = [
        {"id": "INC-2026-0001", "closed_at": "2026-11-22T03:45:00+00:00"},
        {"id": "INC-2026-0002", "closed_at": None},
    ]
    assert "INC-2026-0002, which is still going on" in targets._not_ours("chat-large", holders).problems[0].message


@pytest.fixture(name="stage")
def _stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The demonstration's model server."""
    stage = Stage()
    stage.set_up()
    monkeypatch.setenv("FIREDOOR_DEMO_API_KEY", stage.api_key)
    monkeypatch.setenv("FIREDOOR_DEMO_ADMIN_KEY", stage.admin_key)
    yield stage
    assert not stage.close()


async def test_a_real_door_is_seen_closed_and_opened_from_its_page(tmp_path: Path, stage: Stage) -> None:
    """The page says what would be called and who holds it; a look from outside says what callers see."""
    async with house(tmp_path, targets=stage.data / "targets.yaml") as built:
        ann, target = await browser(built), "/targets/chat-large"
        dry = (await send(ann, f"/playbooks/{LEAK}/start", dry_run="yes", **{"fact.endpoint": "chat-large"})).text
        assert "<strong>chat-large, door platform</strong>" in dry
        assert "Also affected" in dry
        page = (await ann.get(target)).text
        assert "Can be undone" in page
        assert "Calls" in page
        assert 'st-running">answers</span> <strong>chat-large' in (await send(ann, f"{target}/verify")).text
        incident = (await send(ann, f"{target}/suspend", why="it leaks")).headers["location"].rpartition("/")[2]
        await built.runtime.driver.settled(incident)
        assert 'st-finished">refuses</span> <strong>chat-large' in (await send(ann, f"{target}/verify")).text
        assert incident in (await ann.get(target)).text
        await send(ann, f"{target}/resume", why="mended")
        await built.runtime.driver.settled(incident)
        assert 'st-running">answers</span> <strong>chat-large' in (await send(ann, f"{target}/verify")).text
        assert "No incident keeps it closed" in (await ann.get(target)).text


async def test_what_a_restricted_incident_holds_is_opened_by_its_readers_only(tmp_path: Path, stage: Stage) -> None:
    """Others see that it is held, and not by which incident; their form is refused in the same words."""
    async with house(tmp_path, targets=stage.data / "targets.yaml") as built:
        ann, target = await browser(built), "/targets/chat-large"
        incident = (await send(ann, f"{target}/suspend", why="it leaks")).headers["location"].rpartition("/")[2]
        await built.runtime.driver.settled(incident)
        readers = {"roles": ["manager"], "people": [], "why": "a colleague is concerned"}
        await built.local.post(f"/api/v1/incidents/{incident}/readers", json=readers)
        eve = await browser(built, "eve", "commander")
        for page in ((await eve.get(target)).text, (await eve.get("/targets")).text):
            assert ">closed</span> by" in page
            assert "by a restricted incident" in page
            assert incident not in page
        refused = await send(eve, f"{target}/resume", why="let me")
        assert (refused.status_code, "W106" in refused.text, incident in refused.text) == (403, True, False)
        await built.local.post(f"/api/v1/incidents/{incident}/readers", json={"everyone": True, "why": "over"})
        assert (await send(eve, f"{target}/resume", why="mended")).status_code == 303
        await built.runtime.driver.settled(incident)


async def test_a_viewer_sees_no_form_that_is_not_theirs(built: House) -> None:
    """Neither start, nor close, nor drill; and the administration is closed."""
    vic = await browser(built, "vic", "viewer")
    for path in (f"/playbooks/{LEAK}", "/targets/chat-large", "/alerts"):
        assert not re.search(
            r'action="(?!/sign-out|/alerts"|/me)[^"]*(start|suspend|resume|drills)"', (await vic.get(path)).text
        )
    assert (await vic.get("/admin")).status_code == 403
    assert (await vic.get(f"/playbooks/{LEAK}/start")).status_code == 403
    assert (await send(vic, "/targets/chat-large/suspend", why="x")).status_code == 403


async def test_a_hold_of_a_restricted_incident_names_its_number_only(built: House) -> None:
    """Figures, targets and alerts tell a stranger nothing more."""
    incident = await built.open(severity="high")
    title = built.runtime.world.store.incident(incident)["title"]
    body = {"roles": ["legal"], "people": [], "why": "a colleague is concerned"}
    await built.local.post(f"/api/v1/incidents/{incident}/readers", json=body)
    vic = await browser(built, "vic", "viewer")
    text = (await vic.get("/figures")).text
    assert "1 in total." in text
    assert re.search(r'class="tile none"><strong>0</strong><span>incidents', text)
    assert f">{title}<" not in (await vic.get("/alerts")).text


async def test_figures_say_which_filter_cannot_be_read(built: House) -> None:
    """The page stands, with the problem above the filters."""
    answer = await (await browser(built)).get("/figures?since=yesterday")
    assert (answer.status_code, "W141" in answer.text) == (422, True)


async def test_an_administrator_keeps_accounts_by_forms(built: House) -> None:
    """Made, changed, given codes, disabled: no secret is shown but the new one, and that once."""
    root = await browser(built, "root", "admin")
    made = await send(
        root, "/admin/accounts", name="bo", roles="viewer", password=WORD, display="Bo", email="", slack_id=""
    )
    assert (made.status_code, made.headers["location"]) == (303, "/admin#accounts")
    bo = built.client()
    await bo.post("/sign-in", data={"name": "bo", "password": WORD})
    await send(root, "/admin/accounts/bo", display="Bo", email="", slack_id="", roles="dpo")
    assert (await bo.get("/api/v1/me")).status_code == 401
    codes = await send(root, "/admin/accounts/bo", do="codes")
    [secret] = re.findall(r'class="secret">([A-Z2-7]{32})<', codes.text)
    assert secret not in (await root.get("/admin/accounts/bo")).text
    assert (await send(root, "/admin/accounts/bo", do="disable")).status_code == 303
    page = (await root.get("/admin")).text
    assert "disabled" in page
    assert "argon2" not in page


async def test_what_is_wrong_with_an_account_is_said_above_the_form(built: House) -> None:
    """A short password and a word that is no role; what was typed stays, the password does not."""
    root = await browser(built, "root", "admin")
    answer = await send(root, "/admin/accounts", name="bo", other_roles="Not-A-Role", password="short")
    assert (answer.status_code, "W130" in answer.text) == (422, True)
    answer = await send(root, "/admin/accounts", name="bo", roles="viewer", password="short")
    assert "A304" in answer.text
    assert 'value="bo"' in answer.text
    assert "short<" not in answer.text


async def test_a_token_is_shown_once_and_revoked(built: House) -> None:
    """It works until it is revoked on the page."""
    root = await browser(built, "root", "admin")
    made = await send(root, "/admin/tokens", token_name="source:presidio", roles="source")
    [secret] = re.findall(r'class="secret">(fd_[\w-]+)<', made.text)
    page = (await root.get("/admin")).text
    assert secret not in page
    [path] = re.findall(r'action="(/admin/tokens/\w+/revoke)"', page)
    await send(root, path)
    assert (await built.client(secret).get("/api/v1/me")).status_code == 401


async def test_settings_are_shown_without_secrets(tmp_path: Path) -> None:
    """Neither a token nor a password within an address."""
    async with house(tmp_path, token="fd_very-secret", oidc_client_secret="secret://env/X") as built:
        page = (await (await browser(built, "root", "admin")).get("/admin")).text
    assert "FIREDOOR_TOKEN" in page
    assert "very-secret" not in page
    assert "secret://env/X" not in page


async def test_a_person_makes_and_revokes_the_address_of_their_calendar(built: House) -> None:
    """It reads without signing in, is shown once, and ends when its person says so."""
    ann = await browser(built)
    made = await send(ann, "/me/calendar")
    [path] = re.findall(r'class="secret">http://[^/]+(/calendar/[\w-]+\.ics)<', made.text)
    assert (await built.client().get(path)).headers["content-type"].startswith("text/calendar")
    page = (await ann.get("/me")).text
    assert path not in page
    [revoke] = re.findall(r'action="(/me/calendar/\w+/revoke)"', page)
    stranger = await browser(built, "eve", "viewer")
    assert (await send(stranger, revoke)).status_code == 404
    assert (await send(ann, revoke)).status_code == 303
    assert (await built.client().get(path)).status_code == 404


async def test_a_token_makes_no_private_address(built: House) -> None:
    """It would outlive the token."""
    answer = await built.holding("ann", "commander").post("/me/calendar")
    assert (answer.status_code, "W161" in answer.text) == (403, True)


@pytest.mark.parametrize("path", ["/playbooks/model-data-leakage/start", "/admin/tokens", "/me/calendar"])
async def test_a_form_of_another_page_is_refused(built: House, path: str) -> None:
    """Without the proof of the session nothing is done."""
    root = await browser(built, "root", "admin", "responder")
    answer = await root.post(path, data={"why": "x"})
    assert (answer.status_code, "W107" in answer.text) == (403, True)
