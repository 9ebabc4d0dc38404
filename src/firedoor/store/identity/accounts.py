"""Local accounts: people with a password, for a house without single sign-on, and the names that others know them by.

Decides how a password is kept (argon2id with the library's defaults), that the secret of one-time codes is sealed and a
code counts once, and that a
disabled account is refused at once. Leaves how often somebody may try to `store.signing_in`, sessions to
`store.sessions` and what a role may do to the interfaces.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from firedoor.core.access.roles import owes_codes
from firedoor.core.access.security import SYSTEM, SecurityEvent, SecurityKind, account_events
from firedoor.core.names import mixes_scripts, skeletons
from firedoor.core.person import Person
from firedoor.core.problems import InvalidInput, NotFound, NotPermitted, Problem, Refused
from firedoor.store.database.keyring import Keys
from firedoor.store.database.sealing import UNUSABLE, sealed, unsealed
from firedoor.store.database.sql import Record, Where, table, text_of
from firedoor.store.database.tables import AccountRow, LikenessRow
from firedoor.store.identity.passwords import is_common
from firedoor.store.incidents.journal import Store
from firedoor.store.incidents.security import append

SHORTEST_PASSWORD = 12  # characters; NIST SP 800-63B asks for 8 and advises more; no rules about kinds of characters
LONGEST_PASSWORD = 200
STEP = 30  # seconds of one one-time code (RFC 6238)

Changes = Mapping[str, Any]


class Hashed(str):
    """The form in which a password is kept (argon2id)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. `name` is what the journal shows; `slack_id` and `subject` are how others know them."""

    name: str
    display: str
    roles: frozenset[str]
    email: str = ""
    slack_id: str = ""
    subject: str = ""  # issuer and subject of single sign-on; empty for a local account
    totp: bool = False
    disabled_at: str | None = None
    created_at: str = ""
    id: str = ""  # the person behind it: made with the account, and the same by every way in

    @property
    def person(self) -> Person:
        """The person as the core knows them."""
        return Person(self.name, self.roles, self.id)


def create_account(store: Store, account: Account, password: str | None, now: datetime, *, by: str = SYSTEM) -> None:
    """Make an account; without a password only single sign-on leads to it. Raises InvalidInput or Refused."""
    need_name(account.name)
    digest = None if password is None else hashed(password)
    store.write(lambda connection: put_account(connection, account, digest, now, by=by)).result()


def put_account(connection: Connection, account: Account, digest: Hashed | None, now: datetime, *, by: str) -> None:
    """Make an account in the transaction of this connection. Raises Refused where the name is taken."""
    _take_name(connection, account.name)
    values = {
        "name": account.name, "person": f"p_{secrets.token_hex(8)}", "display": account.display or account.name,
        "roles": ",".join(sorted(account.roles)),
        "email": account.email, "slack_id": account.slack_id or None, "subject": account.subject or None,
        "password": digest or "", "created_at": text_of(now),
    }  # fmt: skip
    connection.execute(insert(table(AccountRow)).values(**values))
    body = {"account": account.name, "roles": sorted(account.roles)}
    append(connection, [SecurityEvent(SecurityKind.ACCOUNT_CREATED, by, body)], now)


def _take_name(connection: Connection, name: str) -> None:
    """Raises Refused for a name that somebody has, or that could be taken for theirs."""
    read_as, likeness, names = sorted(skeletons(name)), table(LikenessRow), table(AccountRow).c.name
    taken = connection.execute(select(likeness.c.account).where(likeness.c.skeleton.in_(read_as))).scalar()
    taken = taken or connection.execute(select(names).where(names == name)).scalar()
    if taken == name:
        do = "choose another name, or change the account: firedoor account change"
        raise Refused(Problem(code="A301", message=f"there is an account {name} already", do=do))
    if taken is not None:
        message = f"{name} could be taken for the account {taken}: they differ in case or in letters that look alike"
        raise Refused(Problem(code="A307", message=message, do="choose a name that nobody can mistake"))
    connection.execute(insert(likeness), [{"skeleton": one, "account": name} for one in read_as])


def find_account(store: Store, name: str) -> Account | None:
    """An account by name, whatever its state."""
    return _found(store, table(AccountRow).c.name == name)


def account_of_slack(store: Store, slack_id: str) -> Account | None:
    """The enabled account of a Slack user."""
    columns = table(AccountRow).c
    return _found(store, (columns.slack_id == slack_id) & columns.disabled_at.is_(None))


def account_of_subject(store: Store, subject: str) -> Account | None:
    """The account that single sign-on leads to, whatever its state."""
    return _found(store, table(AccountRow).c.subject == subject)


def list_accounts(store: Store) -> list[Account]:
    """All accounts by name, without anything secret."""
    return [_account(row) for row in store.rows(AccountRow, order=table(AccountRow).c.name)]


def change_account(store: Store, name: str, changes: Changes, now: datetime, *, by: str = SYSTEM) -> None:
    """Change display, roles, email, slack_id, subject, password, totp, or disabled (bool). Raises NotFound."""
    digests = {"password": hashed(changes["password"])} if "password" in changes else {}
    store.write(
        lambda connection: put_changes(connection, store.keys, name, {**changes, **digests}, now, by=by)
    ).result()


def put_changes(connection: Connection, keys: Keys, name: str, changes: Changes, now: datetime, *, by: str) -> None:
    """Change an account in the transaction of this connection; a password comes as `Hashed`. Raises NotFound."""
    accounts = table(AccountRow)
    mine = accounts.c.name == name
    before = connection.execute(accounts.select().where(mine).with_for_update()).first()
    if before is None:
        do = "`firedoor account list` shows them"
        raise NotFound(Problem(code="A302", message=f"there is no account {name}", do=do))
    connection.execute(update(accounts).where(mine).values(**_values(keys, name, changes, now)))
    append(connection, account_events(name, filter(None, before.roles.split(",")), dict(changes), by), now)


def _values(keys: Keys, name: str, changes: Changes, now: datetime) -> dict[str, object]:
    """The columns that changes set."""
    values: dict[str, object] = {key: changes[key] for key in ("display", "email") if key in changes}
    values |= {key: changes[key] or None for key in ("slack_id", "subject") if key in changes}
    if "roles" in changes:
        values["roles"] = ",".join(sorted(changes["roles"]))
    if "password" in changes:
        if not isinstance(changes["password"], Hashed):
            raise TypeError("a password is stored as its digest only")
        values["password"] = str(changes["password"])
    if "disabled" in changes:
        values["disabled_at"] = text_of(now) if changes["disabled"] else None
    if "totp" in changes:
        secret = sealed(keys, _place(name), changes["totp"]) if changes["totp"] else None
        values |= {"totp_secret": secret, "totp_step": None}
    return values


def proved(store: Store, name: str, password: str, code: str, now: datetime) -> Account:
    """The account of somebody who proves to be them. Raises NotPermitted: never saying which part was wrong.

    It does the same work for a name that nobody has. How often somebody may try is decided in `store.signing_in`.
    """
    rows = store.rows(AccountRow, table(AccountRow).c.name == name)
    row = rows[0] if rows else None
    right = matches(row["password"] if row else "", password)
    if row is None or not right or row["disabled_at"] is not None or not _code_counts(store, row, code, now):
        raise _wrong()
    return _account(row)


def owing_codes(store: Store) -> list[str]:
    """The enabled accounts that decide and sign in by a password alone. Of single sign-on its provider knows."""
    rows = store.rows(AccountRow, table(AccountRow).c.disabled_at.is_(None), order=table(AccountRow).c.name)
    people = [(_account(row), row["password"]) for row in rows]
    return [one.name for one, password in people if password and owes_codes(one.roles, has=one.totp)]


def kept_password(store: Store, name: str) -> str:
    """The form in which an account's password is kept; empty where there is none."""
    rows = store.rows(AccountRow, table(AccountRow).c.name == name)
    return str(rows[0]["password"]) if rows else ""


