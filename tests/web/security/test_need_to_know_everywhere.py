"""Whoever need not know learns that an incident exists and nothing more, at every address that there is.

The addresses come from the table of access and the parameters from the routes themselves: a new route is asked from the
day it is written, and one that stands for something unknown here fails until somebody says what it is.
"""

from __future__ import annotations

import asyncio
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.patience import GENEROUS
from tests.support.api_house import House, house
from tests.support.mail_house import MailHouse
from tests.support.marked import (
    CLOCK,
    COMMANDER,
    ORGANISATION,
    READER,
    SIGN,
    alert,
    marked,
    open_for,
    reader,
    restrict,
    stranger,
)  # fmt: skip
from tests.support.slack_house import SIGNING, TOKEN, SlackHouse, slack_house

from firedoor.core.reporting.weekly_summary import digest_message
from firedoor.interfaces.web.security.route_table import ROUTES, V1, Access
from firedoor.runtime.execution.incident_views import told, views_of
from firedoor.runtime.prefect.artifacts import _artifacts
from firedoor.runtime.prefect.backlog import ended_operations
from firedoor.runtime.prefect.task_runs import event_of, finished
from firedoor.store.identity.accounts import Account, create_account
from firedoor.store.identity.calendar_links import make_calendar_link
from firedoor.testing.passwords import quick

PAGE = {"accept": "text/html,application/json"}
STREAM = f"{V1}/events"  # it does not end; it has tests of its own
ABOUT_ONE = "{incident}"
EXAMPLES = ("/openapi.json", f"{V1}/journal/verify_journal.py")  # they show numbers of incidents that nobody has
CLOSED = ["restricted:", "need", "to", "know"]


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path) as built:
        yield built


def opened(folder: Path) -> Any:
    """A house in which clocks run."""
    folder.mkdir(exist_ok=True)
    (folder / "organisation.yaml").write_text(ORGANISATION)
    return house(folder)


def gets() -> Iterator[str]:
    """Every address that can be read."""
    return (path for method, path in ROUTES if method == "GET" and path != STREAM)


async def filled(built: House, incident: str) -> dict[str, str]:
    """What each place in an address stands for: real things of the restricted incident, wherever there are any."""
    kept = (await reader(built).get(f"{V1}/incidents/{incident}/evidence")).json()["evidence"]
    arrived = {"why": "zqx-why", "requester": "zqx-requester", "reference": "zqx-reference"}
    asked = await reader(built).post(f"{V1}/incidents/{incident}/requests", json=arrived)
    assert asked.status_code == 201, asked.text
    return {
        "{incident}": incident, "{task}": "T1", "{task:path}": "T1", "{clock:path}": CLOCK,
        "{sha256}": next(piece["sha256"] for piece in kept if piece["name"] == "zqx-evidence"),
        "{target}": "zqx-endpoint", "{name}": "model-data-leakage", "{duty:path}": CLOCK, "{alert}": "1",
        "{secret}": "made-up", "{token}": "made-up", "{ticket}": "made-up", "{version}": "1", "{link}": "made-up",
        "{source}": "generic", "{request}": asked.json()["request"]["name"],
        "{bank}": "made-up",  # banks are the house's, and about no incident
    }  # fmt: skip


def address(path: str, filled_in: dict[str, str]) -> str:
    """The address with its places filled in; a place that nobody knows here fails by its name."""
    for place in re.findall(r"\{[^}]+\}", path):
        assert place in filled_in, f"say in `filled` what {place} of {path} stands for"
        path = path.replace(place, filled_in[place])
    return f"{path}?why=needed" if "/evidence/" in path else path


async def test_no_address_tells_a_stranger_a_word_of_it(built: House) -> None:
    """Console and API, lists and single things, pages, CSV, calendar, counts: not one word of the incident."""
    incident = await marked(built)
    places, eve = await filled(built, incident), stranger(built)
    for path in gets():
        answer = await eve.get(address(path, places), headers=PAGE)
        told = answer.text.replace("zqx-endpoint", "") if "{target}" in path else answer.text  # what was asked for
        if ROUTES["GET", path] in OF_ACCESS:  # who has a token or an account is not about the incident
            told = told.replace(READER, "").replace(COMMANDER, "")
        assert SIGN not in told.lower(), (path, told[max(0, told.lower().find(SIGN) - 200) :][:400])
        if ABOUT_ONE in path:
            assert (answer.status_code, "W106" in answer.text) == (403, True), (path, answer.status_code)
        elif path not in EXAMPLES:
            assert (incident in answer.text) == (path in NAMED), path


