"""How often somebody may try to sign in, so that guessing is slow and a stranger locks nobody out.

Decides four limits of wrong attempts (docs/decisions/0008): a browser in which the account has signed in before counts
by itself; all others count by address and name together, by address, and by name. It is the same for names that nobody
has. What is counted stands in a fixed number of slots that forget, so no flood can fill a table, and neither a name nor
an address is stored. Leaves who proves to be whom to `store.accounts`, and where an attempt comes from to the web.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import Connection, Row, delete, insert, select, text, update

from firedoor.core.problems import FiredoorError, Problem
from firedoor.store.database.sign_in_tables import SignInSlotRow
from firedoor.store.database.sql import table, text_of
from firedoor.store.identity.accounts import Account, proved
from firedoor.store.identity.known_browsers import recognised
from firedoor.store.identity.shared_secrets import house_secret
from firedoor.store.incidents.journal import Store

SLOT_BYTES = 2  # 65,536 slots of each kind: a bound, not an index; a stranger cannot know who shares whose
FORGOTTEN = timedelta(days=1)  # every slot has run dry long before
SWEEP = 200  # about every so many attempts rows that have run dry are deleted
SECRET = "slots of attempts"  # noqa: S105 - the secret's name
_LOCK = 0x7369676E696E  # "signin": on PostgreSQL one attempt after the other, for two rows would be locked crosswise


@dataclass(frozen=True, slots=True)
class Limit:
    """So many wrong attempts at once, and one more whenever `forgets` has passed."""

    kind: str
    most: int
    forgets: timedelta


BROWSER = Limit("browser", 10, timedelta(minutes=1))  # a known one, for one account
PAIR = Limit("pair", 5, timedelta(minutes=2))  # an address and a name
ADDRESS = Limit("address", 30, timedelta(minutes=1))  # whatever the names
NAME = Limit("name", 60, timedelta(minutes=1))  # whatever the addresses; NIST SP 800-63B, 5.2.2, allows 100
LIMITS = (BROWSER, PAIR, ADDRESS, NAME)

Bucket = tuple[Limit, str]  # a limit and its slot


class TooOften(FiredoorError):
    """Nothing was looked at: wait first. Whether the name exists does not show."""

    exit_code = 3
    http_status = 429

    def __init__(self, seconds: int) -> None:
        do = (
            f"wait {seconds} seconds, then try again; a browser in which you have signed in before is not held up by"
            " the attempts of others, and neither is single sign-on"
        )
        super().__init__(Problem(code="A303", message="too many wrong attempts", do=do))
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody sent, from where: `address` is the client's, `browser` the word of a known browser or empty."""

    name: str
    password: str
    code: str
    address: str
    browser: str = ""


def attempt(store: Store, name: str, given: tuple[str, str], address: str, cookie: str, now: datetime) -> Attempt:
    """An attempt with `given` as password and code; the browser's cookie is looked at here."""
    return Attempt(name, *given, address, recognised(store, cookie, name, now))


def sign_in(store: Store, tried: Attempt, now: datetime) -> Account:
    """The account of somebody who proves to be them. Raises TooOften, or NotPermitted without saying what was wrong.

    Every attempt counts as wrong until it has proved right: many at once get no more tries than one after another.
    """
    buckets = _buckets(store, tried)
    wait = full(store, buckets, now) or _take(store, buckets, now)
    if wait:
        raise TooOften(wait)
    account = proved(store, tried.name, tried.password, tried.code, now)
    _give_back(store, buckets, now)
    return account


def full(store: Store, buckets: Sequence[Bucket], now: datetime) -> int:
    """Seconds until all of these have room for an attempt; 0 where they have. Only reads: a flood costs no write."""
    with store.engine.connect() as connection:
        return _wait(connection, buckets, now)


def sweep(store: Store, now: datetime) -> None:
    """Forget the slots in which nothing has happened for long."""
    old = delete(table(SignInSlotRow)).where(table(SignInSlotRow).c.at < text_of(now - FORGOTTEN))
    store.execute(old).result()


def place(address: str) -> str:
    """What counts as one place: an IPv4 address, or the 64 bits of IPv6 that one subscriber has all of."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "elsewhere"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _buckets(store: Store, tried: Attempt) -> list[Bucket]:
    where = place(tried.address)
    about = (
        [(BROWSER, tried.browser)]
        if tried.browser
        else [(PAIR, f"{where} {tried.name}"), (ADDRESS, where), (NAME, tried.name)]
    )
    key = house_secret(store, SECRET)
    return [(limit, f"{limit.kind}:{_slot(key, limit.kind, word)}") for limit, word in about]


def _slot(key: bytes, kind: str, word: str) -> str:
    """Which slot: too short to tell what was typed, and keyed, so that nobody outside can aim at one."""
    return hashlib.blake2b(f"{kind} {word}".encode(), key=key, digest_size=SLOT_BYTES).hexdigest()


def _take(store: Store, buckets: Sequence[Bucket], now: datetime) -> int:
    """Count one attempt in each bucket, unless one of them is full. Returns the seconds to wait, or 0."""
    if secrets.randbelow(SWEEP) == 0:
        sweep(store, now)

    def write(connection: Connection) -> int:
        _one_at_a_time(connection)
        wait = _wait(connection, buckets, now)
        if not wait:
            _change(connection, buckets, now, lambda _, level: level + 1)
        return wait

    return int(store.write(write).result())


def _give_back(store: Store, buckets: Sequence[Bucket], now: datetime) -> None:
    """It was right. Its own count starts anew; for address and name only this attempt did not count.

    Whoever has an account of their own could else wipe out what they try at others between two sign-ins.
    """

    def write(connection: Connection) -> None:
        _one_at_a_time(connection)
        own = (BROWSER.kind, PAIR.kind)
        _change(connection, buckets, now, lambda limit, level: 0 if limit.kind in own else max(0.0, level - 1))

    store.write(write).result()


def _one_at_a_time(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _wait(connection: Connection, buckets: Sequence[Bucket], now: datetime) -> int:
    levels = _levels(connection, buckets, now)
    over = [(levels[slot][0] - (limit.most - 1)) * limit.forgets for limit, slot in buckets]
    return max(0, *(ceil(wait.total_seconds()) for wait in over))


def _levels(connection: Connection, buckets: Sequence[Bucket], now: datetime) -> dict[str, tuple[float, bool]]:
    """How full each slot is now, and whether it has a row."""
    columns = table(SignInSlotRow).c
    wanted = select(columns.slot, columns.level, columns.at).where(columns.slot.in_([slot for _, slot in buckets]))
    rows = {row[0]: row for row in connection.execute(wanted)}
    return {slot: (_left(limit, rows[slot], now), True) if slot in rows else (0.0, False) for limit, slot in buckets}


def _left(limit: Limit, row: Row[str, float, str], now: datetime) -> float:
    passed = max(timedelta(0), now - datetime.fromisoformat(row[2]))
    return max(0.0, float(row[1]) - passed / limit.forgets)


def _change(
    connection: Connection, buckets: Sequence[Bucket], now: datetime, change: Callable[[Limit, float], float]
) -> None:
    levels, rows = _levels(connection, buckets, now), table(SignInSlotRow)
    for limit, slot in buckets:
        level, stored = levels[slot]
        values = {"level": change(limit, level), "at": text_of(now)}
        query = update(rows).where(rows.c.slot == slot) if stored else insert(rows)
        connection.execute(query.values(**values) if stored else query.values(slot=slot, **values))
