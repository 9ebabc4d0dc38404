"""Changes of access that wait for a second administrator.

Decides that a change is settled once, by somebody else than whoever proposed it, and before it lapses; and that what it
would do is sealed while it waits, and wiped when it is settled or has lapsed, for it may hold a secret. Leaves which
changes have to wait to the core, and doing them to whoever settles.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import orjson
from sqlalchemy import Connection, insert, select, update

from firedoor.core.access.security import SYSTEM, SecurityEvent, SecurityKind
from firedoor.core.canonical import canonical
from firedoor.core.journal import Body
from firedoor.core.person import PERSON, Identity, Person, not_second
from firedoor.core.problems import NotFound, NotPermitted, Problem, Refused
from firedoor.store.database.keyring import Keys
from firedoor.store.database.sealing import sealed, unsealed
from firedoor.store.database.security_tables import ChangeRow
from firedoor.store.database.sql import Record, as_record, table, text_of
from firedoor.store.incidents.journal import Store
from firedoor.store.incidents.security import append

LAPSES = timedelta(days=7)
WAITING, APPROVED, DECLINED, LAPSED = "waiting", "approved", "declined", "lapsed"


@dataclass(frozen=True, slots=True)
class Change:
    """What is proposed. `proposer` is the id of the person behind it."""

    what: str  # account.create, account.change or token.create
    about: str
    reasons: Sequence[str]
    proposed_by: str
    proposer: str
    roles: Sequence[str] = ()
    body: Body = field(default_factory=dict)
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    proposed_at: str = ""
    expires_at: str = ""

    def said(self) -> Body:
        """What the security journal says of it."""
        return {"change": self.id, "what": self.what, "about": self.about, "roles": sorted(self.roles),
                "reasons": list(self.reasons)}  # fmt: skip


def propose(connection: Connection, keys: Keys, change: Change, now: datetime) -> str:
    """Keep a change until it is settled, in the transaction of this connection. Returns its id.

    The same change that the same person has proposed already, and that still waits, is that one.
    """
    if (before := _proposed(connection, keys, change, now)) is not None:
        return before
    values = {
        "id": change.id, "what": change.what, "about": change.about,
        "reasons": canonical(list(change.reasons)).decode(),
        "roles": ",".join(sorted(change.roles)),
        "body": sealed(keys, _place(change.id), canonical(change.body).decode()),
        "proposed_by": change.proposed_by, "proposer": change.proposer, "proposed_at": text_of(now),
        "expires_at": text_of(now + LAPSES), "state": WAITING, "settled_by": "",
    }  # fmt: skip
    connection.execute(insert(table(ChangeRow)).values(**values))
    append(connection, [SecurityEvent(SecurityKind.PROPOSED, change.proposed_by, change.said())], now)
    return change.id


def _proposed(connection: Connection, keys: Keys, change: Change, now: datetime) -> str | None:
    columns = table(ChangeRow).c
    alike = (columns.state == WAITING) & (columns.expires_at > text_of(now)) & (columns.about == change.about)
    alike &= (columns.what == change.what) & (columns.proposer == change.proposer)
    for row in map(as_record, connection.execute(select(table(ChangeRow)).where(alike))):
        if row["roles"] == ",".join(sorted(change.roles)) and _body(keys, row) == change.body:
            return str(row["id"])
    return None


def waiting_changes(store: Store, now: datetime) -> list[Change]:
    """Those that somebody can still settle, the oldest first; what they would do stays sealed."""
    columns = table(ChangeRow).c
    live = (columns.state == WAITING) & (columns.expires_at > text_of(now))
    return [_change(row) for row in store.rows(ChangeRow, live, columns.proposed_at)]


def settle(connection: Connection, keys: Keys, identifier: str, state: str, by: Person, now: datetime) -> Change:
    """Take the one settling of a change. Raises what forbids it: nobody approves what they may have proposed."""
    columns, changes = table(ChangeRow).c, table(ChangeRow)
    found = connection.execute(select(changes).where(columns.id == identifier).with_for_update()).first()
    row = None if found is None else as_record(found)
    if row is None or row["state"] != WAITING or row["expires_at"] <= text_of(now):
        message = f"no change {identifier[:20]} waits for approval"
        raise NotFound(Problem(code="A321", message=message, do="`firedoor change list` shows those that do"))
    proposer, actor = Identity(row["proposed_by"].removeprefix(PERSON), row["proposer"]), str(by.actor)
    if state == APPROVED and not_second(by.identity, [proposer]) is not None:
        do = "somebody else who is an administrator has to approve it"
        raise Refused(Problem(code="A322", message="you proposed this change yourself", do=do))
    done = {"state": state, "settled_by": actor, "settled_at": text_of(now), "body": "{}"}
    connection.execute(update(changes).where(columns.id == identifier).values(**done))
    change = replace(_change(row), body=_body(keys, row) if state == APPROVED else {})
    kind = SecurityKind.APPROVED if state == APPROVED else SecurityKind.DECLINED
    append(connection, [SecurityEvent(kind, actor, {**change.said(), "proposed_by": change.proposed_by})], now)
    return change


def lapse(store: Store, now: datetime) -> int:
    """Wipe what nobody has settled in time, and write that down. Returns how many there were."""
    columns, changes = table(ChangeRow).c, table(ChangeRow)
    over = (columns.state == WAITING) & (columns.expires_at <= text_of(now))
    if not store.rows(ChangeRow, over, limit=1):
        return 0

    def write(connection: Connection) -> int:
        wiped = update(changes).where(over).values(state=LAPSED, body="{}", settled_at=text_of(now))
        rows = [as_record(row) for row in connection.execute(wiped.returning(*changes.c))]
        events = [SecurityEvent(SecurityKind.LAPSED, SYSTEM, _change(row).said()) for row in rows]
        append(connection, events, now)
        return len(events)

    return int(store.write(write).result())


def need_account(person: Identity) -> None:
    """Raises NotPermitted for whoever has no account: nobody knows that they are a second person."""
    if not person.id or not person.known:
        do = "sign in with an account that has the role admin, on the console or by a token of that account"
        raise NotPermitted(Problem(code="A323", message="only the account of an administrator approves", do=do))


def _change(row: Record) -> Change:
    return Change(
        row["what"], row["about"], orjson.loads(row["reasons"]), row["proposed_by"], row["proposer"],
        tuple(filter(None, row["roles"].split(","))), {}, row["id"], row["proposed_at"], row["expires_at"],
    )  # fmt: skip


def _body(keys: Keys, row: Record) -> Body:
    body: Body = orjson.loads(unsealed(keys, _place(row["id"]), row["body"]))
    return body


def _place(identifier: str) -> str:
    return f"proposed_change.body:{identifier}"
