"""The security journal in the forms that others read: OCSF events, and lines of syslog.

Decides which class and activity of the Open Cybersecurity Schema Framework an event is (version 1.2.0, without
extensions) and how a line of RFC 5424 carries it. The entry's number, hash and whole body travel along, so that what
was exported can be compared with the chain. Leaves what an event says to `security`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import orjson

from firedoor.core.access.security import SecurityKind
from firedoor.core.journal import Body, Entry

OCSF_VERSION = "1.2.0"
ENTERPRISE = "32473"  # the number that RFC 5612 keeps for documentation: we have none of our own
FACILITY = 13  # log audit, RFC 5424 section 6.2.1
INFORMATIONAL, LOW, MEDIUM = 1, 2, 3  # severity_id
SYSLOG_SEVERITY = {INFORMATIONAL: 6, LOW: 5, MEDIUM: 4}  # informational, notice, warning
LONGEST_SENDER = 255  # characters of the host's name, RFC 5424 section 6


class _Class(NamedTuple):
    """A class of OCSF and an activity in it. `category_uid` is the thousands of `class_uid`."""

    uid: int
    activity: int
    severity: int = INFORMATIONAL


ACCOUNT, AUTHENTICATION, ENTITY, API = 3001, 3002, 3004, 6003
CREATE, READ, UPDATE, DELETE, OTHER = 1, 2, 3, 4, 99

CLASSES: Mapping[SecurityKind, _Class] = {
    SecurityKind.STARTED: _Class(ENTITY, UPDATE),
    SecurityKind.SIGNED_IN: _Class(AUTHENTICATION, 1),
    SecurityKind.SIGN_IN_FAILED: _Class(AUTHENTICATION, 1, MEDIUM),
    SecurityKind.SIGNED_OUT: _Class(AUTHENTICATION, 2),
    SecurityKind.TOKEN_CREATED: _Class(ENTITY, CREATE, LOW),
    SecurityKind.TOKEN_USED: _Class(ENTITY, READ),
    SecurityKind.TOKEN_BOUND: _Class(ENTITY, UPDATE),
    SecurityKind.TOKEN_REVOKED: _Class(ENTITY, DELETE, LOW),
    SecurityKind.TOKEN_EXPIRED: _Class(ENTITY, DELETE),
    SecurityKind.ACCOUNT_CREATED: _Class(ACCOUNT, 1, LOW),
    SecurityKind.ACCOUNT_CHANGED: _Class(ACCOUNT, OTHER),
    SecurityKind.ACCOUNT_DISABLED: _Class(ACCOUNT, 5, LOW),
    SecurityKind.ACCOUNT_ENABLED: _Class(ACCOUNT, 2, LOW),
    SecurityKind.ROLES_CHANGED: _Class(ACCOUNT, OTHER, MEDIUM),
    SecurityKind.PASSWORD_SET: _Class(ACCOUNT, 4, LOW),
    SecurityKind.CODES_SET: _Class(ACCOUNT, 10, LOW),
    SecurityKind.CODES_REMOVED: _Class(ACCOUNT, 11, MEDIUM),
    SecurityKind.PROPOSED: _Class(ENTITY, CREATE, LOW),
    SecurityKind.APPROVED: _Class(ENTITY, UPDATE, MEDIUM),
    SecurityKind.DECLINED: _Class(ENTITY, DELETE, LOW),
    SecurityKind.LAPSED: _Class(ENTITY, DELETE),
    SecurityKind.ALONE: _Class(ENTITY, UPDATE, MEDIUM),
    SecurityKind.READERS_CHANGED: _Class(ENTITY, UPDATE, LOW),
    SecurityKind.EXPORTED: _Class(API, READ, LOW),
    SecurityKind.SEALED_READ: _Class(API, READ, LOW),
    SecurityKind.REFUSED: _Class(API, OTHER, MEDIUM),
    SecurityKind.BACKED_UP: _Class(ENTITY, READ, LOW),
    SecurityKind.RESTORED: _Class(ENTITY, CREATE, MEDIUM),
    SecurityKind.KEYS_MADE: _Class(ENTITY, CREATE, LOW),
    SecurityKind.KEYS_ROTATED: _Class(ENTITY, UPDATE, LOW),
    SecurityKind.KEYS_DROPPED: _Class(ENTITY, DELETE, MEDIUM),
    SecurityKind.KEYS_LOST: _Class(ENTITY, DELETE, MEDIUM),
    SecurityKind.HEADS_NOTED: _Class(ENTITY, READ),
    SecurityKind.CALENDAR_MADE: _Class(ENTITY, CREATE, LOW),
    SecurityKind.CALENDAR_REVOKED: _Class(ENTITY, DELETE, LOW),
    SecurityKind.SECURITY_READ: _Class(API, READ),
    SecurityKind.EXPORT_READ: _Class(API, READ, LOW),
}
FAILED = frozenset((SecurityKind.SIGN_IN_FAILED, SecurityKind.REFUSED))
SUCCESS, FAILURE = 1, 2  # status_id


def ocsf(entry: Entry, version: str) -> Body:
    """An entry as one OCSF event. `version` is Firedoor's; `time` is in milliseconds since 1970."""
    kind = SecurityKind(entry.kind)
    of = CLASSES[kind]
    event: Body = {
        "activity_id": of.activity, "category_uid": of.uid // 1000, "class_uid": of.uid,
        "type_uid": of.uid * 100 + of.activity, "severity_id": of.severity,
        "status_id": FAILURE if kind in FAILED else SUCCESS,
        "time": round(entry.instant.timestamp() * 1000), "message": str(kind),
        "metadata": {
            "version": OCSF_VERSION, "uid": entry.hash, "sequence": entry.seq, "log_name": "security",
            "product": {"name": "Firedoor", "vendor_name": "Firedoor", "version": version},
        },
        "actor": {"user": _user(entry.actor)}, "unmapped": {"prev": entry.prev, "body": entry.body},
    }  # fmt: skip
    if of.activity == OTHER:
        event["activity_name"] = str(kind)
    return event | _OF_CLASS[of.uid](entry)


