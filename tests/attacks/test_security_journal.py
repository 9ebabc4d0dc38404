"""Attack: what administrators, guessers and readers do stood nowhere, and nobody could say who gave whom which role."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi.routing import APIRoute
from tests.support.api_house import House, house, problems
from tests.web.api.test_notices import FACTS, ORGANISATION

from firedoor.core.access.security import CHAIN, SecurityEvent, SecurityKind
from firedoor.core.access.security_export import CLASSES, ocsf, syslog
from firedoor.core.journal import Entry, genesis, verify
from firedoor.core.problems import NotFound
from firedoor.interfaces.web.app import all_routers
from firedoor.interfaces.web.console.security import WORDS
from firedoor.interfaces.web.security.route_table import ROUTES, Access
from firedoor.runtime.loops.audit import Audit
from firedoor.runtime.loops.security_log import NAMED
from firedoor.store.database.engine import open_read_only
from firedoor.store.identity.accounts import Account, create_account
from firedoor.store.identity.calendar_links import make_calendar_link, revoke_calendar_link
from firedoor.store.identity.sessions import IDLE, WHOLE, end_outlived, end_session, new_ticket, open_session
from firedoor.store.incidents.security import record, security_entries

V1 = "/api/v1"
PASSWORD = "a sentence that is long"

SHOWN = ("application/json", "text/html; charset=utf-8")  # what is read on a page or by a program; all else is a file
NO_EVENT = {
    "/api/v1/figures?format=json": "counts, as the page shows them; the lines of incidents are in the sheet",
    "/api/v1/calendar.ics": "asked for every few minutes by a program; no word of what only some need to know",
    "/calendar/{secret}.ics": "the same; that its address is made and revoked are events",
    "/api/v1/journal/verify_journal.py": "our own program, open to everybody",
    "/metrics": "counts of this process, open to everybody",
    "/static/{version}/{name}": "the style sheet and the script",
    "/report/static/{version}/{name}": "the style sheet and the scripts",
    "/report/help": "who helps, for everybody",
}
NOT_CALLED = {
    "/api/v1/events": "a line that never ends; it says that something has moved, and hands out no file",
    "/answer/{token}": "the page of one question",
    "/report/status/{secret}": "the page of one request, for whoever sent it",
    "/api/v1/incidents/{incident}/notices/{clock:path}/file": "of an approved form alone; its event is tested there",
    "/incidents/{incident}/steer": "the page before one deed",
    "/api/v1/banks/{bank}": "a hash bank, which this house has not; it names entries by digests alone",
    "/targets/{target}": "the page of one target, which this house has not",
    "/incidents/{incident}/targets/{target}/open": "the same",
    "/sign-in/single": "leads to the provider, which this house has not",
    "/sign-in/single/back": "comes from there",
}


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as built:
        yield built


def entries(built: House, *kinds: SecurityKind) -> list[Entry]:
    """What the journal holds of these kinds."""
    built.runtime.security.look(last=True)
    built.runtime.world.store.write(lambda _: None).result()  # whatever was queued before is on disk now
    return security_entries(built.runtime.world.store, kinds=kinds)


async def sign_in(built: House, name: str, password: str) -> int:
    """Try to sign in on the console."""
    form = {"name": name, "password": password}
    return (await built.client().post("/sign-in", data=form, headers={"sec-fetch-site": "same-origin"})).status_code


async def test_every_deed_of_an_administrator_is_written_down(built: House) -> None:
    """Tokens, accounts, roles, passwords and codes, each with who did it, and nothing secret."""
    api = built.local
    token = (await api.post(f"{V1}/tokens", json={"name": "source:generic", "roles": ["source"]})).json()
    await api.delete(f"{V1}/tokens/{token['id']}")
    await api.post(f"{V1}/accounts", json={"name": "ada", "roles": ["viewer"], "password": PASSWORD})
    await api.patch(f"{V1}/accounts/ada", json={"roles": ["responder"], "password": PASSWORD + "!", "display": "Ada"})
    secret = (await api.post(f"{V1}/accounts/ada/one-time-codes", json={})).json()["secret"]
    await api.patch(f"{V1}/accounts/ada", json={"disabled": True, "totp": None})
    found = entries(built)
    assert {entry.kind for entry in found} >= {
        "server.started", "token.created", "token.revoked", "account.created", "account.roles", "account.password",
        "account.changed", "account.codes_set", "account.codes_removed", "account.disabled",
    }  # fmt: skip
    assert {entry.actor for entry in found if entry.kind not in ("keys.made", "server.started")} == {
        f"person:{built.app.state.keyring.user}"
    }
    assert not any(word in str(found) for word in (PASSWORD, secret, token["token"]))
    (roles,) = entries(built, SecurityKind.ROLES_CHANGED)
    assert (roles.body["before"], roles.body["after"]) == (["viewer"], ["responder"])


async def test_the_chain_holds_and_tells_a_change(built: House) -> None:
    """It is verified with all others; the database itself refuses to change it, and whoever forces it is found out."""
    assert await _holds(built)
    for statement in ("UPDATE security_entry SET actor = 'x'", "DELETE FROM security_entry"):
        with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
            _by_hand(built, statement)
    auditor = Audit(open_read_only(built.runtime.settings.database), built.runtime.world.now)
    assert not [problem for problem in auditor.look() if problem.code.startswith("M12")]
    _by_hand(built, "DROP TRIGGER security_entry_update")
    _by_hand(built, "UPDATE security_entry SET actor = 'person:nobody' WHERE seq = 1")
    assert not await _holds(built)
    fresh = Audit(open_read_only(built.runtime.settings.database), built.runtime.world.now)
    assert any(problem.message.startswith("security: entry 1 ") for problem in fresh.look())


def _by_hand(built: House, statement: str) -> None:
    """What somebody does who can write to the file."""
    with contextlib.closing(sqlite3.connect(built.runtime.settings.data_dir / "firedoor.db", timeout=30)) as connection:
        connection.execute(statement)
        connection.commit()


async def _holds(built: House) -> bool:
    answer = (await built.local.get(f"{V1}/journal/verify")).json()
    assert CHAIN in [chain["incident"] for chain in answer["chains"]]
    return bool(answer["holds"])


async def test_sign_ins_are_written_down_and_failures_counted(built: House) -> None:
    """A flood costs one entry; a name that is no account's is not kept, because it may be a password."""
    await built.local.post(f"{V1}/accounts", json={"name": "ada", "roles": ["viewer"], "password": PASSWORD})
    assert await sign_in(built, "ada", PASSWORD) == 303
    for attempt in range(4):
        await sign_in(built, "ada", "wrong, and long enough")
        await sign_in(built, f"hunter2-{attempt}", "wrong, and long enough")
    failed = entries(built, SecurityKind.SIGN_IN_FAILED)
    assert len(failed) <= 2
    assert sum(entry.body["count"] for entry in failed) == 8
    assert sum(entry.body["accounts"].get("ada", 0) for entry in failed) == 4
    assert "hunter2" not in str(failed)
    assert [entry.body["method"] for entry in entries(built, SecurityKind.SIGNED_IN)] == ["password"]


