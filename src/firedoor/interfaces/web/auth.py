"""Who is asking: the holder of a bearer token, somebody who signed in, or this machine's user.

Decides that the person who acts is always the one whose token or session it is, that a known token is looked up once
a second at most, and that an incident is closed to whoever does not need to know. Leaves what the person may do to
`access`, and the cookie to `session`.
"""

from __future__ import annotations

import asyncio
import getpass
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from firedoor.core.need_to_know import need_to_know
from firedoor.core.people import Person
from firedoor.core.problems import NotPermitted, Problem
from firedoor.core.view import IncidentView
from firedoor.interfaces.web import session
from firedoor.interfaces.web.access import PLAYBOOK_ROLES, ROUTES, SYSTEM_ROLES, UNSEALED, allowed, needed
from firedoor.interfaces.web.answers import Unauthenticated
from firedoor.runtime.start import Runtime
from firedoor.runtime.world import utc_now
from firedoor.store.journal import Store
from firedoor.store.projections import table
from firedoor.store.sessions import session_of
from firedoor.store.tables import IncidentRow
from firedoor.store.tokens import holder

REMEMBERED = 1.0  # seconds for which a token's holder is not looked up again
MAXIMUM_REMEMBERED = 1000
MAXIMUM_SECRET = 200  # characters


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking. `local` is the user of this machine, who holds every role."""

    person: Person
    local: bool = False

    @property
    def unsealed(self) -> bool:
        """Whether facts about victims and witnesses are shown."""
        return bool(self.person.roles & UNSEALED)

    def within(self, view: IncidentView) -> Person:
        """The person, for one incident: the local user also holds roles that only this incident's playbook names."""
        if not self.local:
            return self.person
        asked = {role for task in view.tasks.values() for role in task.roles}
        return Person(self.person.name, self.person.roles | asked)


class Keyring:
    """Knows the holders of tokens."""

    def __init__(self, store: Store, playbook_roles: Callable[[], frozenset[str]]) -> None:
        self.store = store
        self.playbook_roles = playbook_roles
        self.local_token = f"fdl_{secrets.token_urlsafe(32)}"
        self.user = _user()
        self._known: dict[bytes, tuple[float, Person]] = {}

    async def signed_in(self, secret: str) -> Caller | None:
        """Return who a session's cookie belongs to; None when it has ended."""
        session = await asyncio.to_thread(session_of, self.store, secret, utc_now())
        if session is None:
            return None
        return Caller(self._local(), local=True) if session.local else Caller(session.person)

    async def caller(self, authorization: str | None) -> Caller:
        """Return who bears this header. Raises Unauthenticated."""
        secret = bearer(authorization)
        if secret is None:
            raise unauthenticated("no token was given")
        if hmac.compare_digest(secret.encode(), self.local_token.encode()):
            return Caller(self._local(), local=True)
        person = await self._holder(secret)
        if person is None:
            raise unauthenticated("the token is unknown or revoked")
        return Caller(person)

    def of_this_machine(self) -> Caller:
        """The user of this machine."""
        return Caller(self._local(), local=True)

    def forget(self) -> None:
        """Look every token up anew: one was revoked."""
        self._known.clear()

    async def _holder(self, secret: str) -> Person | None:
        key, now = hashlib.sha256(secret.encode()).digest(), time.monotonic()
        found = self._known.get(key)
        if found is not None and now - found[0] < REMEMBERED:
            return found[1]
        person = await asyncio.to_thread(holder, self.store, secret)
        if len(self._known) >= MAXIMUM_REMEMBERED:
            self._known.clear()
        if person is not None:
            self._known[key] = (now, person)
        return person

    def _local(self) -> Person:
        return Person(self.user, SYSTEM_ROLES - {"source"} | PLAYBOOK_ROLES | self.playbook_roles())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "local"


def bearer(authorization: str | None) -> str | None:
    """Return the token of an Authorization header; None when there is none."""
    scheme, _, secret = (authorization or "").partition(" ")
    secret = secret.strip()
    return secret if scheme.lower() == "bearer" and 0 < len(secret) <= MAXIMUM_SECRET else None


def unauthenticated(message: str) -> Unauthenticated:
    """The refusal of somebody unknown."""
    do = "send `Authorization: Bearer TOKEN`; `firedoor token create` makes one"
    return Unauthenticated(Problem(code="W101", message=message, do=do))


async def authorise(request: Request) -> Caller:
    """Return the caller, if the table lets them use this route. Raises Unauthenticated or NotPermitted."""
    caller = await _asking(request)
    access = ROUTES.get((request.method, request.scope["route"].path))
    if not allowed(access, caller.person.roles):
        has = ", ".join(sorted(caller.person.roles)) or "no role"
        message = f"{caller.person.name} may not do this: it is for {needed(access)}"
        raise NotPermitted(Problem(code="W103", message=message, do=f"this token has {has}"))
    if not caller.local and "incident" in request.path_params:
        await asyncio.to_thread(need_reader, request.app.state.keyring.store, request.path_params["incident"], caller)
    return caller


async def _asking(request: Request) -> Caller:
    """By the header, which wins, or by the cookie; with a cookie a change needs the proof of its own page."""
    keyring: Keyring = request.app.state.keyring
    authorization, secret = request.headers.get("authorization"), session.secret_of(request)
    if authorization is None and secret is not None:
        caller = await keyring.signed_in(secret)
        if caller is None:
            raise unauthenticated("the session has ended")
        await session.need_own_page(request, secret)
        return caller
    return await keyring.caller(authorization)


def need_reader(store: Store, incident: str, caller: Caller) -> None:
    """Raises NotPermitted for an incident that is closed to this caller. One that does not exist is not our matter."""
    columns = table(IncidentRow).c
    rows = store.rows(IncidentRow, columns.id == incident, limit=1)
    if rows and not caller.local:
        need_to_know(incident, rows[0]["readers"], caller.person)


def runtime_of(request: Request) -> Runtime:
    """The runtime behind the application."""
    runtime: Runtime = request.app.state.runtime
    return runtime


Asking = Annotated[Caller, Depends(authorise)]
Running = Annotated[Runtime, Depends(runtime_of)]