OF_ACCESS = frozenset((Access.ADMIN, Access.SECURITY))
NAMED = frozenset(("/", "/incidents", f"{V1}/incidents"))  # where it is said that it exists


async def test_it_exists_and_nothing_more(built: House) -> None:
    """What stands there beside its number is that it is restricted, for programs and on both pages for people."""
    incident, eve = await marked(built), stranger(built)
    (line,) = (await eve.get(f"{V1}/incidents")).json()["incidents"]
    assert {name: value for name, value in line.items() if value is not None} == {"id": incident, "restricted": True}
    for path in ("/", "/incidents"):
        (row,) = re.findall(rf"<tr[^>]*>(?:(?!</tr>).)*{incident}.*?</tr>", (await eve.get(path)).text, re.DOTALL)
        assert re.sub(r"<[^>]+>|\s+", " ", row).split() == [incident, *CLOSED]


async def test_whoever_needs_to_know_reads_it_everywhere(built: House) -> None:
    """The control: at these addresses the words do stand, so that their absence means something."""
    incident = await marked(built)
    places, dee = await filled(built, incident), reader(built)
    wordless = {path async for path in _wordless(dee, places)}
    assert {path for path in wordless if ABOUT_ONE in path} <= WITHOUT_WORDS, wordless - WITHOUT_WORDS
    lists = {f"{V1}/{name}" for name in ("incidents", "alerts", "register")}
    assert not (silent := (lists | {"/", "/incidents", "/alerts"}) & wordless), silent
    for path in ("tasks", "messages", "clocks?all=true", "figures?format=csv", "calendar.ics", "journal/verify"):
        assert incident in (await dee.get(f"{V1}/{path}")).text, path


# Addresses about one incident that hold no word of anybody: numbers, states, hashes, the form for something,
# copies of content that a leak has not, the file of a notice that is no form.
WITHOUT_WORDS = {
    f"{V1}/incidents/{{incident}}/verify", f"{V1}/incidents/{{incident}}/sealed-reads",
    f"{V1}/incidents/{{incident}}/lessons", f"{V1}/incidents/{{incident}}/notices",
    f"{V1}/incidents/{{incident}}/copies", f"{V1}/incidents/{{incident}}/notices/{{clock:path}}/file",
    "/incidents/{incident}/steer", "/incidents/{incident}/targets/{target}/open",
}  # fmt: skip


async def _wordless(client: httpx.AsyncClient, places: dict[str, str]) -> AsyncIterator[str]:
    for path in gets():
        answer = await client.get(address(path, places), headers=PAGE)
        if SIGN not in answer.text.lower() and answer.headers.get("content-type", "") != "application/pdf":
            yield path


# -- what leaves by other ways ----------------------------------------------------------------------------------------


async def test_events_of_it_reach_its_readers_only(built: House) -> None:
    """A stranger who listens hears of another incident first; and of what, never what."""
    incident, heard = await marked(built), {}
    for name, client in (("eve", stranger(built)), ("dee", reader(built))):
        heard[name] = asyncio.create_task(client.get(f"{STREAM}?limit=1", timeout=20))
    while len(built.app.state.events.listeners) < 2:  # noqa: ASYNC110 - the hub has no event for it, and needs none
        await asyncio.sleep(0.02)
    body = {"facts": {"severity": "high"}, "why": "zqx-again"}
    await built.local.post(f"{V1}/incidents/{incident}/facts", json=body)
    assert incident in (text := (await heard["dee"]).text)
    assert SIGN not in text
    other = await open_for(built, await alert(built, id="plain", title="plain"), why="plain")
    assert other in (text := (await heard["eve"]).text)
    assert incident not in text


async def test_an_alert_of_it_starts_nothing_and_names_nothing(built: House) -> None:
    """Whoever guesses the alert's number is refused, without the incident's."""
    incident = await marked(built)
    body = {"playbook": "model-data-leakage", "why": "mine"}
    answer = await stranger(built).post(f"{V1}/alerts/1/start", json=body)
    assert (answer.status_code, incident in answer.text) == (409, False)
    assert incident in (await reader(built).post(f"{V1}/alerts/1/start", json=body)).text