def _account(entry: Entry) -> Body:
    return {"user": {"name": str(entry.body.get("account", ""))}}


def _authentication(entry: Entry) -> Body:
    body, found = entry.body, {"service": {"name": "firedoor"}}
    names = sorted(body.get("accounts", {}))
    said: Body = {"user": {"name": str(body.get("account") or ", ".join(names) or "unknown")}, **found}
    if "count" in body:
        said |= {"count": body["count"], "start_time": _millis(body["since"]), "end_time": _millis(body["until"])}
    if body.get("address"):
        said["src_endpoint"] = {"ip": body["address"]}
    return said


def _entity(entry: Entry) -> Body:
    body = entry.body
    name = next(
        (str(body[key]) for key in ("name", "token", "calendar", "change", "incident", "manifest") if key in body), ""
    )
    return {"entity": {"name": name or "firedoor", "type": entry.kind.partition(".")[0]}}


def _api(entry: Entry) -> Body:
    return {"api": {"operation": entry.kind, "service": {"name": "firedoor"}}, "src_endpoint": {"name": "firedoor"}}


_OF_CLASS = {ACCOUNT: _account, AUTHENTICATION: _authentication, ENTITY: _entity, API: _api}


def syslog(entry: Entry, host: str) -> str:
    """An entry as one line of RFC 5424: structured data for machines, the body as JSON for whoever reads."""
    severity = SYSLOG_SEVERITY[CLASSES[SecurityKind(entry.kind)].severity]
    at = entry.instant.isoformat(timespec="microseconds").replace("+00:00", "Z")
    sender = "".join(letter for letter in host if 33 <= ord(letter) <= 126)[:LONGEST_SENDER] or "-"
    data = {"seq": str(entry.seq), "kind": entry.kind, "actor": entry.actor, "hash": entry.hash, "prev": entry.prev}
    pairs = " ".join(f'{name}="{_escaped(value)}"' for name, value in data.items())
    said = orjson.dumps(entry.body, option=orjson.OPT_SORT_KEYS).decode()
    return f"<{FACILITY * 8 + severity}>1 {at} {sender} firedoor - {entry.kind} [security@{ENTERPRISE} {pairs}] {said}"


def _escaped(value: str) -> str:
    """Section 6.3.3: a quote, a backslash and a bracket are escaped. A control character would end the line."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in value)
    return shown.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _user(actor: str) -> Body:
    kind, _, name = actor.partition(":")
    return {"name": name or actor, "type": kind}


def _millis(at: object) -> int:
    return round(datetime.fromisoformat(str(at)).timestamp() * 1000)
