"""The security journal in one process: what is written at once, and what is counted first.

Decides that a flood costs one entry a minute: failed sign-ins and refusals are counted by account and address, bounded,
and written down together. Writing never holds up who is asking; what cannot be written is said in the log. Leaves the
chain to `store.security`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from firedoor import __version__
from firedoor.core.access.security import SYSTEM, SecurityEvent, SecurityKind
from firedoor.core.journal import Entry
from firedoor.core.problems import FiredoorError
from firedoor.runtime.config.container import World
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.repeating import Failing, repeat
from firedoor.store.identity.accounts import find_account
from firedoor.store.identity.changes import lapse
from firedoor.store.identity.sessions import end_outlived
from firedoor.store.identity.shared_secrets import house_secret
from firedoor.store.identity.token_life import ending, note_expired, note_uses
from firedoor.store.incidents.heads import note_heads
from firedoor.store.incidents.security import record, security_entries
from firedoor.store.outbox.deliveries import announce_once

LOOK = 1.0  # seconds between two looks whether something counted is to be written
EVERY = timedelta(minutes=1)  # between two entries of what is counted
NOTED = timedelta(minutes=5)  # between two notes of where the other journals stand
NAMED = 20  # accounts, addresses or callers that one such entry names
COUNTED = 1000  # different ones that are kept apart between two entries; the rest are counted together
SOON = timedelta(days=14)  # before a token expires, administrators are told once
MANY = 20  # refusals of one caller between two entries that are worth one
FILES = ("targets", "organisation")  # settings that name files: their content counts

log = logging.getLogger(__name__)


@dataclass
class Tally:
    """Counts by name since the last entry. With `at_once` the first thing after a quiet minute is written at once."""

    at_once: bool
    counts: Counter[str] = field(default_factory=Counter)
    others: int = 0
    since: datetime | None = None
    written: datetime | None = None

    def add(self, names: tuple[str, ...], now: datetime) -> None:
        """Count one thing under each of its names."""
        self.since = self.since or now
        for name in names:
            if name in self.counts or len(self.counts) < COUNTED:
                self.counts[name] += 1
            else:
                self.others += 1

    def due(self, now: datetime) -> bool:
        """Whether there is something, and a minute has passed since the last entry, or since the first of them."""
        if self.since is None:
            return False
        before = self.written if self.at_once else self.since
        return before is None or now - before >= EVERY

    def taken(self, now: datetime) -> tuple[Counter[str], int, datetime]:
        """What was counted, and begin anew."""
        found = self.counts, self.others, self.since or now
        self.counts, self.others, self.since, self.written = Counter(), 0, None, now
        return found


class Security:
    """The security journal of this process."""

    def __init__(self, world: World, settings: Settings) -> None:
        self._world = world
        self._settings = settings
        self._lock = Lock()  # sign-ins are looked at in threads
        self._failed = Tally(at_once=True)
        self._refused = Tally(at_once=False)
        self.tokens_used: dict[str, datetime] = {}  # by id, as the keyring notes them
        self._tokens_looked_at: datetime | None = None
        self._noted: datetime | None = None
        self._seldom: dict[tuple[object, ...], datetime] = {}  # when what is written down once in a while was

    def record(self, *events: SecurityEvent) -> Future[tuple[Entry, ...]]:
        """Write events down. Nobody need wait; a failure is said in the log, and by the future."""
        future = record(self._world.store, events, self._world.now())
        future.add_done_callback(_told)
        return future

    def happened(self, kind: SecurityKind, actor: str, **body: object) -> None:
        """Write one event down without waiting for it."""
        self.record(SecurityEvent(kind, actor, body))

    def seldom(self, event: SecurityEvent, every: timedelta) -> None:
        """Write down what somebody may do again and again: once in a while for each actor, thing and way.

        Where a reading goes on from (`after`) makes it no other one, or reading this journal would never end.
        """
        now, about = self._world.now(), {name: value for name, value in event.body.items() if name != "after"}
        key = (event.kind, event.actor, tuple(sorted(about.items())))
        with self._lock:
            last = self._seldom.get(key)
            if last is not None and last <= now < last + every:
                return
            if len(self._seldom) >= COUNTED:
                self._seldom.clear()
            self._seldom[key] = now
        self.record(event)

    def sign_in_failed(self, name: str, address: str) -> None:
        """Count a failed sign-in. A name that is no account's is counted and not kept: it may be a password."""
        known = bool(name) and find_account(self._world.store, name) is not None
        with self._lock:
            self._failed.add((f"account:{name}" if known else "unknown", f"address:{address}"), self._world.now())

    def refused(self, who: str) -> None:
        """Count a request that was refused with 401 or 403."""
        with self._lock:
            self._refused.add((who,), self._world.now())

    async def forever(self, failing: Failing | None = None) -> None:
        """Write what was counted when it is time. No fault ends it."""
        await repeat("security journal", lambda: asyncio.to_thread(self.look), LOOK, failing)

    def look(self, *, last: bool = False) -> None:
        """Write what was counted, where it is time; with `last` in any case."""
        now, events = self._world.now(), []
        with self._lock:
            if self._failed.since and (last or self._failed.due(now)):
                events.append(_failures(*self._failed.taken(now), now))
            if self._refused.since and (last or self._refused.due(now)):
                events += _refusals(*self._refused.taken(now), now)
        if events:
            self.record(*events).result()
        if last or self._tokens_looked_at is None or now - self._tokens_looked_at >= EVERY:
            self._tokens_looked_at = now
            self._look_at_tokens(now)
            end_outlived(self._world.store, now)

    def _look_at_tokens(self, now: datetime) -> None:
        """Keep when tokens were used, and write down and tell that they have expired or will."""
        uses = {token: self.tokens_used.pop(token) for token in list(self.tokens_used)}
        if uses:
            note_uses(self._world.store, uses, now)
        lapse(self._world.store, now)
        if self._noted is None or now - self._noted >= NOTED:
            self._noted = now
            note_heads(self._world.store, now)
        note_expired(self._world.store, now)
        for token in ending(self._world.store, now, now + SOON):
            announce_once(self._world.store, "security", f"{token}:expires", ("admin", "dpo"), now)

    def started(self) -> None:
        """Write down that a server has started, and which settings differ from the last start: names and digests.

        A database that cannot be written to keeps no server from starting.
        """
        try:
            self.record(self._start()).result()
        except FiredoorError as error:
            log.error("the start could not be written down: %s", error)  # noqa: TRY400 - the reason is in its words

    def _start(self) -> SecurityEvent:
        found = self._digests()
        last = security_entries(self._world.store, limit=1, newest=True, kinds=(SecurityKind.STARTED,))
        before: Mapping[str, str] = last[0].body["settings"] if last else {}
        changed = sorted(name for name in {*found, *before} if found.get(name) != before.get(name)) if last else []
        body = {"version": __version__, "settings": found, "changed": changed}
        return SecurityEvent(SecurityKind.STARTED, SYSTEM, body)

    def _digests(self) -> dict[str, str]:
        """A keyed digest of every setting and of the files that two of them name: it tells a change, and no value."""
        key = house_secret(self._world.store, "settings digest")
        found = {f"FIREDOOR_{name.upper()}": _digest(key, str(getattr(self._settings, name)).encode())
                 for name in type(self._settings).model_fields}  # fmt: skip
        for name in FILES:
            path = getattr(self._settings, name) or self._settings.data_dir / f"{name}.yaml"
            found[f"{name}.yaml"] = _digest(key, path.read_bytes()) if Path(path).is_file() else "no file"
        return found


