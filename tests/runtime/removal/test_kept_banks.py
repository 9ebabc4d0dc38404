"""Hash banks that are kept: updates, one index for all, and what is withdrawn is gone from everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.contract.rigs_support.gallery import Gallery

from firedoor.connectors.parts.context import ConnectorContext, open_client
from firedoor.core.hashing.bank import fingerprint
from firedoor.core.hashing.entry import Batch, Entry, Status
from firedoor.core.person import Person
from firedoor.runtime.config.secrets import ReferencedSecrets
from firedoor.runtime.hashing.feedback import drafts_of
from firedoor.runtime.hashing.kept import KeptBanks, bank_shown
from firedoor.runtime.hashing.withdrawing import clear_blocklists, proof, withdraw
from firedoor.runtime.removal.systems import OpenSystems
from firedoor.store.banks import banks, blocked
from firedoor.testing.house import House, plan_of

PDQ = "f8f8f0cce0f4a84d0e370a22028f67f0b36e2ed596623e1d33e6b39c4e9c9b22"
NEAR = f"{int(PDQ, 16) ^ 0b10101:064x}"
OTHER = "1f8f0cce0f4a84d0e370a22028f67f0b36e2ed596623e1d33e6b39c4e9c9b220"
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
PAGE = """
playbook: small
version: 1.0.0
title: Small
incident: nonconsensual_content_generation
roles: [commander]
phases: {identification: [], containment: [preserve: alert], remediation: [], post_incident: []}
"""


@pytest.fixture
def gallery() -> Iterator[Gallery]:
    """A store with a filter."""
    one = Gallery()
    yield one
    one.close()


@pytest.fixture
def house(tmp_path: Path, gallery: Gallery) -> Iterator[House]:
    """A house with one bank of two cases."""
    built = House(tmp_path, plan_of(PAGE), inventory=gallery.inventory())
    built.world.banks = KeptBanks(built.store)
    batch = Batch(
        "Own", (Entry("pdq", PDQ, "case-1"), Entry("pdq", OTHER, "case-2"), Entry("sha256", "a" * 64, "case-2"))
    )
    banks.keep(built.store, "Own", batch, NOW, "Ann")
    yield built
    built.close()


def digest(*key: str) -> str:
    """The digest of an entry."""
    return fingerprint((key[0], key[1], key[2]))


def with_stores(house: House, story: Callable[[], Any]) -> Any:
    """Run something with real calls to the gallery."""

    async def told() -> Any:
        client = open_client()
        house.world.stores = OpenSystems(ConnectorContext(client, ReferencedSecrets(), house.clock, house.inventory))
        try:
            return await story()
        finally:
            await client.aclose()

    return asyncio.run(told())


def test_an_update_adds_replaces_and_withdraws(house: House) -> None:
    """The counts of a version are those of the core; an older file brings nothing back."""
    batch = Batch("Own", (Entry("pdq", PDQ, "case-1", status=Status.WITHDRAWN), Entry("sha256", "b" * 64, "case-3")))
    change = banks.keep(house.store, "Own", batch, NOW, "Ann")
    assert {name: change[name] for name in banks.COUNTS} == {"added": 1, "replaced": 0, "withdrawn": 1, "kept_out": 0}
    again = banks.keep(house.store, "Own", Batch("Own", (Entry("pdq", PDQ, "case-1"),)), NOW, "Ann")
    assert again["kept_out"] == 1
    gone = banks.keep(house.store, "Own", Batch("Own", gone_cases=("case-2",)), NOW, "Ann")
    assert gone["withdrawn"] == 2
    shown: Any = bank_shown(house.store, "Own", ())
    assert [one["version"] for one in shown["changes"]] == [4, 3, 2, 1]
    assert [one["case"] for one in shown["listed"]] == ["case-3"]


def test_the_index_follows_the_banks(house: House) -> None:
    """What is added is found, what is withdrawn is not, and in between nothing is built anew."""
    kept = house.world.banks
    assert isinstance(kept, KeptBanks)
    assert [one.entry.case for one in kept.near("pdq", NEAR, 31)] == ["case-1"]
    index = kept.index()
    banks.keep(house.store, "Two", Batch("Two", (Entry("pdq", NEAR, "x"),)), NOW, "Ann")
    assert {one.bank for one in kept.near("pdq", NEAR, 31)} == {"Own", "Two"}
    assert kept.index() is index
    banks.withdraw(house.store, "Two", banks.of_case(house.store, "Two", "x"), "asked", NOW, "Ann")
    assert {one.bank for one in kept.near("pdq", NEAR, 31)} == {"Own"}
    assert kept.index() is not index


def test_what_is_withdrawn_is_gone_from_everywhere_and_proved(house: House, gallery: Gallery, tmp_path: Path) -> None:
    """Database, files of the database, index and blocklist; another hash stays where it is."""
    gallery.blocked |= {("pdq", PDQ), ("pdq", OTHER)}
    blocked.note(house.store, "INC-1", "gallery", [("pdq", PDQ), ("pdq", OTHER)], NOW)
    wanted = banks.of_case(house.store, "Own", "case-1")
    found = with_stores(house, lambda: withdraw(house.world, "Own", wanted, "the person asked", "Ann"))
    assert found.proved, found.left
    assert gallery.blocked == {("pdq", OTHER)}
    files = b"".join(path.read_bytes() for path in tmp_path.glob("firedoor.db*"))
    assert PDQ.encode() not in files
    assert OTHER.encode() in files, "the look itself works"


def test_a_filter_that_does_not_answer_is_named_and_taken_up_again(house: House, gallery: Gallery) -> None:
    """Not proved while it is down; proved by the next call."""
    gallery.blocked.add(("pdq", PDQ))
    blocked.note(house.store, "INC-1", "gallery", [("pdq", PDQ)], NOW)
    gallery.down = True
    wanted = banks.of_case(house.store, "Own", "case-1")
    found = with_stores(house, lambda: withdraw(house.world, "Own", wanted, "the person asked", "Ann"))
    assert found.left == ("the blocklist of gallery",)
    gallery.down = False

    async def again() -> object:
        await clear_blocklists(house.world)
        return await proof(house.world, "Own", digest("pdq", PDQ, "case-1"))

    assert with_stores(house, again).proved


def test_a_hash_that_another_bank_lists_stays_blocked(house: House, gallery: Gallery) -> None:
    """One person's withdrawal takes nobody else's protection away, and the proof says who lists it."""
    banks.keep(house.store, "Two", Batch("Two", (Entry("pdq", PDQ, "somebody else"),)), NOW, "Ann")
    gallery.blocked.add(("pdq", PDQ))
    blocked.note(house.store, "INC-1", "gallery", [("pdq", PDQ)], NOW)
    wanted = banks.of_case(house.store, "Own", "case-1")
    found = with_stores(house, lambda: withdraw(house.world, "Own", wanted, "the person asked", "Ann"))
    assert "the bank Two lists the same hash" in found.left
    assert gallery.blocked == {("pdq", PDQ)}


def test_feedback_is_noted_without_the_hash_and_exported_with_it(house: House) -> None:
    """By the digest in the journal, in the bank's form on the way out; after a withdrawal nothing is written."""

    async def story() -> str:
        incident = await house.open(drive=False)
        ann = Person("Ann", frozenset(("legal",)))
        await house.service.tell_bank(
            incident, "Own", digest("pdq", PDQ, "case-1")[:12], "true", "seen in the log", ann
        )
        await house.service.tell_bank(
            incident, "Own", digest("pdq", PDQ, "case-1")[:12], "true", "seen in the log", ann
        )
        return incident

    incident = asyncio.run(story())
    assert house.kinds(incident).count("bank.feedback") == 1
    assert PDQ not in str([entry.body for entry in house.entries(incident)])
    drafts, left_out = drafts_of(house.world, incident, "Own")
    assert PDQ in drafts[0].body
    assert left_out == []
    banks.withdraw(house.store, "Own", banks.of_case(house.store, "Own", "case-1"), "asked", NOW, "Ann")
    drafts, left_out = drafts_of(house.world, incident, "Own")
    assert (drafts, len(left_out)) == ([], 1)