def new_totp(store: Store, name: str, now: datetime, *, by: str = SYSTEM) -> str:
    """Ask for a one-time code at every sign-in from now on. Returns the secret in Base32, shown once."""
    secret = codes_secret()
    change_account(store, name, {"totp": secret}, now, by=by)
    return secret


def codes_secret() -> str:
    """A new secret for one-time codes, in Base32."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def totp_address(name: str, secret: str) -> str:
    """The `otpauth://` address that an authenticator app reads."""
    from urllib.parse import quote

    return f"otpauth://totp/Firedoor:{quote(name)}?secret={secret}&issuer=Firedoor&period={STEP}&digits=6"


def hashed(password: str) -> Hashed:
    """The form in which a password is kept. Raises InvalidInput for one that is too short, too long or common."""
    if isinstance(password, Hashed):
        return password
    from argon2 import PasswordHasher  # late: only needed where somebody signs in

    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        message = f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
        raise InvalidInput(Problem(code="A304", message=message, do="a sentence is easier to keep than a riddle"))
    if is_common(password):
        message = "this password is a common one, or is made from one: it is among the first that are tried"
        raise InvalidInput(
            Problem(code="A307", message=message, do="write four or five words that do not belong together")
        )
    return Hashed(PasswordHasher().hash(password))


# Of a password that nobody knows.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$K8UnVoxE8x5Dx/1abnUp4w$4qFXkmXNyld+17abAPkCy5GV5P7Gi1gW1ksX/hXlnZM"


def matches(digest: str, password: str) -> bool:
    """Whether a password is the one that was kept. Takes as long where there is nobody of that name."""
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(digest or _NOBODY, password[:LONGEST_PASSWORD]) and bool(digest)
    except (VerificationError, InvalidHashError):
        return False


def _code_counts(store: Store, row: Record, code: str, now: datetime) -> bool:
    """Whether the one-time code is right and new; one step early or late is forgiven (RFC 6238, section 5.2)."""
    if not row["totp_secret"]:
        return True
    if row["totp_secret"] == UNUSABLE:
        return False
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor import InvalidToken
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

    secret = base64.b32decode(unsealed(store.keys, _place(row["name"]), row["totp_secret"]))
    totp = TOTP(secret, 6, SHA1(), STEP)  # noqa: S303 - RFC 6238 and the apps use SHA-1
    current = int(now.timestamp()) // STEP
    for step in (current, current - 1, current + 1):
        try:
            totp.verify(code.strip().encode(), step * STEP)
        except InvalidToken:
            continue
        return _use_step(store, row["name"], step)
    return False


def _place(name: str) -> str:
    return f"account.totp_secret:{name}"


def _use_step(store: Store, name: str, step: int) -> bool:
    """Take the one use of a code, by compare-and-set."""
    columns = table(AccountRow).c
    unused = (columns.name == name) & (columns.totp_step.is_(None) | (columns.totp_step < step))
    query = update(table(AccountRow)).where(unused).values(totp_step=step)
    return bool(store.write(lambda connection: connection.execute(query).rowcount).result())


def _found(store: Store, where: Where) -> Account | None:
    rows = store.rows(AccountRow, where, limit=1)
    return _account(rows[0]) if rows else None


def _account(row: Record) -> Account:
    return Account(
        name=row["name"], display=row["display"], roles=frozenset(filter(None, row["roles"].split(","))),
        email=row["email"], slack_id=row["slack_id"] or "", subject=row["subject"] or "",
        totp=bool(row["totp_secret"]), disabled_at=row["disabled_at"], created_at=row["created_at"], id=row["person"],
    )  # fmt: skip


def need_name(name: str) -> None:
    """Raises InvalidInput for what cannot be the name of an account."""
    if not (0 < len(name) <= 100 and name.isprintable() and name == name.strip() and ":" not in name):
        message = "the name of an account has 1 to 100 printable characters, without a colon or spaces around it"
        raise InvalidInput(
            Problem(code="A305", message=message, do="an address such as a.lee@example.org is a good one")
        )
    if mixes_scripts(name):
        message = f"a word of {name} mixes letters of several scripts that look alike"
        raise InvalidInput(Problem(code="A308", message=message, do="write each word in one script"))


def _wrong() -> NotPermitted:
    do = "try again; an administrator can set a new password: firedoor account password NAME"
    return NotPermitted(Problem(code="A306", message="name, password or code is wrong", do=do))
