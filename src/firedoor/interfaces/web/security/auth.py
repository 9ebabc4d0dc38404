"""Who is asking: the holder of a bearer token, somebody who signed in, or this machine's user.

Decides that the person who acts is always the one whose token or session it is, that a known token is looked up once
a second at most, and that an incident is closed to whoever does not need to know. Leaves what the person may do to
`access`, and the cookie to `session`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from firedoor.core.access.need_to_know import need_to_know
from firedoor.core.access.roles import SOURCE
from firedoor.core.incident.view import IncidentView
from firedoor.core.person import LOCAL, Person
from firedoor.core.problems import NotPermitted, Problem
from firedoor.interfaces.web.http import session
from firedoor.interfaces.web.http.filters import need_parameters
from firedoor.interfaces.web.http.responses import Unauthenticated
from firedoor.interfaces.web.http.slots import Places
from firedoor.interfaces.web.security.route_table import ROUTES, UNSEALED, Access, allowed, needed
from firedoor.runtime.config.container import utc_now
from firedoor.runtime.process.application import Runtime
from firedoor.runtime.service.administration import Administrator, local_user
from firedoor.runtime.service.roles import Roles
from firedoor.store.database.sql import table
from firedoor.store.database.tables import IncidentRow
from firedoor.store.identity.sessions import session_of
from firedoor.store.identity.tokens import Held, held
from firedoor.store.incidents.journal import Store

REMEMBERED = 1.0  # seconds for which a token's holder is not looked up again
MAXIMUM_REMEMBERED = 1000
MAXIMUM_SECRET = 200  # characters


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking. `local` is the user of this machine, who holds every role; `own` are the installation's roles."""

    person: Person
    local: bool = False
    own: frozenset[str] = frozenset()
    account: str = ""  # the account that signed in or whose token it is; empty where nobody knows whose
    token: str = ""  # the id of the token that was shown
    source: str = ""  # the source that this token was bound to by sending

    @property
    def administrator(self) -> Administrator:
        """The caller as whoever keeps accounts and tokens."""
        return Administrator(self.person, self.local)

    def may(self, access: Access | None) -> bool:
        """Whether the caller has an access."""
        return allowed(access, self.person.roles, self.own)

    @property
    def unsealed(self) -> bool:
        """Whether facts about victims and witnesses are shown."""
        return bool(self.person.roles & UNSEALED)

    def within(self, view: IncidentView) -> Person:
        """The person, for one incident: the local user also holds roles that only this incident's playbook names."""
        if not self.local:
            return self.person
        asked = {role for task in view.tasks.values() for role in task.roles}
        return replace(self.person, roles=self.person.roles | asked)


class Keyring:
    """Knows the holders of tokens."""

    def __init__(self, store: Store, roles: Roles) -> None:
        self.store = store
        self.roles = roles
        self.local_token = f"fdl_{secrets.token_urlsafe(32)}"
        self.user = local_user()
        self._known: dict[bytes, tuple[float, Held]] = {}
        self.used: dict[str, datetime] = {}  # tokens by id, until somebody writes down when they were used

    async def signed_in(self, secret: str) -> Caller | None:
        """Return who a session's cookie belongs to; None when it has ended."""
        session = await asyncio.to_thread(session_of, self.store, secret, utc_now())
        if session is None:
            return None
        if session.local:
            return self.of_this_machine()
        return replace(self.known(session.person), account=session.person.name)

    async def caller(self, authorization: str | None) -> Caller:
        """Return who bears this header. Raises Unauthenticated."""
        secret = bearer(authorization)
        if secret is None:
            raise unauthenticated("no token was given")
        if hmac.compare_digest(secret.encode(), self.local_token.encode()):
            return self.of_this_machine()
        found = await self._held(secret)
        if found is None:
            raise unauthenticated("the token is unknown, revoked or expired, or has not been approved yet")
        self.used[found.id] = utc_now()
        return replace(self.known(found.person), account=found.account, token=found.id, source=found.source)

    def of_this_machine(self) -> Caller:
        """The user of this machine, who has every role but a machine's."""
        listed = self.roles.loaded()
        return Caller(Person(self.user, listed.known - {SOURCE}, f"{LOCAL}{self.user}"), local=True, own=listed.own)

    def known(self, person: Person) -> Caller:
        """A person with the roles that they have and that are roles here; of any other word nothing counts."""
        listed = self.roles.covering(person.roles)
        return Caller(listed.holding(person), own=listed.own)

    def forget(self) -> None:
        """Look every token up anew: one was revoked."""
        self._known.clear()

    async def _held(self, secret: str) -> Held | None:
        key, now = hashlib.sha256(secret.encode()).digest(), time.monotonic()
        found = self._known.get(key)
        if found is not None and now - found[0] < REMEMBERED:
            return found[1]
        token = await asyncio.to_thread(held, self.store, secret, utc_now())
        if len(self._known) >= MAXIMUM_REMEMBERED:
            self._known.clear()
        if token is not None:
            self._known[key] = (now, token)
        return token


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
    """Return the caller, if the table lets them use this route. Raises Unauthenticated or NotPermitted.

    InvalidInput for a parameter that the route does not read.
    """
    caller = await _asking(request)
    request.state.caller = str(caller.person.actor)  # whom the guard counts where it is refused
    access = ROUTES.get((request.method, request.scope["route"].path))
    if not caller.may(access):
        has = ", ".join(sorted(caller.person.roles)) or "no role"
        message = f"{caller.person.name} may not do this: it is for {needed(access)}"
        raise NotPermitted(Problem(code="W103", message=message, do=f"this token has {has}"))
    need_parameters(request)
    if not caller.local and "incident" in request.path_params:
        await asyncio.to_thread(need_reader, request.app.state.keyring.store, request.path_params["incident"], caller)
    return caller


async def _asking(request: Request) -> Caller:
    """By the header, which wins, or by the cookie; with a cookie a change needs the proof of its own page."""
    keyring = keyring_of(request)
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


def keyring_of(request: Request) -> Keyring:
    """Who knows the holders of tokens, for a route that asks for no token itself."""
    keyring: Keyring = request.app.state.keyring
    return keyring


def places_of(request: Request) -> Places:
    """The bounded kinds of work."""
    places: Places = request.app.state.places
    return places


Asking = Annotated[Caller, Depends(authorise)]
Running = Annotated[Runtime, Depends(runtime_of)]
Bounded = Annotated[Places, Depends(places_of)]
