"""Every human action that is served, prepared so that it can be sent: one entry for each route that changes something.

An entry makes what the action needs (an incident, a task, a text that was read) and returns what is sent. Which of the
routes are no actions of this kind stands in `NONE`, each with its reason.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
from tests.attacks.people.test_administrators import put, signed_in
from tests.support.api_house import LEAK
from tests.support.letters import Writing

from firedoor.core.entries.copies import CopySaid
from firedoor.core.hashing.bank import fingerprint
from firedoor.core.hashing.entry import Batch, Entry
from firedoor.core.removal.noting import noted
from firedoor.interfaces.web.http.session import COOKIE
from firedoor.interfaces.web.security.route_table import INCIDENT, V1
from firedoor.store.banks import banks
from firedoor.store.identity.sessions import csrf_of

CLOCK = "eu.gdpr.art33.sa"
NCII = "nonconsensual-generation"
FACTS: dict[str, Any] = {
    "controller": "yes", "personal_data": "yes", "security_breach": "yes",
    "risk_to_people": "high", "established_in": ["IE"], "jurisdictions": ["DE"], "people_affected": "1..500",
    "severity": "low",
}  # fmt: skip
MORE = {"until": "2099-12-24T10:00:00+01:00", "document": "letter, ref 7"}
SENT = {"reference": "DPA-1", "reasons_for_delay": "found late", "channel": "the portal", "sent_at": "now",
        "version": "none"}  # fmt: skip
GONE = {**SENT, "outcome": "removed"}
WHY = {"why": "seen by me"}
TEXT = "# Notification\n\nWe report what we know.\n"
PAGE = {"accept": "text/html"}


@dataclass
class Here:
    """The house, and who acts in it."""

    built: Writing
    number: int = 0
    people: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    @property
    def local(self) -> httpx.AsyncClient:
        """This machine's own user."""
        return self.built.local

    def person(self, name: str, *roles: str) -> httpx.AsyncClient:
        """Somebody by a token of theirs."""
        return self.people.setdefault(name, self.built.holding(name, *roles))

    async def page(self) -> httpx.AsyncClient:
        """This machine's own user in a browser."""
        if "page" not in self.people:
            path = (await self.local.post(f"{V1}/console-ticket", json={})).json()["path"]
            client = self.built.client(headers=PAGE)
            await client.post(path)
            self.people["page"] = client
        return self.people["page"]

    def session(self, name: str, *roles: str) -> httpx.AsyncClient:
        """Somebody who has signed in."""
        if name not in self.people:
            put(self.built, name, *roles)
            self.people[name] = signed_in(self.built, name)
        return self.people[name]

    def admin(self, name: str) -> httpx.AsyncClient:
        """An administrator who has signed in; there are two."""
        for one in ("root", "bob"):
            self.session(one, "admin")
        return self.people[name]

    async def settled(self, incident: str) -> None:
        """Wait until nothing is left to do for it."""
        await self.built.runtime.driver.settled(incident)

    async def law(self) -> str:
        """An incident with a clock that runs, its first question answered by its facts."""
        aware = (self.built.runtime.world.now() - timedelta(hours=1)).isoformat()
        incident = await self.built.open(**FACTS, aware_at=aware)
        while await self.built.runtime.watch.look():
            pass
        await self.settled(incident)
        return incident

    async def task(self, incident: str, kind: str = "") -> dict[str, Any]:
        """An open task."""
        tasks = (await self.local.get(f"{V1}/incidents/{incident}/tasks")).json()["tasks"]
        found: dict[str, Any] = next(one for one in tasks if one["state"] == "open" and kind in ("", one["kind"]))
        return found

    async def post(self, path: str, body: Mapping[str, Any], who: httpx.AsyncClient | None = None) -> Any:
        """Something that must go well before the action."""
        answer = await (who or self.local).post(path, json=body)
        assert answer.is_success, (path, answer.text)
        return answer.json()

    def new(self, word: str) -> str:
        """A name that nobody has."""
        self.number += 1
        return f"{word}-{self.number}-{uuid.uuid4().hex[:6]}"