async def test_a_flood_of_failures_is_bounded(built: House) -> None:
    """However many addresses and names: one entry with a bounded list, and nothing lost from the count."""
    for number in range(2_000):
        built.runtime.security.sign_in_failed("", f"10.0.{number // 256}.{number % 256}")
    failed = entries(built, SecurityKind.SIGN_IN_FAILED)
    assert len(failed) <= 2
    assert sum(entry.body["count"] for entry in failed) >= 2_000
    assert all(len(entry.body["addresses"]) <= NAMED for entry in failed)


async def test_many_refusals_of_one_caller_are_written_down(built: House) -> None:
    """Somebody who tries every door: who, how often, since when. One wrong turn is not worth an entry."""
    eve, vic = built.holding("eve", "viewer"), built.holding("vic", "viewer")
    for _ in range(30):
        await eve.get(f"{V1}/tokens")
    await vic.get(f"{V1}/tokens")
    (refused,) = entries(built, SecurityKind.REFUSED)
    assert refused.body["who"] == {"person:eve": 30}


async def test_what_leaves_an_incident_and_who_may_read_it_is_written_down(built: House) -> None:
    """Readers, exports, reports, and reads of what is sealed."""
    incident = await built.open()
    at = f"{V1}/incidents/{incident}"
    given = {"roles": ["dpo"], "why": "the person concerned is a colleague"}
    assert (await built.local.post(f"{at}/readers", json=given)).status_code == 200
    assert (await built.local.get(f"{at}/export")).status_code == 200
    assert (await built.local.get(f"{at}/report?format=json")).status_code == 200
    (readers,) = entries(built, SecurityKind.READERS_CHANGED)
    assert readers.body["incident"] == incident
    assert "colleague" not in str(readers.body)
    assert [one.body["what"] for one in entries(built, SecurityKind.EXPORTED)] == ["journal", "report"]