async def test_an_alert_that_is_tried_out_tells_nothing(built: House) -> None:
    """A person who sends the same, or something of that kind and place, reads nothing from the answer."""
    incident = await marked(built)
    twin = {"id": "zqx-alert-id", "incident_type": "data_leakage_in_ai_models", "method": "content_classifier",
            "severity": "high", "occurred_at": "2026-11-20T09:00:00+00:00", "endpoint": "zqx-endpoint"}  # fmt: skip
    told = (await stranger(built).post(f"{V1}/alerts/generic", json=twin)).json()["alerts"][0]
    assert (told["decision"], told["incident"], told["reasons"], told["deliveries"]) == ("kept", None, [], 1)
    told = (await reader(built).post(f"{V1}/alerts/generic", json=twin)).json()["alerts"][0]
    assert told["incident"] == incident


async def test_a_line_that_was_open_before_falls_silent(built: House) -> None:
    """Whoever listened to the incident while it was open to all hears nothing of it from then on."""
    incident = await built.open(severity="low")
    line = asyncio.create_task(stranger(built).get(f"{STREAM}?incident={incident}&limit=1", timeout=20))
    while not built.app.state.events.listeners:  # noqa: ASYNC110 - the hub has no event for it, and needs none
        await asyncio.sleep(0.02)
    await restrict(built, incident)
    done, _ = await asyncio.wait([line], timeout=1.5)
    assert not done
    built.app.state.events.dismiss()
    assert incident not in (await line).text


async def test_a_private_calendar_is_its_persons(built: House) -> None:
    """A calendar program of a stranger shows nothing of it; a reader's shows that something is due, not what."""
    incident, world, shown = await marked(built), built.runtime.world, {}
    for name, roles in (("ann", {"commander", "legal"}), ("dora", {"dpo"})):
        create_account(world.store, Account(name, "", frozenset(roles)), quick("a word of one's own"), world.now())
        _, secret = make_calendar_link(world.store, name, "account", world.now())
        shown[name] = (await built.client().get(f"/calendar/{secret}.ics")).text
    assert "VEVENT" not in shown["ann"]
    assert f"SUMMARY:{incident}: " in shown["dora"]
    assert SIGN not in shown["dora"]
    assert "Art 3" not in shown["dora"]


async def test_open_counts_tell_a_total_of_the_house(built: House) -> None:
    """Neither the type nor the state nor a role of it stands beside a number."""
    await marked(built)
    text = (await built.client().get("/metrics")).text
    assert 'firedoor_incidents{state="restricted",type="restricted"} 1' in text
    assert set(re.findall(r"firedoor_open_tasks\{role=\"(\w+)\"", text)) == {"restricted"}
    assert "leakage" not in text
    assert SIGN not in text


async def test_the_week_in_a_message_tells_what_its_reader_may_read(built: House) -> None:
    """What a stranger's digest is made of leaves it out; what a reader forwards names neither duty nor words."""
    incident, digests = await marked(built), {}
    for client in (stranger(built), reader(built)):
        clocks, tasks, figures = [(await client.get(f"{V1}/{name}")).json() for name in ("clocks", "tasks", "figures")]
        made = digest_message(
            figures, clocks["clocks"], tasks["tasks"], built.runtime.world.now() + timedelta(days=400)
        )
        digests[client.headers["authorization"]] = "\n".join(made)
    strangers, readers = digests.values()
    assert incident not in strangers
    assert incident in readers
    assert SIGN not in readers
    assert " for " not in readers.partition("Overdue tasks:")[2].partition("In the last")[0]
    clock = {"incident": incident, "id": CLOCK, "title": "Tell the authority", "due_at": "2026-11-20T10:00:00+00:00"}
    assert all(row["restricted"] for row in (await reader(built).get(f"{V1}/clocks")).json()["clocks"])
    _, text = digest_message(figures, [clock | {"restricted": True}], [], built.runtime.world.now())
    assert "a limit" in text
    assert "authority" not in text