@dataclass(frozen=True)
class Sent:
    """One request."""

    who: httpx.AsyncClient
    path: str
    given: Mapping[str, Any]
    incident: str = ""
    method: str = "POST"

    async def send(self) -> httpx.Response:
        """Send it, a form with the token of its session."""
        given = dict(self.given)
        if "data" in given and COOKIE in self.who.cookies:
            given["data"] = {"csrf": csrf_of(self.who.cookies[COOKIE]), **given["data"]}
        return await self.who.request(self.method, self.path, **given)


Prepare = Callable[[Here], Awaitable[Sent]]
ACTIONS: dict[tuple[str, str], Prepare] = {}


def action(path: str, method: str = "POST") -> Callable[[Prepare], Prepare]:
    """Register an action."""

    def registered(prepare: Prepare) -> Prepare:
        ACTIONS[(method, path)] = prepare
        return prepare

    return registered


def both(tail: str, api: Mapping[str, Any], form: Mapping[str, Any] | None = None, *, law: bool = False) -> None:
    """Register an action on an incident at the API and on the page, which say the same."""

    async def by_api(here: Here) -> Sent:
        incident = await (here.law() if law else here.built.open())
        return Sent(here.local, _at(f"{V1}/incidents/{incident}{tail}"), {"json": dict(api)}, incident)

    async def by_page(here: Here) -> Sent:
        incident = await (here.law() if law else here.built.open())
        given = {"data": dict(form if form is not None else api)}
        if "sent_at" in given["data"]:
            given["data"]["sent_at"] = here.built.runtime.world.now().strftime("%Y-%m-%dT%H:%M")
        return Sent(await here.page(), _at(f"/incidents/{incident}{tail}"), given, incident)

    ACTIONS[("POST", f"{INCIDENT}{tail}")] = by_api
    ACTIONS[("POST", f"/incidents/{{incident}}{tail}")] = by_page


def _at(path: str) -> str:
    return path.replace("{clock:path}", quote(CLOCK)).replace("{task:path}", "T1").replace("{task}", "T1")


both("/legal-hold", WHY)
both("/readers", {**WHY, "roles": ["commander", "dpo"]}, {**WHY, "roles": ["commander", "dpo"], "who": "some"})
both("/requests", {**WHY, "requester": "Invented Person", "reference": "mail 7"},
     {**WHY, "kind": "removal", "requester": "Invented Person", "reference": "mail 7"})  # fmt: skip
both("/evidence/locators", {**WHY, "name": "the post", "locators": ["post/8812"]},
     {**WHY, "name": "the post", "locators": "post/8812"})  # fmt: skip
both("/clocks/{clock:path}/submit", {**WHY, "fields": SENT},
     {**WHY, **SENT, "sent_at.zone": "UTC"}, law=True)  # fmt: skip
for word in ("extend", "pause"):
    both(f"/clocks/{{clock:path}}/{word}", {**WHY, **MORE},
         {**WHY, **MORE, "until": "2099-12-24T10:00", "until.zone": "UTC"}, law=True)  # fmt: skip


def paused(path: str) -> Prepare:
    """A pause that somebody else has agreed to is ended."""

    async def prepare(here: Here) -> Sent:
        incident = await here.law()
        at = f"{V1}/incidents/{incident}"
        ben, anna = (here.person(name, "responder", "dpo", "commander") for name in ("Ben", "Anna"))
        await here.post(f"{at}/clocks/{CLOCK}/pause", {**WHY, **MORE}, ben)
        task = await here.task(incident, "clock")
        await here.post(f"{at}/tasks/{task['name']}/answer", {**WHY, "choice": "approve"}, anna)
        await here.settled(incident)
        where = path.replace("{incident}", incident).replace("{clock:path}", CLOCK)
        who, given = (here.local, {"json": WHY}) if path.startswith("/api") else (await here.page(), {"data": WHY})
        return Sent(who, where, given, incident)

    return prepare


