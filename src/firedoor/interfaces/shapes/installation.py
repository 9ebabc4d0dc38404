"""How an installation looks as JSON: accounts, tokens, security events, metrics.

Decides the names and the types that the command line reads of what the API answers. Instants are ISO 8601 with their
offset. Where a field may be left out, it says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from firedoor.core.json_types import JsonObject


class Waiting(TypedDict):
    """What every change says that may wait for another administrator."""

    waits_for: NotRequired[str | None]
    do: NotRequired[str]


class Account(TypedDict):
    """An account; nothing secret."""

    name: str
    display: str
    roles: Sequence[str]
    disabled_at: str | None
    one_time_codes: bool
    single_sign_on: bool


class Accounts(TypedDict):
    """All accounts."""

    accounts: Sequence[Account]


class MadeAccount(Waiting):
    """An account that was just made."""

    name: str
    roles: Sequence[str]


class ChangedAccount(Waiting):
    """What was changed of an account."""

    changed: Sequence[str]


class Codes(Waiting):
    """The address that an authenticator app reads, shown once."""

    address: str


class Ticket(TypedDict):
    """A way into the console, good once and for so many seconds."""

    path: str
    seconds: int


class Token(TypedDict):
    """A token; nothing secret."""

    id: str
    name: str
    roles: Sequence[str] | str
    last_used_at: NotRequired[str | None]
    expires_at: NotRequired[str | None]
    revoked_at: NotRequired[str | None]
    waits_for: NotRequired[str | None]


class Tokens(TypedDict):
    """All tokens."""

    tokens: Sequence[Token]


class MadeToken(Waiting):
    """A token that was just made; it is shown once."""

    id: str
    name: str
    roles: Sequence[str]
    token: str


class EntryLine(TypedDict):
    """An entry of a journal, as it is exported."""

    incident: str
    seq: int
    at: str
    kind: str
    actor: str
    body: JsonObject
    prev: str
    hash: str


class EntryPage(TypedDict):
    """A page of the security journal; `next` is null on the last one."""

    entries: Sequence[EntryLine]
    next: int | None


class ProposedChange(TypedDict):
    """A change that waits for a second administrator, and why."""

    change: str
    what: str
    about: str
    reasons: Sequence[str]
    proposed_by: str
    expires_at: str


class ProposedChanges(TypedDict):
    """All of them."""

    changes: Sequence[ProposedChange]


class SettledChange(TypedDict):
    """What became of one."""

    state: str
    what: str
    about: str