async def test_whatever_hands_out_a_file_is_written_down(tmp_path: Path) -> None:
    """Every route that is found, in each of its formats: who answers with a file leaves an event, or is named above."""
    (tmp_path / "organisation.yaml").write_text(ORGANISATION)
    async with house(tmp_path) as built:
        silent, failed = await _silent(built)
    assert (silent, failed) == ([], [])


async def _silent(built: House) -> tuple[list[str], list[tuple[str, int, str]]]:
    """The files that left without an event, and what could not be called."""
    silent, failed = [], []
    for path, form, address in await _addresses(built):
        before = len(_taken(built))
        answer = await built.local.get(address)
        name = f"{path}?{form}" if form else path
        if answer.status_code != 200:
            failed.append((name, answer.status_code, answer.text[:200]))
        file = form or "content-disposition" in answer.headers or answer.headers["content-type"] not in SHOWN
        if file and len(_taken(built)) == before and not {path, name} & set(NO_EVENT):
            silent.append(name)
    return silent, failed


def _taken(built: House) -> list[Entry]:
    return entries(built, SecurityKind.EXPORTED, SecurityKind.EXPORT_READ)


async def _addresses(built: House) -> list[tuple[str, str, str]]:
    """Each route that is read, each of its formats, and an address at which there is something."""
    incident = await built.open(**FACTS)
    given, at = await _something(built, incident), f"{V1}/incidents/{incident}"
    found = []
    for route in (one for router in all_routers() for one in router.routes if isinstance(one, APIRoute)):
        if "GET" not in route.methods or route.path in NOT_CALLED:
            continue
        forms = [f"{p.alias}={form}" for p in route.dependant.query_params if p.alias in ("format", "export")
                 for form in _words(p.field_info.annotation)]  # fmt: skip
        address = route.path.replace(f"{V1}/incidents/{{incident}}", at)
        for hole, value in given.items():
            address = address.replace(hole, value)
        found += [(route.path, form, f"{address}?{form}") for form in forms or [""]]
    return found


def _words(annotation: Any) -> list[str]:
    """The words of a literal, which may be left out."""
    inner = [one for one in get_args(annotation) if one is not type(None)]
    return [word for one in inner for word in ([one] if isinstance(one, str) else _words(one))]


