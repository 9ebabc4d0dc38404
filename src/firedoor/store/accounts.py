"""Local accounts: people with a password, for a house without single sign-on, and the names that others know them by.

Decides how a password is kept (argon2id with the library's defaults), that a one-time code counts once, and that a
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

from sqlalchemy import Connection, insert, update

from firedoor.core.people import Person
from firedoor.core.problems import InvalidInput, NotFound, NotPermitted, Problem, Refused
from firedoor.store.journal import Store
from firedoor.store.projections import table, text_of
from firedoor.store.tables import AccountRow

SHORTEST_PASSWORD = 12  # characters; NIST SP 800-63B asks for 8 and advises more; no rules about kinds of characters
LONGEST_PASSWORD = 200
STEP = 30  # seconds of one one-time code (RFC 6238)

Changes = Mapping[str, Any]


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

    @property
    def person(self) -> Person:
        """The person as the core knows them."""
        return Person(self.name, self.roles)


def create_account(store: Store, account: Account, password: str | None, now: datetime) -> None:
    """Make an account; without a password only single sign-on leads to it. Raises InvalidInput or Refused."""
    _need_name(account.name)
    digest = "" if password is None else hashed(password)
    values = {
        "name": account.name, "display": account.display or account.name, "roles": ",".join(sorted(account.roles)),
        "email": account.email, "slack_id": account.slack_id or None, "subject": account.subject or None,
        "password": digest, "created_at": text_of(now),
    }  # fmt: skip

    def write(connection: Connection) -> bool:
        columns = table(AccountRow).c
        taken = connection.execute(table(AccountRow).select().where(columns.name == account.name)).first()
        if taken is None:
            connection.execute(insert(table(AccountRow)).values(**values))
        return taken is None

    if not store.write(write).result():
        do = "choose another name, or change the account: firedoor account change"
        raise Refused(Problem(code="A301", message=f"there is an account {account.name} already", do=do))


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


def change_account(store: Store, name: str, changes: Changes, now: datetime) -> None:
    """Change display, roles, email, slack_id, subject, password, totp, or disabled (bool). Raises NotFound."""
    values: dict[str, Any] = {key: changes[key] for key in ("display", "email") if key in changes}
    values |= {key: changes[key] or None for key in ("slack_id", "subject") if key in changes}
    if "roles" in changes:
        values["roles"] = ",".join(sorted(changes["roles"]))
    if "password" in changes:
        values["password"] = hashed(changes["password"])
    if "disabled" in changes:
        values["disabled_at"] = text_of(now) if changes["disabled"] else None
    if "totp" in changes:
        values |= {"totp_secret": changes["totp"], "totp_step": None}
    query = update(table(AccountRow)).where(table(AccountRow).c.name == name).values(**values)
    if not store.write(lambda connection: connection.execute(query).rowcount).result():
        do = "`firedoor account list` shows them"
        raise NotFound(Problem(code="A302", message=f"there is no account {name}", do=do))


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


def kept_password(store: Store, name: str) -> str:
    """The form in which an account's password is kept; empty where there is none."""
    rows = store.rows(AccountRow, table(AccountRow).c.name == name)
    return str(rows[0]["password"]) if rows else ""


def new_totp(store: Store, name: str, now: datetime) -> str:
    """Ask for a one-time code at every sign-in from now on. Returns the secret in Base32, shown once."""
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    change_account(store, name, {"totp": secret}, now)
    return secret


def totp_address(name: str, secret: str) -> str:
    """The `otpauth://` address that an authenticator app reads."""
    from urllib.parse import quote

    return f"otpauth://totp/Firedoor:{quote(name)}?secret={secret}&issuer=Firedoor&period={STEP}&digits=6"


def hashed(password: str) -> str:
    """The form in which a password is kept. Raises InvalidInput for one that is too short or too long."""
    from argon2 import PasswordHasher  # late: only needed where somebody signs in

    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        message = f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
        raise InvalidInput(Problem(code="A304", message=message, do="a sentence is easier to keep than a riddle"))
    return PasswordHasher().hash(password)


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


def _code_counts(store: Store, row: Mapping[str, Any], code: str, now: datetime) -> bool:
    """Whether the one-time code is right and new; one step early or late is forgiven (RFC 6238, section 5.2)."""
    if not row["totp_secret"]:
        return True
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor import InvalidToken
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

    totp = TOTP(base64.b32decode(row["totp_secret"]), 6, SHA1(), STEP)  # noqa: S303 - RFC 6238 and the apps use SHA-1
    current = int(now.timestamp()) // STEP
    for step in (current, current - 1, current + 1):
        try:
            totp.verify(code.strip().encode(), step * STEP)
        except InvalidToken:
            continue
        return _use_step(store, row["name"], step)
    return False


def _use_step(store: Store, name: str, step: int) -> bool:
    """Take the one use of a code, by compare-and-set."""
    columns = table(AccountRow).c
    unused = (columns.name == name) & (columns.totp_step.is_(None) | (columns.totp_step < step))
    query = update(table(AccountRow)).where(unused).values(totp_step=step)
    return bool(store.write(lambda connection: connection.execute(query).rowcount).result())


def _found(store: Store, where: Any) -> Account | None:  # noqa: ANN401 - a condition of SQLAlchemy's
    rows = store.rows(AccountRow, where, limit=1)
    return _account(rows[0]) if rows else None


def _account(row: Mapping[str, Any]) -> Account:
    return Account(
        name=row["name"], display=row["display"], roles=frozenset(filter(None, row["roles"].split(","))),
        email=row["email"], slack_id=row["slack_id"] or "", subject=row["subject"] or "",
        totp=bool(row["totp_secret"]), disabled_at=row["disabled_at"], created_at=row["created_at"],
    )  # fmt: skip


def _need_name(name: str) -> None:
    if not (0 < len(name) <= 100 and name.isprintable() and name == name.strip() and ":" not in name):
        message = "the name of an account has 1 to 100 printable characters, without a colon or spaces around it"
        raise InvalidInput(
            Problem(code="A305", message=message, do="an address such as a.lee@example.org is a good one")
        )


def _wrong() -> NotPermitted:
    do = "try again; an administrator can set a new password: firedoor account password NAME"
    return NotPermitted(Problem(code="A306", message="name, password or code is wrong", do=do))