async def test_slack_and_letters_say_that_it_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command of a stranger's; and whatever was ever sent there or by letter to anybody, since it is restricted.

    Whoever needs to know is told how it stands in numbers, and reads the rest in the console.
    """
    monkeypatch.setenv("TEST_SLACK_TOKEN", TOKEN)
    monkeypatch.setenv("TEST_SLACK_SIGNING", SIGNING)
    routes = "".join(f"  {role}: [slack, email]\n" for role in ("commander", "dpo", "legal", "communications"))
    (tmp_path / "organisation.yaml").write_text(f"{ORGANISATION}messages:\n{routes}")
    with slack_house() as slack:
        slack.users |= {"UEVE", "UDEE"}
        async with MailHouse() as mail, house(tmp_path, **_messengers(slack, mail)) as built:
            world = built.runtime.world
            for name, slack_id, *roles in (("eve", "UEVE", "commander", "legal"), ("dee", "UDEE", "dpo")):
                account = Account(name, "", frozenset(roles), email=f"{name}@house.test", slack_id=slack_id)
                create_account(world.store, account, None, world.now())
            built.app.state.slack.messenger.pace = 0.0
            incident = await marked(built)
            for user in ("UEVE", "UDEE"):
                for text in ("status", "tasks", "clocks", f"status {incident}", f"tasks {incident}", "help"):
                    await slack.command(built.client(), user, text, hook=user)
            await built.app.state.slack.settled()
            await _until(lambda: mail.letters)
            eve, dee = (str(slack.said[user]) for user in ("UEVE", "UDEE"))
            assert eve.count("need to know") == 5
            assert not re.search(r"severity|T\d|tasks wait|limits run", eve.replace("`/firedoor", ""))
            assert "severity" in dee
            assert SIGN not in f"{slack.everything()}{[letter.as_string() for letter in mail.letters]}"


def _messengers(slack: SlackHouse, mail: MailHouse) -> dict[str, Any]:
    return {
        "slack_bot_token": "secret://env/TEST_SLACK_TOKEN", "slack_signing_secret": "secret://env/TEST_SLACK_SIGNING",
        "slack_api_url": f"{slack.url}/api/", "public_url": "https://firedoor.test", "smtp_host": "127.0.0.1",
        "smtp_port": mail.port, "smtp_security": "none", "smtp_from": "Firedoor <firedoor@house.test>",
    }  # fmt: skip


async def _until(seen: Callable[[], Any]) -> None:
    end = time.monotonic() + GENEROUS
    while not seen():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.05)


async def test_prefect_is_shown_that_it_runs(built: House) -> None:
    """Whoever opens Prefect sees all runs: of this one its number, where to ask, and how far it is."""
    incident, world = await marked(built), built.runtime.world
    view = world.view(incident)
    plan = world.store.plan(view.plan_digest)
    shown = views_of(view, "https://firedoor.test", tell=told(view, plan))
    done = ended_operations(world, plan, view, world.store.entries(incident))
    written = [finished(UUID(int=1), operation, outcome) for operation, outcome in done]
    text = str([*_artifacts(incident, shown), *(event_of(*one) for one in written)])
    assert len(done) > 2
    assert incident in text
    assert SIGN not in text
    open_to_all = views_of(view, "https://firedoor.test", tell=True)
    assert SIGN in str([*_artifacts(incident, open_to_all)])


# -- what a stranger can find out by asking cleverly ------------------------------------------------------------------

WORDS = (
    "zqx", "INC-2026-0001", "data_leakage_in_ai_models", "unauthorized_ai_training", "critical", "low", "open",
    "decided", "closed", "dpo", "commander", "generic", "start", "ask", CLOCK, "all", "late", "everybody", "queued",
    "csv", "1", "2026-11-20",
)  # fmt: skip
HOUSE_TOTALS = frozenset(("/metrics",))  # counts of the house without a name; the words are tested above
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(\+\d\d:\d\d|Z| UTC)?|DT(STAMP|START|END):\w+")
CURSOR = re.compile(r'(?<="next":")([\w-]+)(?=")')
PASSING = re.compile(
    r'"(seconds_left|elapsed|age)":-?[\d.]+|[-\d.]+ (s|seconds|minutes|min)\b|csrf" value="\w+"|once" value="[\w.-]+"'
)


async def test_a_stranger_cannot_tell_two_incidents_apart(tmp_path: Path) -> None:
    """Two houses that differ in everything about their restricted incident answer alike, whatever is filtered by.

    So neither presence nor absence nor a count nor the length of a page tells its type, severity, state, tasks, clocks,
    alerts, people or words.
    """
    async with two_houses(tmp_path) as (one, other):
        asked = list(questions(one))
        assert len(asked) > 300
        eves = stranger(one), stranger(other)
        for question in asked:
            answers = [await eve.get(question, headers=PAGE) for eve in eves]
            seen = [(answer.status_code, same(answer.text)) for answer in answers]
            assert seen[0] == seen[1], (question, difference(seen[0][1], seen[1][1]))


@asynccontextmanager
async def two_houses(folder: Path) -> AsyncIterator[tuple[House, House]]:
    """Two houses with different restricted incidents, beside which one that all may read went the same way.

    What is done at once in an incident ends in any order, and its tasks are numbered so: they are built until it is the
    same. What is compared for that is the journal of the incident itself, never what anybody is answered.
    """
    for attempt in range(30):
        async with opened(folder / f"one-{attempt}") as one, opened(folder / f"other-{attempt}") as other:
            await marked(one)
            await quiet(other)
            now = one.runtime.world.now().isoformat()  # so that nothing is late, and no reminder fires meanwhile
            ways = [await _way(built, now) for built in (one, other)]
            if ways[0] == ways[1]:
                yield one, other
                return
    raise AssertionError("the incident that all may read never went the same way")


async def _way(built: House, now: str) -> list[tuple[str, str]]:
    """Open the incident that all may read. In which order its tasks and clocks stand in its journal, and in lists."""
    incident = await open_for(built, await alert(built, id="plain", title="plain", occurred_at=now), why="plain")
    world = built.runtime.world
    written = [(str(entry.kind), str(entry.body.get("task", ""))) for entry in world.store.entries(incident)]
    listed = sorted(world.view(incident).open_tasks(), key=lambda task: (task.due_at, task.id))
    return [*written, *(("listed", task.id) for task in listed)]


async def quiet(built: House) -> str:
    """An incident of another kind, in which nothing was said and nothing is due, restricted and ended."""
    incident = await open_for(
        built, await alert(built, id="quiet", severity="high", title="x"), "unauthorized-training", "x"
    )
    steer = {"action": "abort", "why": "over", "confirm": True}
    await built.local.post(f"{V1}/incidents/{incident}/control", json=steer)
    await restrict(built, incident)
    await built.runtime.driver.settled(incident)
    return incident


def questions(built: House) -> Iterator[str]:
    """Every list without parameters, and with each word in each of its parameters."""
    for route in built.app.routes:
        path = getattr(route, "path", "")
        listed = "{" not in path and path != STREAM and path not in HOUSE_TOTALS
        if (
            "GET" not in (getattr(route, "methods", None) or ())
            or not listed
            or ROUTES.get(("GET", path)) in (None, *OF_ACCESS)
        ):
            continue
        yield path
        for parameter in getattr(getattr(route, "dependant", None), "query_params", ()):
            yield from (f"{path}?{parameter.alias}={word}" for word in WORDS)


def same(text: str) -> str:
    """An answer without what passes by itself: instants, in cursors too, and how long ago they are."""
    return PASSING.sub("", INSTANT.sub("", CURSOR.sub(plain, text)))


def plain(cursor: re.Match[str]) -> str:
    """A cursor as the words that it holds."""
    return urlsafe_b64decode(cursor[1] + "=" * (-len(cursor[1]) % 4)).decode()


def difference(one: str, other: str) -> tuple[str, str]:
    """Where two answers part."""
    at = next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)
    return one[max(0, at - 80) : at + 200], other[max(0, at - 80) : at + 200]


async def test_a_search_finds_what_its_reader_may_read(built: House) -> None:
    """By number, type, title or target, on the page and over the API; and never what is closed to the reader."""
    hidden = await marked(built)
    seen = await open_for(built, await alert(built, id="plain", title="The owl was seen"), why="plain")
    eve, dee = stranger(built), reader(built)
    for words, found in (
        ("OWL was", {seen}),
        (seen[-4:], {seen}),
        ("LEAKAGE_in", {hidden, seen}),
        ("zqx-al", {hidden}),
    ):
        for client, may in ((dee, found), (eve, found - {hidden})):
            listed = (await client.get(f"{V1}/incidents", params={"q": words})).json()["incidents"]
            assert {line["id"] for line in listed} == may, words
            page = (await client.get("/incidents", params={"q": words})).text
            assert {one for one in (hidden, seen) if f"/incidents/{one}" in page} == may, words


async def test_what_is_sealed_is_not_searched(built: House) -> None:
    """A title that repeats a sealed word is found by its other words only, by everybody; and the list covers it."""
    body = {"playbook": "nonconsensual-generation", "title": "Mx Quillfeather asks for removal", "why": "called",
            "facts": {"requester_contact": "Mx Quillfeather"}}  # fmt: skip
    incident = str((await built.local.post(f"{V1}/incidents", json=body)).json()["incident"])
    await built.runtime.driver.settled(incident)
    for client in (built.holding("lea", "legal"), built.holding("eng", "engineering"), built.local):
        for words, found in (("quillfeather", []), ("removal", [incident]), ("Mx", [])):
            answer = await client.get(f"{V1}/incidents", params={"q": words})
            assert [line["id"] for line in answer.json()["incidents"]] == found, words
            assert "Quillfeather" not in answer.text
