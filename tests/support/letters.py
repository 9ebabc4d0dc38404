"""A house that can write letters, and the links that come in them: nowhere else can one be read."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from tests.support.api_house import House, house
from tests.support.mail_house import MailHouse

from firedoor.store.identity.accounts import Account, create_account, find_account
from firedoor.testing.passwords import quick

PASSWORD = "a sentence that is long"


class Writing(House):
    """The application with a mail server beside it."""

    mail: MailHouse

    def account(self, name: str, *roles: str, email: str = "", slack_id: str = "") -> None:
        """An account with an address, unless it is there."""
        store, now = self.runtime.world.store, self.runtime.world.now()
        if find_account(store, name) is None:
            address = email or f"{name.lower().replace(' ', '.')}@house.test"
            account = Account(name, name, frozenset(roles), email=address, slack_id=slack_id)
            create_account(store, account, quick(PASSWORD), now)

    async def send_link(
        self, incident: str, task: str, role: str, maker: httpx.AsyncClient, **more: Any
    ) -> httpx.Response:
        """Ask for a link to Cleo Adu, who has the role."""
        self.account("Cleo Adu", role)
        given = {"to": "Cleo Adu", "role": role, "hours": 2, **more}
        return await maker.post(f"/api/v1/incidents/{incident}/tasks/{task}/link", json=given)

    def words(self) -> str:
        """The last letter."""
        letter = self.mail.letters[-1].get_body(("plain",))
        assert letter is not None
        return str(letter.get_content())

    def link(self) -> str:
        """The path of the link in it."""
        found = re.search(r"/answer/[\w-]+", self.words())
        assert found is not None, self.words()
        return found[0]


@contextlib.asynccontextmanager
async def writing(folder: Path, **settings: Any) -> AsyncIterator[Writing]:
    """Start it."""
    async with MailHouse() as mail:
        given = {"smtp_host": "127.0.0.1", "smtp_port": mail.port, "smtp_security": "none", **settings}
        async with house(folder, smtp_from="firedoor@house.test", **given) as built:
            one = Writing(built.app, built.runtime)
            one.mail = mail
            try:
                yield one
            finally:
                await one.close()
