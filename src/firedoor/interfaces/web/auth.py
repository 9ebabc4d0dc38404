"""Who is asking: the holder of a bearer token, or this machine's user with the local token.

Decides that the person who acts is always the token's holder, and that a known token
is looked up once a second at most. Leaves what the person may do to `access`.
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

from firedoor.core.people import Person
from firedoor.core.problems import NotPermitted, Problem
from firedoor.core.view import IncidentView
from firedoor.interfaces.web.access import PLAYBOOK_ROLES, ROUTES, SYSTEM_ROLES, UNSEALED, allowed, needed
from firedoor.interfaces.web.answers import Unauthenticated
from firedoor.runtime.start import Runtime
from firedoor.store.journal import Store
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
    keyring: Keyring = request.app.state.keyring
    caller = await keyring.caller(request.headers.get("authorization"))
    access = ROUTES.get((request.method, request.scope["route"].path))
    if not allowed(access, caller.person.roles):
        has = ", ".join(sorted(caller.person.roles)) or "no role"
        message = f"{caller.person.name} may not do this: it is for {needed(access)}"
        raise NotPermitted(Problem(code="W103", message=message, do=f"this token has {has}"))
    return caller


def runtime_of(request: Request) -> Runtime:
    """The runtime behind the application."""
    runtime: Runtime = request.app.state.runtime
    return runtime


Asking = Annotated[Caller, Depends(authorise)]
Running = Annotated[Runtime, Depends(runtime_of)]