for place in (INCIDENT, "/incidents/{incident}"):
    ACTIONS[("POST", f"{place}/clocks/{{clock:path}}/resume")] = paused(f"{place}/clocks/{{clock:path}}/resume")


def asked(path: str, api: Mapping[str, Any], form: Mapping[str, Any]) -> Prepare:
    """A request of a person that was registered before."""

    async def prepare(here: Here) -> Sent:
        incident = await here.built.open(NCII, endpoint="image-gen", severity="low")
        await here.post(f"{V1}/incidents/{incident}/requests", {**WHY, "requester": "Invented Person"})
        await here.settled(incident)
        where = path.replace("{incident}", incident).replace("{request}", "R1")
        is_api = path.startswith("/api")
        who, given = (here.local, {"json": api}) if is_api else (await here.page(), {"data": form})
        return Sent(who, where, given, incident)

    return prepare


for place in (INCIDENT, "/incidents/{incident}"):
    for deed, api, form in (
        ("complete", {**WHY, "elements": {"request_signed": "no"}}, {**WHY, "element.request_signed": "no"}),
        ("letter", {"letter": "question", "reference": "mail 1"}, {"letter": "question", "reference": "mail 1"}),
        ("answer", {**WHY, **GONE}, {**WHY, **GONE}),
    ):
        ACTIONS[("POST", f"{place}/requests/{{request}}/{deed}")] = asked(
            f"{place}/requests/{{request}}/{deed}", api, form
        )


def found_copy(path: str) -> Prepare:
    """A picture that looks alike was found before."""

    async def prepare(here: Here) -> Sent:
        incident = await here.built.open(NCII, endpoint="image-gen", severity="low")
        said: CopySaid = {
            "copy": "c" * 32,
            "state": "candidate",
            "copy_locator": "post/8812",
            "how": "near",
            "distance": 9,
        }
        world = here.built.runtime.world
        await asyncio.wrap_future(world.store.append(incident, noted("gallery", [said]), world.now()))
        await here.settled(incident)
        given = {**WHY, "is": "not_the_same"}
        where = path.replace("{incident}", incident).replace("{copy}", "C1")
        if not path.startswith("/api"):
            return Sent(await here.page(), where, {"data": given}, incident)
        return Sent(here.local, where, {"json": given}, incident)

    return prepare


for place in (INCIDENT, "/incidents/{incident}"):
    ACTIONS[("POST", f"{place}/copies/{{copy}}")] = found_copy(f"{place}/copies/{{copy}}")


async def told_bank(here: Here) -> Sent:
    """A hash bank with one entry is told that it was right."""
    incident = await here.built.open()
    world = here.built.runtime.world
    entry = Entry("sha256", "a" * 64, "case-1")
    await asyncio.to_thread(banks.keep, world.store, "Own", Batch("Own.csv", (entry,)), world.now(), "Ann")
    given = {**WHY, "bank": "Own", "entry": fingerprint(entry.key), "verdict": "true"}
    return Sent(here.local, f"{V1}/incidents/{incident}/bank-feedback", {"json": given}, incident)


ACTIONS[("POST", f"{INCIDENT}/bank-feedback")] = told_bank


def tasked(path: str, body: Callable[[dict[str, Any]], dict[str, Any]]) -> Prepare:
    """The first task of an incident."""

    async def prepare(here: Here) -> Sent:
        incident = await here.built.open()
        given = body(await here.task(incident))
        where = path.replace("{incident}", incident).replace("{task:path}", "T1").replace("{task}", "T1")
        if not path.startswith("/api"):
            return Sent(await here.page(), where, {"data": given}, incident)
        return Sent(here.local, where, {"json": given}, incident)

    return prepare


def _choice(task: dict[str, Any]) -> dict[str, Any]:
    return {"choice": next(one["id"] for one in task["choices"] if not one["requires"]), **WHY}


