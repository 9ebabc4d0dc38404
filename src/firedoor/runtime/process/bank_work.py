"""Hash banks of this installation, as calls for whoever has the machine: list, take a file in, show, withdraw, look.

Decides that they work beside a running server and without one, on the same database. Leaves what an update does to the
core, and leaving everywhere to `runtime.hashing.withdrawing`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from firedoor.core.hashing.entry import BOUNDS, Batch, refused
from firedoor.core.hashing.feedback import Draft
from firedoor.core.hashing.read_bank import read_bank
from firedoor.core.problems import InvalidInput, Problem
from firedoor.runtime.config.container import World
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.hashing.feedback import drafts_of
from firedoor.runtime.hashing.kept import bank_shown, banks_shown
from firedoor.runtime.hashing.withdrawing import Proof, clear_blocklists, let_go, proof, withdraw
from firedoor.runtime.process.application import open_world
from firedoor.store.banks import banks


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file did to a bank. `left` names blocklists from which something is not off yet."""

    bank: str
    change: Mapping[str, object]
    batch: Batch
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BankWork:
    """The calls. `by` is the user of this machine."""

    world: World
    by: str

    def all(self) -> list[Mapping[str, object]]:
        """Every bank."""
        return banks_shown(self.world.store, self.world.organisation.trusted_banks)

    def one(self, bank: str, after: str, limit: int) -> Mapping[str, object]:
        """One bank, and a page of its entries. Raises NotFound."""
        return bank_shown(self.world.store, bank, self.world.organisation.trusted_banks, after, limit)

    def take(self, file: Path, bank: str) -> Taken:
        """Take a file into a bank; what it withdraws leaves everywhere. Raises InvalidInput."""
        name, world = bank or file.stem, self.world
        try:
            if file.stat().st_size > BOUNDS.bytes:
                raise refused(str(file), f"it is over {BOUNDS.bytes} bytes", "split it")
            batch = read_bank(file.read_bytes(), str(file), name, world.now())
        except OSError:
            raise refused(str(file), "it cannot be read", "name a file of hashes") from None
        before = [one.entry for case in batch.gone_cases for one in banks.of_case(world.store, name, case)]
        change = banks.keep(world.store, name, batch, world.now(), self.by)
        gone = [
            (one.algorithm, one.value) for one in (*before, *batch.entries) if one in before or not one.status.living
        ]

        async def leave() -> list[str]:
            await let_go(world, gone)
            return await clear_blocklists(world)

        return Taken(name, change, batch, tuple(asyncio.run(leave())))

    def withdraw(self, bank: str, entry: str, case: str, why: str) -> tuple[list[str], Proof]:
        """Withdraw an entry, or all of a case. Raises InvalidInput or NotFound."""
        if bool(entry) == bool(case):
            do = "--entry DIGEST, or --case CASE"
            raise InvalidInput(Problem(code="X232", message="name an entry or a case", do=do))
        store = self.world.store
        wanted = [banks.the_entry(store, bank, entry)] if entry else banks.of_case(store, bank, case)
        if not wanted:
            raise InvalidInput(Problem(code="X232", message="no entry has this case", do=f"firedoor banks show {bank}"))
        found = asyncio.run(withdraw(self.world, bank, wanted, why, self.by))
        return [one.digest for one in wanted], found

    def gone(self, bank: str, entry: str) -> Proof:
        """Look whether a withdrawn entry is gone; what is still on a blocklist is tried again first."""

        async def look() -> Proof:
            await clear_blocklists(self.world)
            return await proof(self.world, bank, entry)

        return asyncio.run(look())

    def feedback(self, incident: str, bank: str, reason: str) -> tuple[list[Draft], list[str]]:
        """What an incident notes for a bank, in its form."""
        return drafts_of(self.world, incident, bank, reason)


@contextmanager
def bank_work(settings: Settings, by: str) -> Iterator[BankWork]:
    """Open this installation's parts, without a server."""
    world = open_world(settings)
    try:
        yield BankWork(world, by)
    finally:
        world.store.close()
