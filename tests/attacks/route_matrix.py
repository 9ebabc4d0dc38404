"""Every route that is served, called as every kind of caller, and what each must be answered.

What must come of a call follows from `access.GRANTS` and need-to-know; that it does is what the tests see by calling.
A call ends as soon as it is known whether it was refused: live pages never end by themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
from tests.support.api_house import House

from firedoor.core.access.roles import BUILT_IN
from firedoor.interfaces.web.http.session import COOKIE
from firedoor.interfaces.web.security.route_table import ROUTES, TOKENLESS, V1, Access, allowed
from firedoor.store.identity.accounts import Account, change_account, create_account, find_account
from firedoor.store.identity.sessions import IDLE, WHOLE, end_session, open_session
from firedoor.store.identity.tokens import create_token, revoke_token

OWN, UNKNOWN = "works_council", "detector"
ROLES = (*sorted(BUILT_IN), OWN)
COOKIES = ("disabled session", "idle session", "old session", "signed out")  # what a browser still sends
NOBODY = ("no token", "made up", "revoked", "expired", "disabled", *COOKIES)  # whoever is not known, or is no longer
CALLERS = (*NOBODY, "unknown role", *ROLES, "local")
FILLED = {"{sha256}": "0" * 64, "{alert}": "999999", "{version}": "v", "{secret}": "secret", "{ticket}": "ticket"}
BY_THE_TABLE = ("may not do this: it is for", "may not send alerts")
HOUR = timedelta(hours=1)
WEIGHTY = frozenset(("commander", "dpo", "responder"))
PATIENCE = 300.0  # seconds after which a call that says nothing is a fault


@dataclass
class Answer:
    """What a call was answered with."""

    status: int = 0
    body: bytearray = field(default_factory=bytearray)

    @property
    def refusal(self) -> str:
        """Which rule of ours refused it: `table`, `reader`, or none of the two."""
        try:
            problem = orjson.loads(bytes(self.body))["problems"][0]
        except (ValueError, KeyError, TypeError):
            return ""
        if problem["code"] == "W103" and any(words in problem["message"] for words in BY_THE_TABLE):
            return "table"
        return "reader" if problem["code"] == "W106" else ""


def address(path: str, incident: str) -> str:
    """An address of a route; what it names beside the incident does not exist."""
    for hole, text in {"{incident}": incident, **FILLED}.items():
        path = path.replace(hole, text)
    return path.replace(":path}", "}").replace("{", "a-").replace("}", "")


def expected(method: str, path: str, caller: str, *, foreign: bool) -> str:
    """`401`, `table`, `reader` (a refusal by that rule), or `through` (neither of them)."""
    access = ROUTES.get((method, path))
    if access in TOKENLESS:
        return "through"
    if caller in NOBODY:
        return "401"
    if caller == "unknown role":
        return "table"
    if caller != "local" and not allowed(access, frozenset((caller,)), frozenset((OWN,))):
        return "table"
    return "reader" if foreign and "{incident}" in path and caller != "local" else "through"


def tokens(built: House) -> Mapping[str, str | None]:
    """A token for every caller."""
    made: dict[str, str | None] = {role: built.token(f"holder of {role}", role) for role in ROLES}
    made |= {"no token": None, "made up": "fd_made-up", "unknown role": built.token("Some detector", UNKNOWN)}
    made |= {"local": built.app.state.keyring.local_token}
    return made | _ended(built)


def _ended(built: House) -> dict[str, str]:
    """What let somebody with roles of weight in until it was revoked, expired, disabled or signed out.

    One account is still there, so that what has ended is refused for its own sake; the other one is disabled.
    """
    store, now = built.runtime.world.store, built.runtime.world.now()
    here, gone = (_weighty(built, name) for name in ("eve.here@example.org", "kim.gone@example.org"))
    made = {"revoked": create_token(store, "revoked", WEIGHTY, now, account=here)}
    revoke_token(store, made["revoked"][0], now)
    made["expired"] = create_token(store, "late", WEIGHTY, now - HOUR, expires_at=now, account=here)
    made["disabled"] = create_token(store, "off", WEIGHTY, now, account=gone)
    opened = {"idle session": now - IDLE, "old session": now - WHOLE, "signed out": now}
    sessions = {caller: open_session(store, here, at) for caller, at in opened.items()}
    end_session(store, sessions["signed out"], now)
    change_account(store, gone, {"disabled": True}, now)
    sessions["disabled session"] = open_session(store, gone, now)  # as if its end had been missed: the account counts
    return {caller: secret for caller, (_, secret) in made.items()} | sessions


def _weighty(built: House, name: str) -> str:
    if find_account(built.runtime.world.store, name) is None:
        create_account(built.runtime.world.store, Account(name, name, WEIGHTY), None, built.runtime.world.now())
    return name


def proof(caller: str, secret: str | None) -> dict[str, str]:
    """The header by which a caller is known: a session's cookie, or a token."""
    if secret is None:
        return {}
    return {"cookie": f"{COOKIE}={secret}"} if caller in COOKIES else {"authorization": f"Bearer {secret}"}


async def call(built: House, method: str, path: str, caller: str, token: str | None) -> Answer:
    """Call the application itself; stop where the answer begins to stream."""
    found, known = Answer(), asyncio.Event()
    headers = [(b"accept", b"application/json"), (b"host", b"127.0.0.1:8600")]
    headers += [(name.encode(), value.encode()) for name, value in proof(caller, token).items()]
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8600),
    }  # fmt: skip
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            await asyncio.Event().wait()  # the client stays
        sent = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            found.status = message["status"]
            if found.status < 400:
                known.set()
        else:
            found.body += message.get("body", b"")
            if not message.get("more_body"):
                known.set()

    running = asyncio.ensure_future(built.app(scope, receive, send))
    waiting = asyncio.ensure_future(known.wait())
    await asyncio.wait((running, waiting), timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    for task in (running, waiting):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return found


async def differences(
    built: House, routes: Iterable[tuple[str, str]], incident: str, *, foreign: bool
) -> list[tuple[str, ...]]:
    """Every call whose answer is not the one that the table says, with both."""
    wrong: list[tuple[str, ...]] = []
    given = tokens(built)
    for method, path in routes:
        for caller in CALLERS:
            answer = await call(built, method, address(path, incident), caller, given[caller])
            wanted = expected(method, path, caller, foreign=foreign)
            if wanted != seen(answer, ROUTES.get((method, path))):
                wrong.append((method, path, caller, wanted, str(answer.status), bytes(answer.body[:200]).decode()))
    return wrong


def seen(answer: Answer, access: Access | None) -> str:
    """What an answer was, in the words of `expected`. A fault of ours is never what was wanted."""
    if answer.status == 0 or answer.status in (500, 502):
        return "fault"
    if answer.status == 401:  # of a route that asks for no token it is the sender's signature that is missing
        return "through" if access in TOKENLESS else "401"
    return answer.refusal or "through"


def is_api(path: str) -> bool:
    """Whether a route is the API's, and not a page's."""
    return path.startswith(V1)