async def _something(built: House, incident: str) -> dict[str, str]:
    """What to fill the holes of an address with."""
    at, world = f"{V1}/incidents/{incident}", built.runtime.world
    piece = await built.local.post(
        f"{at}/evidence?name=note&why=test", content=b"a note", headers={"content-type": "text/plain"}
    )
    _, secret = make_calendar_link(world.store, built.app.state.keyring.user, "local", world.now())
    await built.local.post(f"{V1}/accounts", json={"name": "ada", "roles": ["viewer"], "password": PASSWORD})
    asked = {"kind": "removal", "requester": "Invented Person", "why": "a letter"}
    assert (await built.local.post(f"{at}/requests", json=asked)).status_code == 201
    clock = (await built.local.get(f"{at}/clocks")).json()["clocks"][0]["id"]
    task = (await built.local.get(f"{at}/tasks")).json()["tasks"][0]["name"]
    return {
        "{incident}": incident, "{sha256}": piece.json()["evidence"]["sha256"], "{secret}": secret, "{task}": task,
        "{clock:path}": clock, "{playbook}": "model-data-leakage", "{duty:path}": "eu.gdpr.art33.sa", "{ticket}": "t",
        "{request}": "R1",
        "/playbooks/{name}": "/playbooks/model-data-leakage", "/accounts/{name}": "/accounts/ada",
        "/report/static/{version}/{name}": "/report/static/v/report.css", "{version}/{name}": "v/console.css",
    }  # fmt: skip


async def test_whoever_reads_it_is_written_down(built: House) -> None:
    """Every route for its readers; once an hour for each of them and each way, however often a program asks."""
    for path in [path for (method, path), access in ROUTES.items() if (method, access) == ("GET", Access.SECURITY)]:
        for client in (built.local, built.holding("dora", "dpo")):
            assert [(await client.get(path)).status_code for _ in range(3)] == [200] * 3, path
    found = {(entry.actor, entry.body["door"]) for entry in entries(built, SecurityKind.SECURITY_READ)}
    people = {f"person:{built.app.state.keyring.user}", "person:dora"}
    assert found == {(person, door) for person in people for door in ("api", "console")}
    assert len(entries(built, SecurityKind.SECURITY_READ)) == len(found)


async def test_its_export_is_written_down_by_whom_from_where_and_as_what(built: House) -> None:
    """The pages of one export are one event, or reading one entry at a time would never come to an end."""
    after: int | None = 0
    while after is not None:
        page = (await built.local.get(f"{V1}/security-events?export=ocsf&limit=1&after={after}")).json()
        after = page["next"]
    assert (await built.local.get(f"{V1}/security-events?export=exe")).status_code == 422
    (entry,) = entries(built, SecurityKind.EXPORT_READ)
    assert (entry.actor, entry.body) == (f"person:{built.app.state.keyring.user}", {"format": "ocsf", "after": 0})


async def test_every_end_of_a_session_is_written_down(built: House) -> None:
    """Signed out, changed by an administrator, idle, too old: each once, with why, whoever looks first."""
    store, now = built.runtime.world.store, built.runtime.world.now()
    create_account(store, Account("ada", "Ada", frozenset({"viewer"})), PASSWORD, now)
    for at in (now, now - IDLE, now - WHOLE):
        open_session(store, "ada", at)
    for _ in range(2):
        end_outlived(store, now)
    end_session(store, open_session(store, "ada", now), now)
    await built.local.patch(f"{V1}/accounts/ada", json={"roles": ["responder"]})
    ends = [(one.actor, one.body["why"], one.body["sessions"]) for one in entries(built, SecurityKind.SIGNED_OUT)]
    local = f"person:{built.app.state.keyring.user}"
    assert ends == [
        ("system:firedoor", "too old", 1), ("system:firedoor", "idle", 1),
        ("person:ada", "signed out", 1), (local, "changed: roles", 1),
    ]  # fmt: skip


async def test_a_session_that_nobody_uses_ends_by_itself(built: House) -> None:
    """The process looks for them, and takes a ticket that nobody used for none."""
    store, now = built.runtime.world.store, built.runtime.world.now()
    open_session(store, "ada", now - WHOLE)
    new_ticket(store, "eve", now - WHOLE)
    assert [one.body["account"] for one in entries(built, SecurityKind.SIGNED_OUT)] == ["ada"]


async def test_private_addresses_of_calendars_are_written_down(built: House) -> None:
    """Who made one, and who revoked it; not the secret in it."""
    store, now = built.runtime.world.store, built.runtime.world.now()
    identifier, secret = make_calendar_link(store, "ada", "account", now)
    revoke_calendar_link(store, identifier, now, "person:root")
    with pytest.raises(NotFound):
        revoke_calendar_link(store, identifier, now, "person:root")
    found = entries(built, SecurityKind.CALENDAR_MADE, SecurityKind.CALENDAR_REVOKED)
    assert [one.actor for one in found] == ["person:ada", "person:root"]
    assert [one.body for one in found] == [{"account": "ada", "calendar": identifier}] * 2
    assert secret not in str(entries(built))