async def _other_role(here: Here, path: str) -> Sent:
    incident = await here.built.open()
    first = await here.task(incident)
    roles = (await here.local.get(f"{V1}/incidents/{incident}")).json()["roles"]
    given = {**WHY, "role": next(role for role in roles if role not in first["roles"])}
    where = path.replace("{incident}", incident).replace("{task:path}", "T1").replace("{task}", "T1")
    if not path.startswith("/api"):
        return Sent(await here.page(), where, {"data": given}, incident)
    return Sent(here.local, where, {"json": given}, incident)


TASKS = (f"{INCIDENT}/tasks/{{task:path}}", "/incidents/{incident}/tasks/{task}")
ACTIONS[("POST", f"{TASKS[0]}/answer")] = tasked(f"{TASKS[0]}/answer", _choice)
ACTIONS[("POST", TASKS[1])] = tasked(TASKS[1], _choice)
for base in TASKS:
    ACTIONS[("POST", f"{base}/claim")] = tasked(f"{base}/claim", lambda _: dict(WHY))

    async def glass(here: Here, path: str = f"{base}/break-glass") -> Sent:
        """By somebody without the role."""
        sent = await tasked(path, _choice)(here)
        if path.startswith("/api"):
            return replace(sent, who=here.person("Eve", "communications"))
        return replace(sent, who=here.session("Enno", "communications"), given={**sent.given, "headers": PAGE})

    ACTIONS[("POST", f"{base}/break-glass")] = glass

    async def reassign(here: Here, path: str = f"{base}/reassign") -> Sent:
        """To another role."""
        return await _other_role(here, path)

    ACTIONS[("POST", f"{base}/reassign")] = reassign


def link(path: str) -> Prepare:
    """A link for somebody who has the role; its letter may be lost as well as the answer."""

    async def prepare(here: Here) -> Sent:
        incident = await here.built.open()
        role = (await here.task(incident))["roles"][0]
        here.built.account("Cleo Adu", role)
        given = {"to": "Cleo Adu", "role": role, "hours": 2}
        where = path.replace("{incident}", incident).replace("{task:path}", "T1").replace("{task}", "T1")
        if not path.startswith("/api"):
            return Sent(await here.page(), where, {"data": given}, incident)
        return Sent(here.local, where, {"json": given}, incident)

    return prepare


for base in TASKS:
    ACTIONS[("POST", f"{base}/link")] = link(f"{base}/link")


@action("/answer/{token}")
async def by_link(here: Here) -> Sent:
    """Answer by a link that came by letter."""
    incident = await here.built.open()
    task = await here.task(incident)
    answer = await here.built.send_link(incident, "T1", task["roles"][0], here.person("Ada", "commander"))
    assert answer.is_success, answer.text
    return Sent(here.built.client(), here.built.link(), {"data": _choice(task)}, incident)


@action(f"{INCIDENT}/control")
async def control(here: Here) -> Sent:
    """Pause a run."""
    incident = await here.built.open()
    return Sent(here.local, f"{V1}/incidents/{incident}/control", {"json": {**WHY, "action": "pause"}}, incident)


@action("/incidents/{incident}/steer")
async def steer(here: Here) -> Sent:
    """Pause a run on the page."""
    incident = await here.built.open()
    return Sent(await here.page(), f"/incidents/{incident}/steer", {"data": {**WHY, "action": "pause"}}, incident)


def facts(method: str) -> Prepare:
    """Correct a fact."""

    async def prepare(here: Here) -> Sent:
        incident = await here.built.open()
        given = {"json": {**WHY, "facts": {"people_affected": "3..9"}}}
        return Sent(here.local, f"{V1}/incidents/{incident}/facts", given, incident, method)

    return prepare


ACTIONS[("PATCH", f"{INCIDENT}/facts")] = facts("PATCH")
ACTIONS[("POST", f"{INCIDENT}/facts")] = facts("POST")


@action("/incidents/{incident}/facts")
async def fact_on_page(here: Here) -> Sent:
    """Correct a fact on the page."""
    incident = await here.built.open()
    given = {**WHY, "name": "people_affected", "fact.people_affected.low": "3", "fact.people_affected.high": "9"}
    return Sent(await here.page(), f"/incidents/{incident}/facts", {"data": given}, incident)


