"""Attack: whoever has a copy of the database or a backup has everybody's one-time codes and the installation's keys."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update
from tests.attacks.traces import files_with, forms
from tests.support.api_house import House, house
from tests.support.command import Firedoor, _firedoor
from tests.support.databases import cluster, database  # noqa: F401 - fixtures

from firedoor.core.access.security import SecurityKind
from firedoor.core.problems import InvalidInput, NotPermitted, Refused
from firedoor.interfaces.cli.system.doctor_keys import key_looks
from firedoor.runtime.config.keys import KeyFile
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.process.application import open_store
from firedoor.runtime.process.backup import back_up
from firedoor.store.database.migrate import migrate
from firedoor.store.database.security_tables import ChangeRow
from firedoor.store.database.sign_in_tables import HouseSecretRow
from firedoor.store.database.sql import table
from firedoor.store.database.tables import AccountRow
from firedoor.store.identity.accounts import Account, codes_secret, create_account, proved
from firedoor.store.identity.changes import LAPSES, lapse
from firedoor.store.identity.sealed_values import used_keys
from firedoor.store.identity.shared_secrets import house_secret
from firedoor.store.incidents.journal import Store
from firedoor.store.incidents.security import security_entries

__all__ = ["_firedoor"]
V1 = "/api/v1"
PASSWORD = "a sentence that is long"
NOW = datetime.now(UTC)


@pytest.fixture(name="built")
async def _built(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path / "data") as built:
        yield built


def code_of(secret: str, now: datetime) -> str:
    """The code that an app shows, worked out by OpenSSL's HMAC and RFC 4226's truncation."""
    import base64
    import hashlib
    import hmac
    import struct

    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(now.timestamp()) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


async def test_no_copy_holds_a_secret_in_clear(built: House, tmp_path: Path) -> None:
    """An account with codes, a sign-in; then database, log, vault, backup, and everything beside the key ring."""
    store, data = built.runtime.world.store, built.runtime.settings.data_dir
    await built.local.post(f"{V1}/accounts", json={"name": "ada", "roles": ["viewer"], "password": PASSWORD})
    secret = str((await built.local.post(f"{V1}/accounts/ada/one-time-codes", json={})).json()["secret"])
    form = {"name": "ada", "password": PASSWORD, "code": code_of(secret, built.runtime.world.now())}
    answer = await built.client().post("/sign-in", data=form, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 303, answer.text
    keys = [house_secret(store, name).hex() for name in ("settings digest", "known browsers")]
    assert not back_up(built.runtime.settings, tmp_path / "backup.tar", built.runtime.world.now()).problems
    for planted in (secret, *keys):
        assert files_with(planted, tmp_path) == []
    ring = KeyFile(built.runtime.settings)
    for key in ring().keys:
        assert files_with(key.secret.hex(), tmp_path) == [
            data / "keys" / "keyring"
        ]  # so the search finds what is there


def _old_installation(url: str, secret: str, house_key: str) -> None:
    """What a version before this one left: the secrets in clear, and rows that were changed since."""
    store = Store(url)
    migrate(store.engine)
    create_account(store, Account("ada", "Ada", frozenset({"viewer"})), PASSWORD, NOW)

    def write(connection: Any) -> None:
        accounts = table(AccountRow)
        connection.execute(update(accounts).where(accounts.c.name == "ada").values(totp_secret=secret))
        connection.execute(insert(table(HouseSecretRow)).values(name="settings digest", value=house_key))
        change = {
            "id": "c0ffee00", "what": "account.change", "about": "ada", "reasons": "[]", "roles": "",
            "body": f'{{"totp":"{secret}"}}', "proposed_by": "person:bob", "proposer": "bob",
            "proposed_at": NOW.isoformat(), "expires_at": (NOW + LAPSES).isoformat(), "state": "waiting",
        }  # fmt: skip
        connection.execute(insert(table(ChangeRow)).values(**change))

    store.write(write).result()
    store.close()


def test_what_an_earlier_version_left_in_clear_is_sealed_and_leaves_no_trace(database: str, tmp_path: Path) -> None:  # noqa: F811
    """At the first start: the rows, the free pages and the log. Codes and keys go on working."""
    secret, house_key = codes_secret(), "ab12" * 16
    _old_installation(database, secret, house_key)
    assert _dump(database, tmp_path, secret), "the search must find what is there"
    store = open_store(Settings(data_dir=tmp_path, database_url=database))
    try:
        assert used_keys(store.engine)[""] == 0
        assert house_secret(store, "settings digest").hex() == house_key
        assert proved(store, "ada", PASSWORD, code_of(secret, NOW), NOW).name == "ada"
        for planted in (secret, house_key):
            assert not _dump(database, tmp_path, planted)
    finally:
        store.close()


def _dump(url: str, folder: Path, secret: str) -> bool:
    """Whether a copy of the database holds a secret."""
    if url.startswith("sqlite"):
        return bool(files_with(secret, folder))
    plain = url.replace("postgresql+psycopg", "postgresql")
    dump = subprocess.run(["pg_dump", plain], capture_output=True, check=True).stdout
    return any(form in dump for form in forms(secret))


async def test_a_value_opens_nothing_in_another_row_and_none_of_an_attacker_s_is_taken(built: House) -> None:
    """Somebody who can write to the database puts their own secret, or their own row's, on an administrator."""
    store, now = built.runtime.world.store, built.runtime.world.now()
    for name in ("ada", "eve"):
        create_account(store, Account(name, "", frozenset({"viewer"})), PASSWORD, now)
    eves = str((await built.local.post(f"{V1}/accounts/eve/one-time-codes", json={})).json()["secret"])
    await built.local.post(f"{V1}/accounts/ada/one-time-codes", json={})
    rows = {row["name"]: row["totp_secret"] for row in store.rows(AccountRow)}
    for forged in (rows["eve"], eves):
        with contextlib.closing(
            sqlite3.connect(built.runtime.settings.data_dir / "firedoor.db", timeout=30)
        ) as by_hand:
            by_hand.execute("UPDATE account SET totp_secret = ? WHERE name = 'ada'", [forged])
            by_hand.commit()
        with pytest.raises(Refused):
            proved(store, "ada", PASSWORD, code_of(eves, now), now)
        form = {"name": "ada", "password": PASSWORD, "code": code_of(eves, now)}
        answer = await built.client().post("/sign-in", data=form, headers={"sec-fetch-site": "same-origin"})
        assert answer.status_code in (403, 409), answer.status_code