async def test_an_incident_that_one_need_not_know_is_not_in_it(built: House) -> None:
    """Who may read it, and who has, is left out for an administrator who may not, and there for whoever may."""
    incident = await built.open()
    readers = {"people": ["nobody@example.org"], "roles": ["dpo"], "why": "a colleague"}
    await built.local.post(f"{V1}/incidents/{incident}/readers", json=readers)
    entries(built)
    for role, told in (("admin", False), ("dpo", True)):
        client = built.holding(f"holder of {role}", role)
        for path in (f"{V1}/security-events?limit=1000", "/security"):
            assert (incident in (await client.get(path)).text) is told, (role, path)


async def test_only_administrators_and_the_dpo_read_it(built: House) -> None:
    """On both addresses; in pages by the number of the last entry."""
    for role, status in (("viewer", 403), ("commander", 403), ("source", 403), ("admin", 200), ("dpo", 200)):
        client = built.holding(f"holder of {role}", role)
        assert [(await client.get(path)).status_code for path in (f"{V1}/security-events", "/security")] == [status] * 2
    first = (await built.local.get(f"{V1}/security-events?limit=2")).json()
    second = (await built.local.get(f"{V1}/security-events?limit=2&after={first['next']}")).json()
    whole = [Entry(**entry) for entry in first["entries"] + second["entries"]]
    assert verify(CHAIN, whole, start=genesis(CHAIN)) is None
    assert problems(await built.local.get(f"{V1}/security-events?limit=0")) == ["W122"]


async def test_a_setting_that_differs_is_named_and_not_shown(tmp_path: Path) -> None:
    """At the next start: the name of what changed, and a digest that tells no value."""
    async with house(tmp_path):
        pass
    async with house(tmp_path, public_url="https://firedoor.example.org") as built:
        first, second = entries(built, SecurityKind.STARTED)
    assert (first.body["changed"], second.body["changed"]) == ([], ["FIREDOOR_PUBLIC_URL"])
    assert "example.org" not in str(second.body)


@pytest.mark.parametrize("kind", SecurityKind)
def test_every_event_has_a_form_for_others(kind: SecurityKind) -> None:
    """OCSF with what its classes require, and one line of syslog, whatever a name holds."""
    body: dict[str, Any] = {"account": 'a"]\\\n<1>', "count": 2, "since": "2026-11-20T10:00:00+00:00"}
    body |= {"until": "2026-11-20T10:01:00+00:00", "accounts": {"a": 1}}
    entry = Entry(
        CHAIN, 7, "2026-11-20T10:00:00.000000+00:00", str(kind), 'person:a"]\\\r\nb', body, "0" * 64, "1" * 64
    )
    event, line = ocsf(entry, "1.0"), syslog(entry, "host name\n")
    required = {1: "user", 2: "user", 4: "entity"}
    assert event["class_uid"] // 1000 == event["category_uid"]
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert event["class_uid"] == 6003 or required[event["class_uid"] % 1000] in event
    assert "\n" not in line
    assert line.startswith("<") and line.split(" ")[1:3] == ["2026-11-20T10:00:00.000000Z", "hostname"]  # noqa: PT018
    assert set(CLASSES) == set(SecurityKind) == set(WORDS)


async def test_an_event_is_never_half_written(built: House) -> None:
    """Many at once: each has its number, and the chain holds."""
    store, now = built.runtime.world.store, built.runtime.world.now()
    events = [SecurityEvent(SecurityKind.SIGNED_OUT, "person:a", {"account": "a"})]
    for future in [record(store, events, now) for _ in range(200)]:
        future.result()
    assert [fault for name, _, fault in store.verify(CHAIN) if fault] == []