@action(f"{INCIDENT}/evidence")
async def evidence(here: Here) -> Sent:
    """Add a file."""
    incident = await here.built.open()
    given = {
        "content": b"a line of a log",
        "params": {**WHY, "name": "the log"},
        "headers": {"content-type": "text/plain"},
    }
    return Sent(here.local, f"{V1}/incidents/{incident}/evidence", given, incident)


@action("/incidents/{incident}/evidence")
async def evidence_on_page(here: Here) -> Sent:
    """Add a file on the page."""
    incident = await here.built.open()
    given = {
        "data": {**WHY, "name": "the log", "mode": "auto"},
        "files": {"file": ("log.txt", b"a line of a log", "text/plain")},
    }
    return Sent(await here.page(), f"/incidents/{incident}/evidence", given, incident)


def noticed(path: str, deed: str) -> Prepare:
    """A notice whose draft was read."""

    async def prepare(here: Here) -> Sent:
        incident = await here.law()
        at = f"{V1}/incidents/{incident}"
        here_is = f"{at}/notices/{CLOCK}"
        dora = here.person("Dora", "dpo")
        seen = (await dora.get(here_is)).json()
        text = TEXT if deed == "approve" else f"{seen['text']}\nRegards\n"
        given: dict[str, Any] = {**WHY, "text": text, "base": seen["sha256"]}
        if deed != "edit":
            given = {**WHY, "base": (await here.post(f"{here_is}/edit", given, dora))["sha256"]}
        if deed in ("take-over", "take"):
            more = {"facts": {"root_cause": "A filter was off."}, "why": "found"}
            assert (await here.local.patch(f"{at}/facts", json=more)).is_success
            await here.settled(incident)
            given["base"] = (await dora.get(here_is)).json()["sha256"]
        if deed in ("receipt", "as-sent"):
            params = {**WHY, "name": "the file"}
            kept = await here.local.post(
                f"{at}/evidence", content=b"as it was sent", params=params, headers={"content-type": "text/plain"}
            )
            given = {**WHY, "sha256": kept.json()["evidence"]["sha256"]}
        if deed == "receipt":
            await here.post(f"{at}/clocks/{CLOCK}/submit", {**WHY, "fields": SENT})
        if path.startswith("/api"):
            return Sent(dora, f"{here_is}/{deed}", {"json": given}, incident)
        form = {**given, "what": deed, "language": seen["language"]}
        return Sent(await here.page(), f"/incidents/{incident}/notices/{CLOCK}", {"data": form}, incident)

    return prepare


for deed in ("edit", "approve", "receipt", "take-over", "as-sent"):
    path = f"{INCIDENT}/notices/{{clock:path}}/{deed}"
    ACTIONS[("POST", path)] = noticed(path, deed)
ACTIONS[("POST", "/incidents/{incident}/notices/{clock:path}")] = noticed("/incidents", "edit")


@action(f"{INCIDENT}/notices/{{clock:path}}/sent")
async def press_sent(here: Here) -> Sent:
    """The statement for the press, approved and given out: no deadline asks for it."""
    incident = await here.law()
    place = f"{V1}/incidents/{incident}/notices/press"
    cora = here.person("Cora", "communications")
    given = {**WHY, "text": TEXT, "base": (await cora.get(place)).json()["sha256"]}
    kept = await here.post(f"{place}/edit", given, cora)
    await here.post(f"{place}/approve", {**WHY, "base": kept["sha256"]}, cora)
    said = {"version": "approved", "channel": "e-mail", "sent_at": "now", "reference": "press list"}
    return Sent(cora, f"{place}/sent", {"json": said}, incident)


@action(f"{V1}/incidents")
async def start(here: Here) -> Sent:
    """Open an incident; the key says that it is the same start."""
    headers = {"idempotency-key": uuid.uuid4().hex}
    given = {
        "json": {**WHY, "playbook": LEAK, "facts": {"severity": "low"}, "title": here.new("t")},
        "headers": headers,
    }
    return Sent(here.local, f"{V1}/incidents", given)