async def test_a_change_that_waits_is_sealed_and_swept_when_it_lapses(built: House) -> None:
    """The secret of codes that a second administrator has to approve; nobody does."""
    store, now = built.runtime.world.store, built.runtime.world.now()
    for name in ("ada", "bob"):
        create_account(store, Account(name, "", frozenset({"admin"})), PASSWORD, now)
    first = await built.local.post(f"{V1}/accounts/ada/one-time-codes", json={})
    assert first.status_code == 201, "the first codes of an account take nothing from anybody"
    made = (await built.local.post(f"{V1}/accounts/ada/one-time-codes", json={})).json()
    assert made["waits_for"]
    assert files_with(made["secret"], built.runtime.settings.data_dir) == []
    assert lapse(store, now + LAPSES - timedelta(seconds=1)) == 0
    assert lapse(store, now + LAPSES + timedelta(minutes=1)) == 1
    (row,) = store.rows(ChangeRow)
    assert (row["state"], row["body"]) == ("lapsed", "{}")
    assert [one.body["change"] for one in security_entries(store, kinds=[SecurityKind.LAPSED])] == [made["waits_for"]]


async def test_keys_rotate_beside_a_running_server(built: House, firedoor: Firedoor) -> None:
    """Everything is sealed anew, the server goes on without a restart, and the old key can be dropped then."""
    await built.local.post(f"{V1}/accounts", json={"name": "ada", "roles": ["viewer"], "password": PASSWORD})
    secret = str((await built.local.post(f"{V1}/accounts/ada/one-time-codes", json={})).json()["secret"])
    first = {one["id"] for one in firedoor("keys", "list", "--format", "json").json["keys"]}
    assert firedoor("keys", "rotate").code == 0
    keys = firedoor("keys", "list", "--format", "json").json["keys"]
    (old,) = [one for one in keys if one["id"] in first and one["purpose"] == "seal"]
    assert (old["sealed"], old["in_use"]) == (0, False)
    assert sum(one["sealed"] for one in keys) >= 2
    assert firedoor("keys", "drop", next(one["id"] for one in keys if one["in_use"])).code == 3
    assert firedoor("keys", "drop", old["id"]).code == 0
    form = {"name": "ada", "password": PASSWORD, "code": code_of(secret, built.runtime.world.now())}
    answer = await built.client().post("/sign-in", data=form, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 303, answer.text
    await built.local.post(f"{V1}/accounts/ada/one-time-codes", json={})
    after = firedoor("keys", "list", "--format", "json").json["keys"]
    assert [one["id"] for one in after if one["sealed"] and not one["in_use"]] == []
    kinds = {one.kind for one in security_entries(built.runtime.world.store)}
    assert {"keys.made", "keys.rotated", "keys.dropped"} <= kinds


async def test_without_its_key_ring_nothing_starts_until_it_is_said_to_be_lost(
    tmp_path: Path, firedoor: Firedoor
) -> None:
    """A new ring in its place would only hide that the old one is missing; the refusal says what to do."""
    async with house(tmp_path / "data") as built:
        await built.local.post(f"{V1}/accounts", json={"name": "ada", "roles": ["viewer"], "password": PASSWORD})
        await built.local.post(f"{V1}/accounts/ada/one-time-codes", json={})
    ring = tmp_path / "data" / "keys" / "keyring"
    ring.rename(tmp_path / "elsewhere")
    refused = firedoor("keys", "list")
    assert (refused.code, "S111" in refused.err, "firedoor keys lost" in refused.err) == (3, True, True)
    with pytest.raises(Refused, match="sealed with the key"):
        open_store(Settings(data_dir=tmp_path / "data"))
    assert [state for state, *_ in key_looks(Settings(data_dir=tmp_path / "data"))] == ["wrong"]
    assert firedoor("keys", "lost").code == 1
    assert not ring.exists()
    given_up = firedoor("keys", "lost", "--yes")
    assert "firedoor account codes ada" in given_up.out, given_up.err
    store = open_store(Settings(data_dir=tmp_path / "data"))
    with pytest.raises(NotPermitted):  # the account is not open to the password alone
        proved(store, "ada", PASSWORD, "", datetime.now(UTC))
    store.close()


def test_a_key_ring_behind_a_reference_is_read_and_never_written(
    tmp_path: Path, firedoor: Firedoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kubernetes, systemd credentials, a secret store: the keys come in by name, and rotate there."""
    monkeypatch.setenv("FIREDOOR_KEYRING", "secret://env/RING")
    keys = firedoor("keys", "new").out
    assert firedoor("keys", "list").code == 1
    monkeypatch.setenv("RING", keys)
    assert {one["purpose"] for one in firedoor("keys", "list", "--format", "json").json["keys"]} == {"seal", "sign"}
    monkeypatch.setenv("RING", f"{keys} {firedoor('keys', 'new', '--purpose', 'seal').out}")
    done = firedoor("keys", "rotate")
    assert done.code == 0, done.err
    assert not list((tmp_path / "data").glob("keys*"))


@pytest.mark.parametrize("harm", ["", "seal:x", "seal:00000000:20260101T000000Z:AAAA"])
def test_a_damaged_key_ring_is_named_and_never_shown(tmp_path: Path, harm: str) -> None:
    """It is refused, whatever is in it, and what is in it is not in the message."""
    settings = Settings(data_dir=tmp_path)
    open_store(settings).close()
    (tmp_path / "keys" / "keyring").write_text(harm)
    with pytest.raises(InvalidInput) as caught:
        open_store(settings)
    assert "S110" in str(caught.value)
    assert not harm or harm not in str(caught.value)
