"""A running API for tests: a real store on SQLite, the runtime without Prefect, called in process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from firedoor.core.problems import FiredoorError
from firedoor.interfaces.web.app import create_app
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.process.application import Runtime
from firedoor.store.identity.accounts import Account, change_account, create_account, find_account
from firedoor.store.identity.tokens import create_token
from firedoor.testing.fresh import fresh_folder

LEAK = "model-data-leakage"


class House:
    """The application, and a client for each set of roles."""

    def __init__(self, app: FastAPI, runtime: Runtime) -> None:
        self.app = app
        self.runtime = runtime
        self._clients: list[httpx.AsyncClient] = []

    @property
    def local(self) -> httpx.AsyncClient:
        """This machine's own user."""
        return self.client(self.app.state.keyring.local_token)

    def token(self, name: str, *roles: str) -> str:
        """A new token, of an account of that name; of nobody's where no account could have such a name or roles."""
        store, now = self.runtime.world.store, self.runtime.world.now()
        account = self._account(name, frozenset(roles))
        return create_token(store, name, frozenset(roles), now, account=account)[1]

    def _account(self, name: str, roles: frozenset[str]) -> str | None:
        """An account with at least these roles."""
        store, now = self.runtime.world.store, self.runtime.world.now()
        if roles & {"source", "admin"} or ":" in name or self.runtime.roles.loaded().unknown(roles):
            return None
        found = find_account(store, name)
        if found is None:
            try:
                create_account(store, Account(name, name, roles), None, now)
            except FiredoorError:  # it reads like an account that is there: a token of before, then
                return None
        elif roles - found.roles:
            change_account(store, name, {"roles": found.roles | roles}, now)
        return name

    def holding(self, name: str, *roles: str) -> httpx.AsyncClient:
        """A client for a person with a token of their own."""
        return self.client(self.token(name, *roles))

    def client(self, token: str | None = None, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
        """A client with a token, or with none."""
        given = {**(headers or {}), **({"authorization": f"Bearer {token}"} if token else {})}
        client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://firedoor", headers=given)
        self._clients.append(client)
        return client

    async def open(self, playbook: str = LEAK, **facts: Any) -> str:
        """Open an incident and wait until this process has nothing left to do about it."""
        given = {"playbook": playbook, "facts": facts, "why": "test"}
        answer = await self.local.post("/api/v1/incidents", json=given)
        assert answer.status_code == 201, answer.text
        incident = str(answer.json()["incident"])
        await self.runtime.driver.settled(incident)
        return incident

    async def close(self) -> None:
        """Close the clients."""
        for client in self._clients:
            await client.aclose()


@contextlib.asynccontextmanager
async def house(folder: Path, **settings: Any) -> AsyncIterator[House]:
    """Start the application as a server would, and stop it."""
    fresh_folder(folder)
    runtime = Runtime(Settings(data_dir=folder, prefect=False, **settings))
    app = create_app(runtime)
    async with app.router.lifespan_context(app):
        built = House(app, runtime)
        try:
            yield built
        finally:
            await built.close()


def problems(answer: httpx.Response) -> list[str]:
    """The codes of an error."""
    return [problem["code"] for problem in answer.json()["problems"]]