@action("/playbooks/{name}/start")
async def start_on_page(here: Here) -> Sent:
    """Start on the page, whose form bears the key."""
    given = {"data": {**WHY, "title": here.new("t"), "fact.severity": "low", "once": uuid.uuid4().hex}}
    return Sent(await here.page(), f"/playbooks/{LEAK}/start", given)


async def _alert(here: Here) -> tuple[dict[str, Any], int]:
    body = {"id": here.new("a"), "title": "something odd", "severity": "low", "method": "complaint",
            "endpoint": here.new("e")}  # fmt: skip
    await here.post(f"{V1}/alerts/generic", body)
    alerts = (await here.local.get(f"{V1}/alerts")).json()["alerts"]
    return body, max(one["id"] for one in alerts if not one["incident"])


@action(f"{V1}/alerts/{{source}}")
async def alert(here: Here) -> Sent:
    """A person sends an alert."""
    body = {"id": here.new("a"), "title": "odd", "severity": "low", "method": "complaint", "endpoint": here.new("e")}
    return Sent(here.local, f"{V1}/alerts/generic", {"json": body})


@action(f"{V1}/alerts/{{alert}}/start")
async def start_for_alert(here: Here) -> Sent:
    """A person starts a playbook for an alert."""
    _, number = await _alert(here)
    return Sent(here.local, f"{V1}/alerts/{number}/start", {"json": {**WHY, "playbook": LEAK}})


@action("/alerts/{alert}/start")
async def start_for_alert_on_page(here: Here) -> Sent:
    """The same on the page."""
    _, number = await _alert(here)
    return Sent(await here.page(), f"/alerts/{number}/start", {"data": {**WHY, "playbook": LEAK}})


@action(f"{V1}/accounts")
async def account(here: Here) -> Sent:
    """Make an account."""
    given = {"name": here.new("zoe"), "roles": ["viewer"]}
    return Sent(here.admin("root"), f"{V1}/accounts", {"json": given})


@action("/admin/accounts")
async def account_on_page(here: Here) -> Sent:
    """Make an account on the page."""
    given = {"name": here.new("yan"), "roles": "viewer"}
    return Sent(here.admin("root"), "/admin/accounts", {"data": given, "headers": PAGE})


@action(f"{V1}/accounts/{{name}}", "PATCH")
async def change(here: Here) -> Sent:
    """Change an account; another administrator is asked."""
    put(here.built, name := here.new("dora"), "dpo")
    given = {"json": {"email": f"{name}@example.org"}}
    return Sent(here.admin("root"), f"{V1}/accounts/{name}", given, method="PATCH")


@action("/admin/accounts/{name}")
async def change_on_page(here: Here) -> Sent:
    """The same on the page."""
    put(here.built, name := here.new("dora"), "dpo")
    given = {"email": f"{name}@example.org", "display": "", "slack_id": "", "roles": "dpo"}
    return Sent(here.admin("root"), f"/admin/accounts/{name}", {"data": given, "headers": PAGE})


def decided(word: str) -> Prepare:
    """A change that somebody else has proposed."""

    async def prepare(here: Here) -> Sent:
        put(here.built, name := here.new("dora"), "dpo")
        answer = await here.admin("root").patch(f"{V1}/accounts/{name}", json={"email": f"{name}@example.org"})
        change = answer.json()["waits_for"]
        bob = here.admin("bob")
        if word == "page":
            return Sent(bob, f"/admin/changes/{change}", {"data": {"do": "approve"}, "headers": PAGE})
        return Sent(bob, f"{V1}/changes/{change}/{word}", {})

    return prepare


ACTIONS[("POST", f"{V1}/changes/{{change}}/approve")] = decided("approve")
ACTIONS[("POST", f"{V1}/changes/{{change}}/decline")] = decided("decline")
ACTIONS[("POST", "/admin/changes/{change}")] = decided("page")


