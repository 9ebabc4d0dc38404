"""A withdrawn entry leaves everywhere: the database, the index and the blocklists it was put on; and it is proved.

Decides that a hash stays on a blocklist while another bank still lists it, and that it counts as off only once the
filter was asked. What could not be reached is named and taken up again by the next call. Leaves each call to the
drivers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from firedoor.core.problems import FiredoorError
from firedoor.core.ternary import NO
from firedoor.runtime.config.container import World
from firedoor.store.banks import banks, blocked
from firedoor.store.banks.banks import KeptEntry
from firedoor.store.database.engine import forget_deleted


@dataclass(frozen=True, slots=True)
class Proof:
    """Where an entry was looked for. `left` names each place that still holds it; none: it is gone."""

    searched: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def proved(self) -> bool:
        """Whether it is gone from everywhere."""
        return not self.left


async def withdraw(world: World, bank: str, wanted: Sequence[KeptEntry], why: str, by: str) -> Proof:
    """Withdraw entries of a bank, and have them leave everywhere. Raises NotFound for a bank that is not kept."""
    await asyncio.to_thread(banks.withdraw, world.store, bank, wanted, why, world.now(), by)
    await let_go(world, [(one.entry.algorithm, one.entry.value) for one in wanted])
    await clear_blocklists(world)
    proofs = [
        await proof(world, bank, one.digest, blocked.hash_digest(one.entry.algorithm, one.entry.value))
        for one in wanted
    ]
    left = tuple(dict.fromkeys(place for one in proofs for place in one.left))
    return Proof(proofs[0].searched if proofs else (), left)


async def let_go(world: World, hashes: Sequence[tuple[str, str]]) -> None:
    """Say of hashes that no bank lists any more that they have to come off every blocklist."""

    def work() -> None:
        gone = [one for one in dict.fromkeys(hashes) if not banks.with_values(world.store, one[0], [one[1]])]
        blocked.leave(world.store, [blocked.hash_digest(*one) for one in gone])

    await asyncio.to_thread(work)


async def clear_blocklists(world: World) -> list[str]:
    """Take off what has to come off. Returns what could not be, in words; it is tried again by the next call."""
    failed = []
    for row in await asyncio.to_thread(blocked.leaving, world.store):
        store, algorithm, value = row["store"], row["algorithm"], row["value"]
        try:
            system = world.stores(world.target(store))
            await system.unblock(algorithm, value, f"withdrawn:{row['hash_digest'][:16]}")
            if await system.blocked(algorithm, value) is NO:
                await asyncio.to_thread(blocked.left, world.store, store, algorithm, value)
                continue
            failed.append(f"the blocklist of {store} does not show that it is off")
        except FiredoorError as error:
            failed.append(f"the blocklist of {store}: {error.problems[0].message}")
    await asyncio.to_thread(forget_deleted, world.store.engine)
    return failed


async def proof(world: World, bank: str, digest: str, hash_digest: str = "") -> Proof:
    """Look for an entry everywhere: the database, the index of this process, and the blocklists."""

    def look() -> Proof:
        row = banks.withdrawn(world.store, bank, digest)
        mark = hash_digest or (str(row["hash_digest"]) if row else "")
        left = [f"the bank {bank}"] if banks.has(world.store, bank, digest) else []
        if row is None:
            left.append(f"the bank {bank} has no record that it was withdrawn")
        elsewhere = banks.with_digest(world.store, mark) if mark else []
        left += [f"the bank {one} lists the same hash" for one in elsewhere if one != bank]
        if world.banks is not None and mark:
            left += ["the index"] if world.banks.holds(mark) and not elsewhere else []
        left += [f"the blocklist of {one}" for one in blocked.stores_of(world.store, mark)] if mark else []
        return Proof(("the database", "the index", "the blocklists"), tuple(left))

    return await asyncio.to_thread(look)
