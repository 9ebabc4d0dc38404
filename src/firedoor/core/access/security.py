"""The security journal of an installation: who was let in, who was given what, who took something out.

Decides which events there are and what each carries. It is one chain for each installation, hashed like an incident's
(`core.journal`) under the name `security`. Leaves storing it to `store.security` and other forms to `security_export`.

A body never holds a secret, a password, a one-time code, what somebody typed into a form, or a fact of an incident.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from firedoor.core.journal import Body, Content, Entry, Kind

CHAIN = "security"
SYSTEM = "system:firedoor"
READERS = frozenset(("admin", "dpo"))  # the roles that read it


class SecurityKind(StrEnum):
    """The closed set of things that are written down about an installation."""

    STARTED = "server.started"  # version, settings (name: digest of the value), changed (names since the last start)
    SIGNED_IN = "sign_in.succeeded"  # account, method, address
    SIGN_IN_FAILED = (
        "sign_in.failed"  # count, since, until, accounts (that exist), unknown (how many others), addresses
    )
    SIGNED_OUT = "session.ended"  # account, why (signed out, idle, too old, or what was changed), sessions (how many)
    TOKEN_CREATED = "token.created"  # noqa: S105 - token, name, roles, account, expires_at
    TOKEN_USED = "token.first_used"  # noqa: S105 - token, name
    TOKEN_BOUND = "token.bound"  # noqa: S105 - token, name, source: it may send to that one only from now on
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - token, name
    TOKEN_EXPIRED = "token.expired"  # noqa: S105 - token, name
    ACCOUNT_CREATED = "account.created"  # account, roles
    ACCOUNT_CHANGED = "account.changed"  # account, changed (names of fields)
    ACCOUNT_DISABLED = "account.disabled"  # account
    ACCOUNT_ENABLED = "account.enabled"  # account
    ROLES_CHANGED = "account.roles"  # account, before, after
    PASSWORD_SET = "account.password"  # noqa: S105 - account
    CODES_SET = "account.codes_set"  # account
    CODES_REMOVED = "account.codes_removed"  # account
    PROPOSED = "change.proposed"  # change, what, about, roles, why a second administrator is needed
    APPROVED = "change.approved"  # change, what, about, roles, proposed_by
    DECLINED = "change.declined"  # change, what, about, roles, proposed_by
    LAPSED = "change.lapsed"  # change, what, about, roles: nobody settled it in time
    ALONE = "change.single_administrator"  # what, about, roles: it took effect, for there is nobody to ask
    READERS_CHANGED = "incident.readers"  # incident, roles, people, everyone
    CALENDAR_MADE = "calendar.created"  # account, calendar: a private address that needs no sign-in
    CALENDAR_REVOKED = "calendar.revoked"  # account, calendar
    EXPORTED = "data.exported"  # what (`Export`), incident where it is of one, sha256 or format
    SEALED_READ = "data.sealed_read"  # incident
    REFUSED = "requests.refused"  # who (name or address: how many), others, since, until
    BACKED_UP = "backup.made"  # manifest (SHA-256), journals
    RESTORED = "backup.restored"  # manifest (SHA-256), journals
    KEYS_MADE = "keys.made"  # seal, sign: the ids of the keys of a new key ring
    KEYS_ROTATED = "keys.rotated"  # seal, sign: the ids of the keys in use from now on; resealed: how many values
    KEYS_DROPPED = "keys.dropped"  # purpose, key: it is no longer on the key ring
    KEYS_LOST = "keys.lost"  # accounts, secrets, changes: what was given up because its key is lost
    HEADS_NOTED = "heads.noted"  # heads (where other journals stand, that moved since), signed (a signed head)
    SECURITY_READ = "security.read"  # door (console or api); once an hour for each reader
    EXPORT_READ = "security.exported"  # format, after (the entry that it goes on from)


class Export(StrEnum):
    """The closed set of what somebody can take out."""

    JOURNAL = "journal"
    LINES = "journal lines"  # as they are read, some of them covered; once an hour for each reader
    EVIDENCE = "evidence"
    REPORT = "report"
    NOTICE = "notice"
    REGISTER = "register"
    FIGURES = "figures"


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """What happened, as it is to be written down. `actor` is `person:NAME`, `system:firedoor` or `address:IP`."""

    kind: SecurityKind
    actor: str = SYSTEM
    body: Body = field(default_factory=dict)


def of_incidents(entries: Iterable[Entry]) -> list[SecurityEvent]:
    """What entries of incidents' journals say that belongs into the installation's as well."""
    return [
        SecurityEvent(SecurityKind.READERS_CHANGED, entry.actor, {"incident": entry.incident, **_named(entry.body)})
        for entry in entries
        if entry.kind == Kind.READERS
    ]


def _named(body: Content) -> Body:
    """Who may read, without the reason, which is about the incident."""
    return {key: body[key] for key in ("roles", "people", "everyone") if key in body}


def account_events(name: str, before: Iterable[str], changes: Body, actor: str) -> list[SecurityEvent]:
    """What a change of an account is, in the words of the journal: values of secrets are not among them."""
    events = []
    roles = sorted(before)
    if "roles" in changes and sorted(changes["roles"]) != roles:
        body: Body = {"account": name, "before": roles, "after": sorted(changes["roles"])}
        events.append(SecurityEvent(SecurityKind.ROLES_CHANGED, actor, body))
    kinds = {"password": SecurityKind.PASSWORD_SET}
    if "disabled" in changes:
        kinds["disabled"] = SecurityKind.ACCOUNT_DISABLED if changes["disabled"] else SecurityKind.ACCOUNT_ENABLED
    if "totp" in changes:
        kinds["totp"] = SecurityKind.CODES_SET if changes["totp"] else SecurityKind.CODES_REMOVED
    events += [SecurityEvent(kind, actor, {"account": name}) for key, kind in kinds.items() if key in changes]
    others = sorted(set(changes) - {"roles", *kinds})
    if others:
        events.append(SecurityEvent(SecurityKind.ACCOUNT_CHANGED, actor, {"account": name, "changed": others}))
    return events