def revoked(path: str, method: str) -> Prepare:
    """A token is revoked."""

    async def prepare(here: Here) -> Sent:
        given = {"name": f"source:{here.new('s')}", "roles": ["source"]}
        made = await here.post(f"{V1}/tokens", {**given, "name": "source:generic"}, here.admin("root"))
        more: dict[str, Any] = {} if method == "DELETE" else {"data": {}, "headers": PAGE}
        return Sent(here.admin("root"), path.replace("{token}", str(made["id"])), more, method=method)

    return prepare


ACTIONS[("DELETE", f"{V1}/tokens/{{token}}")] = revoked(f"{V1}/tokens/{{token}}", "DELETE")
ACTIONS[("POST", "/admin/tokens/{token}/revoke")] = revoked("/admin/tokens/{token}/revoke", "POST")


def calendar(path: str) -> Prepare:
    """An address of a calendar is revoked."""

    async def prepare(here: Here) -> Sent:
        from firedoor.store.identity.calendar_links import LOCAL, make_calendar_link

        world, name = here.built.runtime.world, here.built.app.state.keyring.user
        link, _ = make_calendar_link(world.store, name, LOCAL, world.now())
        who = here.admin("root") if path.startswith("/admin") else await here.page()
        return Sent(who, path.replace("{link}", link), {"data": {}, "headers": PAGE})

    return prepare


for place in ("/me/calendar/{link}/revoke", "/admin/calendars/{link}/revoke"):
    ACTIONS[("POST", place)] = calendar(place)


SECRET = "makes a secret that is shown once: the one whose answer was lost is listed, unused, and is revoked there"
SIGNS = "signs somebody in or out: a session, and nothing of an incident; guarded by tests of its own"
READS = "reads and looks, and changes nothing"
DOORS = "needs a door: tests/web/test_opening_tried_again.py, with a far end that fails"
ASKED = "one under its key or token, else a request of its own; tests/web/public/test_twice_and_taken_back.py"
NONE: Mapping[tuple[str, str], str] = {
    ("POST", "/sign-in"): SIGNS, ("POST", "/sign-in/ticket/{ticket}"): SIGNS, ("POST", "/sign-out"): SIGNS,
    ("POST", f"{V1}/console-ticket"): SIGNS, ("POST", f"{V1}/tokens"): SECRET, ("POST", "/admin/tokens"): SECRET,
    ("POST", f"{V1}/accounts/{{name}}/one-time-codes"): SECRET, ("POST", "/me/calendar"): SECRET,
    ("POST", f"{V1}/journal/verify"): READS, ("POST", "/targets/{target}/verify"): READS,
    ("POST", "/playbooks/{name}/drills"): "drills touch nothing real, and the newest result counts",
    ("POST", "/incidents/{incident}/targets/{target}/open"): DOORS,
    ("POST", f"{INCIDENT}/targets/{{target}}/open"): DOORS,
    ("POST", f"{INCIDENT}/copies/{{copy}}/restore"): "needs a store: tests/runtime/removal/test_copies_api.py",
    ("POST", "/targets/{target}/suspend"): DOORS, ("POST", "/targets/{target}/resume"): DOORS,
    ("POST", f"{V1}/deliveries/{{handle}}/retry"): "brings the same message forward, under its own key",
    ("POST", "/deliveries/{handle}/retry"): "as its route of the API",
    ("POST", f"{V1}/mailed-requests"): "one for each message; tests/web/public/test_mail.py",
    ("POST", f"{V1}/takedown-requests"): ASKED, ("POST", "/report"): ASKED,
    ("POST", "/report/status/{secret}"): "adds, takes back or disputes what is not yet; tests/web/public/",
    ("POST", "/slack/commands"): "Slack itself sends again; tests/slack/test_slack_deciding.py",
    ("POST", "/slack/actions"): "Slack itself sends again; tests/slack/test_slack_deciding.py",
}  # fmt: skip
