"""Signed heads: made with the key that is not in the database, and compared with the database afterwards.

Decides which journals a head names: the installation's security journal always, and those of the incidents it is about.
The security journal takes down now and then where all others stand (`heads.noted`), so that one head of it vouches for
every journal. Leaves the form to `core.heads`, and where heads are published to the runtime.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from firedoor.core.access.security import CHAIN, SYSTEM, SecurityEvent, SecurityKind
from firedoor.core.history.heads import SignedHead, statement
from firedoor.core.journal import Head
from firedoor.core.problems import InvalidInput, Problem
from firedoor.store.database.keyring import Keyring, Purpose
from firedoor.store.database.security_tables import SecurityEntryRow
from firedoor.store.database.sql import table
from firedoor.store.database.tables import EntryRow
from firedoor.store.incidents.installation import installation_id
from firedoor.store.incidents.journal import Store
from firedoor.store.incidents.security import append, security_entries
from firedoor.store.incidents.verification import heads_at_one_moment

PUBLIC = 32  # bytes


def signed_head(store: Store, now: datetime, incident: str = "") -> str:
    """Where the security journal, and that of an incident, stand now, signed; "" where there is no key to sign with."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    ring = store.keys()
    if not ring.of(Purpose.SIGN):
        return ""
    with store.engine.connect() as connection:
        stand = heads_at_one_moment(connection)
    key = ring.current(Purpose.SIGN)
    named = {name: stand[name] for name in (CHAIN, incident) if name in stand}
    said = statement(installation_id(store), now, named, key.id)
    signature = Ed25519PrivateKey.from_private_bytes(key.secret).sign(said.encode())
    return SignedHead(said, signature, now, "", key.id, named).word


def note_heads(store: Store, now: datetime) -> bool:
    """Take down in the security journal where every other journal stands, as far as that has changed; and sign that."""
    with store.engine.connect() as connection:
        stand = {name: head for name, head in heads_at_one_moment(connection).items() if name != CHAIN}
    noted: dict[str, Head] = {}
    for entry in security_entries(store, kinds=(SecurityKind.HEADS_NOTED,), newest=True, limit=1000):
        for name, (seq, digest) in entry.body["heads"].items():
            noted.setdefault(name, Head(seq, digest))
    changed = {name: [head.seq, head.hash] for name, head in stand.items() if noted.get(name) != head}
    if changed:
        event = SecurityEvent(SecurityKind.HEADS_NOTED, SYSTEM, {"heads": changed, "signed": signed_head(store, now)})
        store.write(lambda connection: append(connection, [event], now)).result()
    return bool(changed)


def newest_signed(connection: Connection) -> str:
    """The last signed head that was taken down: what a process publishes that has no key; "" where there is none."""
    import orjson

    columns = table(SecurityEntryRow).c
    query = select(columns.body).where(columns.kind == SecurityKind.HEADS_NOTED).order_by(columns.seq.desc()).limit(1)
    body = connection.execute(query).scalar()
    return str(orjson.loads(body).get("signed", "")) if body else ""


def public_keys(ring: Keyring) -> dict[str, str]:
    """By id, in Base64: what an outsider needs, and all that they need."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    keys = {key.id: Ed25519PrivateKey.from_private_bytes(key.secret).public_key() for key in ring.of(Purpose.SIGN)}
    return {name: base64.b64encode(key.public_bytes_raw()).decode() for name, key in keys.items()}


def check_signature(head: SignedHead, public: Sequence[str]) -> bool:
    """Whether one of these public keys signed it. Raises InvalidInput for what is no key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    for written in public:
        try:
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(written.strip(), validate=True))
        except ValueError:
            do = "`firedoor head key` prints it: 44 characters"
            raise InvalidInput(Problem(code="J102", message="this is no public key", do=do)) from None
        try:
            key.verify(head.signature, head.said.encode())
        except InvalidSignature:
            continue
        return True
    return False


def written_over(connection: Connection, head: SignedHead) -> Iterator[tuple[str, str]]:
    """What a head names and the database no longer holds as it was: the journal, and how that is seen."""
    for name, stood in head.heads.items():
        yield from _differs(connection, name, stood)
    if CHAIN not in head.heads:
        return
    columns, own = table(SecurityEntryRow).c, head.heads[CHAIN]
    query = select(columns.body).where((columns.kind == SecurityKind.HEADS_NOTED) & (columns.seq <= own.seq))
    import orjson

    noted: dict[str, Head] = {}
    for body in connection.execute(query.order_by(columns.seq)).scalars():
        noted |= {name: Head(*stood) for name, stood in orjson.loads(body)["heads"].items()}
    for name, stood in noted.items():
        if name not in head.heads:
            yield from _differs(connection, name, stood)


def _differs(connection: Connection, name: str, stood: Head) -> Iterator[tuple[str, str]]:
    if not stood.seq:
        return
    if name == CHAIN:
        own = table(SecurityEntryRow).c
        query = select(own.hash).where(own.seq == stood.seq)
    else:
        columns = table(EntryRow).c
        query = select(columns.hash).where((columns.incident == name) & (columns.seq == stood.seq))
    found = connection.execute(query).scalar()
    if found is None:
        yield name, f"entry {stood.seq} is gone: the journal was cut off or removed"
    elif found != stood.hash:
        yield name, f"entry {stood.seq} is not the one that stood there: the journal was written over"