def _digest(key: bytes, content: bytes) -> str:
    return hmac.new(key, content, hashlib.sha256).hexdigest()[:16]


def _failures(counts: Counter[str], others: int, since: datetime, now: datetime) -> SecurityEvent:
    accounts, addresses = _named(counts, "account:"), _named(counts, "address:")
    attempts = sum(number for name, number in counts.items() if name == "unknown" or name.startswith("account:"))
    body = {
        "count": attempts + others, "accounts": accounts, "unknown": counts["unknown"], "addresses": addresses,
        **_span(since, now),
    }  # fmt: skip
    return SecurityEvent(SecurityKind.SIGN_IN_FAILED, SYSTEM, body)


def _refusals(counts: Counter[str], others: int, since: datetime, now: datetime) -> list[SecurityEvent]:
    many = {name: number for name, number in counts.most_common(NAMED) if number >= MANY}
    if not many and others < MANY:
        return []
    body = {"who": many, "others": others, **_span(since, now)}
    return [SecurityEvent(SecurityKind.REFUSED, SYSTEM, body)]


def _named(counts: Counter[str], prefix: str) -> dict[str, int]:
    mine = Counter({name.removeprefix(prefix): n for name, n in counts.items() if name.startswith(prefix)})
    return dict(mine.most_common(NAMED))


def _span(since: datetime, now: datetime) -> dict[str, str]:
    return {"since": since.isoformat(), "until": now.isoformat()}


def _told(future: Future[tuple[Entry, ...]]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        log.error("the security journal could not be written: %s", error)
