"""The page of messages: what waits, what was given up, why, for whom; and trying it now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.slack.test_slack import until
from tests.support.api_house import House, house, problems
from tests.support.real_mail import PASSWORD, USER, Authority, RealMail
from tests.web.console.test_console_library import browser, send

from firedoor.runtime.loops.outbox import GIVE_UP
from firedoor.store.database.sql import table, text_of
from firedoor.store.database.tables import DeliveryRow
from firedoor.store.identity.accounts import Account, change_account, create_account
from firedoor.store.outbox import deliveries

SECRET = "Mx Secret of the third office"
ORGANISATION = "messages:\n  commander: [email]\n  dpo: [email]\n"
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")


@pytest.fixture(name="mail")
async def _mail(tmp_path: Path) -> AsyncIterator[RealMail]:
    async with RealMail("tls", Authority(tmp_path).context(), login=True) as mail:
        yield mail


@pytest.fixture(name="built")
async def _built(tmp_path: Path, mail: RealMail, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A house that writes letters, with the wrong password for the mail server."""
    monkeypatch.setenv("TEST_SMTP", "wrong")
    (tmp_path / "organisation.yaml").write_text(ORGANISATION)
    settings: dict[str, Any] = {
        "smtp_host": "127.0.0.1", "smtp_port": mail.port, "smtp_security": "tls", "smtp_from": "fd@house.test",
        "smtp_user": USER, "smtp_password": "secret://env/TEST_SMTP", "certificates": tmp_path / "authority.pem",
    }  # fmt: skip
    async with house(tmp_path, **settings) as built:
        for name, role in (("cas", "commander"), ("dee", "dpo")):
            account = Account(name, "", frozenset((role,)), f"{name}@house.test")
            create_account(built.runtime.world.store, account, None, built.runtime.world.now())
        yield built


async def held(built: House) -> str:
    """An incident whose letter the mail server does not take."""
    incident = await built.open(endpoint=SECRET, severity="high")
    await until(lambda: "wait for a far end" in built.runtime.outbox.state, "the word of it")
    return incident


def handles(built: House) -> list[str]:
    columns = table(DeliveryRow).c
    return [row["handle"] for row in built.runtime.world.store.rows(DeliveryRow, columns.messenger == "email")]


async def test_a_wrong_password_is_held_and_said_and_leaves_once_it_is_right(
    built: House, mail: RealMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What, for whom, since when and why; no address, no value; and trying it now sends it."""
    incident = await held(built)
    ann = await browser(built, "ann", "commander")
    page = (await ann.get("/deliveries")).text
    for word in (incident, "T1", "by email to cas", "refused our login with 535", "1 waiting", "Retry now"):
        assert word in page, word
    for word in ("cas@house.test", SECRET, "wrong"):
        assert word not in page, word
    assert "/deliveries" in (await ann.get("/")).text
    monkeypatch.setenv("TEST_SMTP", PASSWORD)
    done = await send(ann, f"/deliveries/{handles(built)[0]}/retry")
    assert done.status_code == 303
    await until(lambda: mail.letters, "the letter")
    await until(lambda: built.runtime.outbox.state == "well", "the word of it")
    assert "No messages waiting." in (await ann.get("/deliveries")).text
    assert "by email to cas" in (await ann.get("/deliveries?which=sent")).text


async def test_what_was_given_up_can_be_tried_again(built: House, mail: RealMail, monkeypatch: Any) -> None:
    """A day later, by an administrator who has mended the mail server."""
    await held(built)
    world, key = built.runtime.world, handles(built)[0]
    row = deliveries.by_handle(world.store.engine, key)
    assert row is not None
    old = text_of(world.now() - GIVE_UP)
    lost = {"state": "given_up", "made_at": old, "next_at": None, "owner": ""}
    await until(lambda: deliveries._update(world.store, table(DeliveryRow).c.key == row["key"], lost).result())
    root = await browser(built, "root", "admin")
    page = (await root.get("/deliveries?which=lost")).text
    assert ">failed</span>" in page
    assert "refused our login" in page
    monkeypatch.setenv("TEST_SMTP", PASSWORD)
    assert (await send(root, f"/deliveries/{key}/retry")).status_code == 303
    await until(lambda: mail.letters, "the letter")


async def test_whoever_may_not_gets_no_button_and_no_retry(built: House) -> None:
    """A viewer sees the list; an outsider to the incident does not see that the delivery exists."""
    incident = await held(built)
    vic: httpx.AsyncClient = await browser(built, "vic", "viewer")
    page = (await vic.get("/deliveries")).text
    assert incident in page
    assert "Retry now" not in page
    (handle, *_) = handles(built)
    assert (await send(vic, f"/deliveries/{handle}/retry")).status_code == 403
    readers = {"roles": ["commander"], "why": SECRET}
    await built.local.post(f"/api/v1/incidents/{incident}/readers", json=readers)
    eve = built.holding("eve", "manager")
    done = await eve.post(f"/api/v1/deliveries/{handle}/retry")
    assert (done.status_code, problems(done)) == (404, ["H130"])
    other = await browser(built, "max", "manager")
    assert "1 waiting" not in (await other.get("/deliveries")).text
    assert "T1" not in (await other.get("/deliveries")).text


async def test_what_was_sent_is_not_sent_again(built: House, mail: RealMail, monkeypatch: Any) -> None:
    """A button on an old page changes nothing, and says so."""
    monkeypatch.setenv("TEST_SMTP", PASSWORD)
    await built.open(endpoint=SECRET, severity="high")
    await until(lambda: mail.letters, "the letter")
    await until(lambda: built.runtime.outbox.state == "well", "the word of it")
    (handle, *_) = handles(built)
    done = await built.local.post(f"/api/v1/deliveries/{handle}/retry")
    assert problems(done) == ["H131"]
    assert (await built.local.post("/api/v1/deliveries/none/retry")).status_code == 404
    ann = await browser(built, "ann", "commander")
    assert "nobody needs it any more" in (await send(ann, f"/deliveries/{handle}/retry")).text
    assert len(mail.letters) == 1


async def test_a_role_that_nobody_reachable_has_is_named(built: House) -> None:
    """Its tasks are told to nobody: that is seen before the night in which it matters."""
    ann = await browser(built, "ann", "manager")
    assert "can be reached" not in (await ann.get("/deliveries")).text
    change_account(built.runtime.world.store, "dee", {"disabled": True}, built.runtime.world.now())
    assert "Nobody in dpo can be reached" in (await ann.get("/deliveries")).text


async def test_where_nobody_is_told_the_page_says_so(tmp_path: Path) -> None:
    """It names the file in which roles get their messengers."""
    async with house(tmp_path) as built:
        ann = await browser(built, "ann", "manager")
        assert "organisation.yaml" in (await ann.get("/deliveries")).text
