"""Who may do what: one table of all routes, as data.

Decides which access each route asks for, and which roles have it. A route that is not
in the table is closed to everybody, and a test says so by name. Leaves who is
asking to `auth`, and which task a role may answer to the core.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from firedoor.core.access.roles import ADMIN, BUILT_IN, SOURCE
from firedoor.core.access.security import READERS as SECURITY_READERS
from firedoor.core.tasks.task_actions import OPERATORS

V1 = "/api/v1"

# Who sees facts about victims and witnesses (FactDefinition.sealed).
UNSEALED = frozenset(("commander", "dpo", "legal", "victim_support"))


class Access(StrEnum):
    """What a route asks for."""

    OPEN = "open"  # nothing; health and the description of the API
    ENTRY = "entry"  # nothing; the pages by which somebody signs in
    SEND = "send"  # a source's signature, or a token that may send alerts
    READ = "read"  # every role, except a source's
    WORK = "work"  # a role that takes part in incidents; which task it may answer is the playbook's word
    RESPOND = "respond"  # open incidents, take alerts over
    CORRECT = "correct"  # set facts, add evidence
    OPERATE = "operate"  # steer a run, pass tasks on, make links
    TELL = "tell"  # have a message tried again
    STRANGER = "stranger"  # nothing; people without an account, who are bounded and told nothing of others
    LINK = "link"  # the link itself, which was made for one person and one task
    ADMIN = "admin"  # tokens and accounts
    YEAR = "year"  # figures over all incidents, whoever may read them
    SECURITY = "security"  # the security journal
    SIGNED = "signed"  # the sender's signature over the bytes; the route itself looks whose request it is


# Nobody is asked who they are.
TOKENLESS = frozenset((Access.OPEN, Access.ENTRY, Access.STRANGER, Access.LINK, Access.SIGNED))

READERS = BUILT_IN - {SOURCE}

# The roles that have an access, each by its name: a role that is not named has nothing.
GRANTS: Mapping[Access, frozenset[str]] = {
    Access.READ: READERS,
    Access.WORK: READERS - {"viewer", ADMIN},
    Access.SEND: frozenset(("source", "responder")),
    Access.RESPOND: frozenset(("responder", "commander")),
    Access.CORRECT: frozenset(("responder", "commander", "dpo", "legal", "engineering", "victim_support")),
    Access.OPERATE: OPERATORS,
    Access.TELL: OPERATORS | {"admin"},  # who mends the mail server tries it
    Access.ADMIN: frozenset((ADMIN,)),
    Access.YEAR: frozenset(("manager", "dpo", "legal")),
    Access.SECURITY: SECURITY_READERS,
}
# What the roles have that only the playbooks and the profile of one installation name (`RoleList.own`).
TO_OWN_ROLES = frozenset((Access.READ, Access.WORK))

INCIDENT = f"{V1}/incidents/{{incident}}"
ROUTES: Mapping[tuple[str, str], Access] = {
    ("GET", "/openapi.json"): Access.OPEN,
    ("GET", "/healthz"): Access.OPEN,
    ("GET", "/readyz"): Access.OPEN,
    ("GET", "/metrics"): Access.OPEN,
    ("GET", "/sign-in"): Access.ENTRY,
    ("POST", "/sign-in"): Access.ENTRY,
    ("GET", "/sign-in/ticket/{ticket}"): Access.ENTRY,
    ("POST", "/sign-in/ticket/{ticket}"): Access.ENTRY,
    ("GET", "/sign-in/single"): Access.ENTRY,
    ("GET", "/sign-in/single/back"): Access.ENTRY,
    ("GET", "/static/{version}/{name}"): Access.ENTRY,
    ("POST", "/sign-out"): Access.READ,
    ("GET", "/"): Access.READ,
    ("GET", "/incidents"): Access.READ,
    ("GET", "/tasks"): Access.READ,
    ("GET", "/clocks"): Access.READ,
    ("GET", "/incidents/{incident}"): Access.READ,
    ("GET", "/incidents/{incident}/timeline"): Access.READ,
    ("GET", "/incidents/{incident}/facts"): Access.READ,
    ("POST", "/incidents/{incident}/facts"): Access.CORRECT,
    ("GET", "/incidents/{incident}/steer"): Access.OPERATE,
    ("POST", "/incidents/{incident}/steer"): Access.OPERATE,
    ("GET", "/incidents/{incident}/clocks/{clock:path}"): Access.READ,
    ("POST", "/incidents/{incident}/clocks/{clock:path}/submit"): Access.WORK,
    ("POST", "/incidents/{incident}/clocks/{clock:path}/extend"): Access.CORRECT,
    ("POST", "/incidents/{incident}/clocks/{clock:path}/pause"): Access.CORRECT,
    ("POST", "/incidents/{incident}/clocks/{clock:path}/resume"): Access.CORRECT,
    ("GET", "/incidents/{incident}/requests"): Access.READ,
    ("POST", "/incidents/{incident}/requests"): Access.CORRECT,
    ("GET", "/incidents/{incident}/requests/{request}"): Access.READ,
    ("POST", "/incidents/{incident}/requests/{request}/complete"): Access.CORRECT,
    ("POST", "/incidents/{incident}/requests/{request}/letter"): Access.CORRECT,
    ("POST", "/incidents/{incident}/requests/{request}/answer"): Access.CORRECT,
    ("GET", "/incidents/{incident}/copies"): Access.READ,
    ("POST", "/incidents/{incident}/copies/{copy}"): Access.CORRECT,
    ("GET", "/incidents/{incident}/evidence"): Access.READ,
    ("POST", "/incidents/{incident}/evidence"): Access.CORRECT,
    ("POST", "/incidents/{incident}/evidence/locators"): Access.CORRECT,
    ("GET", "/incidents/{incident}/lessons"): Access.READ,
    ("GET", "/incidents/{incident}/readers"): Access.OPERATE,
    ("POST", "/incidents/{incident}/readers"): Access.OPERATE,
    ("GET", "/incidents/{incident}/legal-hold"): Access.WORK,
    ("POST", "/incidents/{incident}/legal-hold"): Access.WORK,
    ("GET", "/incidents/{incident}/targets/{target}/open"): Access.WORK,
    ("POST", "/incidents/{incident}/targets/{target}/open"): Access.WORK,
    ("GET", "/incidents/{incident}/tasks/{task}"): Access.READ,
    ("POST", "/incidents/{incident}/tasks/{task}"): Access.WORK,
    ("POST", "/incidents/{incident}/tasks/{task}/claim"): Access.WORK,
    ("POST", "/incidents/{incident}/tasks/{task}/reassign"): Access.OPERATE,
    ("POST", "/incidents/{incident}/tasks/{task}/break-glass"): Access.WORK,
    ("POST", "/incidents/{incident}/tasks/{task}/link"): Access.OPERATE,
    ("GET", "/playbooks"): Access.READ,
    ("GET", "/playbooks/{name}"): Access.READ,
    ("POST", "/playbooks/{name}/drills"): Access.WORK,
    ("GET", "/playbooks/{name}/start"): Access.RESPOND,
    ("POST", "/playbooks/{name}/start"): Access.RESPOND,
    ("GET", "/duties"): Access.READ,
    ("GET", "/duties/{duty:path}"): Access.READ,
    ("GET", "/alerts"): Access.READ,
    ("POST", "/alerts/{alert}/start"): Access.RESPOND,
    ("GET", "/sources"): Access.READ,
    ("GET", "/targets"): Access.READ,
    ("GET", "/targets/{target}"): Access.READ,
    ("POST", "/targets/{target}/verify"): Access.WORK,
    ("POST", "/targets/{target}/suspend"): Access.RESPOND,
    ("POST", "/targets/{target}/resume"): Access.WORK,
    ("GET", "/figures"): Access.READ,
    ("GET", "/transparency"): Access.YEAR,
    ("GET", "/me"): Access.READ,
    ("POST", "/me/calendar"): Access.READ,
    ("POST", "/me/calendar/{link}/revoke"): Access.READ,
    ("GET", "/admin"): Access.ADMIN,
    ("POST", "/admin/accounts"): Access.ADMIN,
    ("GET", "/admin/accounts/{name}"): Access.ADMIN,
    ("POST", "/admin/accounts/{name}"): Access.ADMIN,
    ("POST", "/admin/tokens"): Access.ADMIN,
    ("POST", "/admin/tokens/{token}/revoke"): Access.ADMIN,
    ("POST", "/admin/calendars/{link}/revoke"): Access.ADMIN,
    ("POST", f"{V1}/console-ticket"): Access.READ,
    ("GET", "/security"): Access.SECURITY,
    ("GET", f"{V1}/security-events"): Access.SECURITY,
    ("GET", f"{V1}/accounts"): Access.ADMIN,
    ("POST", f"{V1}/accounts"): Access.ADMIN,
    ("PATCH", f"{V1}/accounts/{{name}}"): Access.ADMIN,
    ("POST", f"{V1}/accounts/{{name}}/one-time-codes"): Access.ADMIN,
    ("GET", f"{V1}/changes"): Access.ADMIN,
    ("POST", f"{V1}/changes/{{change}}/approve"): Access.ADMIN,
    ("POST", f"{V1}/changes/{{change}}/decline"): Access.ADMIN,
    ("POST", "/admin/changes/{change}"): Access.ADMIN,
    ("POST", f"{INCIDENT}/readers"): Access.OPERATE,
    ("GET", f"{INCIDENT}/sealed-reads"): Access.CORRECT,
    ("GET", f"{V1}/me"): Access.READ,
    ("POST", f"{V1}/alerts/{{source}}"): Access.SEND,
    ("GET", f"{V1}/alerts"): Access.READ,
    ("POST", f"{V1}/alerts/{{alert}}/start"): Access.RESPOND,
    ("GET", f"{V1}/alert-sources"): Access.READ,
    ("GET", f"{V1}/register"): Access.READ,
    ("GET", f"{V1}/incidents"): Access.READ,
    ("POST", f"{V1}/incidents"): Access.RESPOND,
    ("GET", INCIDENT): Access.READ,
    ("GET", f"{INCIDENT}/timeline"): Access.READ,
    ("GET", f"{INCIDENT}/clocks"): Access.READ,
    ("POST", f"{INCIDENT}/clocks/{{clock:path}}/submit"): Access.WORK,
    ("POST", f"{INCIDENT}/clocks/{{clock:path}}/extend"): Access.CORRECT,
    ("POST", f"{INCIDENT}/clocks/{{clock:path}}/pause"): Access.CORRECT,
    ("POST", f"{INCIDENT}/clocks/{{clock:path}}/resume"): Access.CORRECT,
    ("GET", f"{INCIDENT}/requests"): Access.READ,
    ("POST", f"{INCIDENT}/requests"): Access.CORRECT,
    ("GET", f"{INCIDENT}/requests/{{request}}"): Access.READ,
    ("POST", f"{INCIDENT}/requests/{{request}}/complete"): Access.CORRECT,
    ("POST", f"{INCIDENT}/requests/{{request}}/letter"): Access.CORRECT,
    ("POST", f"{INCIDENT}/requests/{{request}}/answer"): Access.CORRECT,
    ("GET", f"{INCIDENT}/copies"): Access.READ,
    ("POST", f"{INCIDENT}/copies/{{copy}}"): Access.CORRECT,
    ("POST", f"{INCIDENT}/copies/{{copy}}/restore"): Access.CORRECT,
    ("POST", f"{INCIDENT}/bank-feedback"): Access.CORRECT,
    ("GET", f"{V1}/banks"): Access.READ,
    ("GET", f"{V1}/banks/{{bank}}"): Access.READ,
    ("GET", f"{INCIDENT}/tasks"): Access.READ,
    ("POST", f"{INCIDENT}/tasks/{{task:path}}/answer"): Access.WORK,
    ("POST", f"{INCIDENT}/tasks/{{task:path}}/claim"): Access.WORK,
    ("POST", f"{INCIDENT}/tasks/{{task:path}}/break-glass"): Access.WORK,
    ("POST", f"{INCIDENT}/tasks/{{task:path}}/reassign"): Access.OPERATE,
    ("POST", f"{INCIDENT}/tasks/{{task:path}}/link"): Access.OPERATE,
    ("POST", f"{INCIDENT}/control"): Access.OPERATE,
    ("POST", f"{INCIDENT}/targets/{{target}}/open"): Access.WORK,
    ("POST", f"{INCIDENT}/legal-hold"): Access.WORK,
    ("GET", f"{V1}/holds"): Access.READ,
    ("POST", f"{V1}/takedown-requests"): Access.STRANGER,
    ("POST", f"{V1}/mailed-requests"): Access.RESPOND,
    ("GET", "/report"): Access.STRANGER,
    ("POST", "/report"): Access.STRANGER,
    ("GET", "/report/help"): Access.STRANGER,
    ("GET", "/report/static/{version}/{name}"): Access.STRANGER,
    ("GET", "/report/status/{secret}"): Access.LINK,
    ("POST", "/report/status/{secret}"): Access.LINK,
    ("GET", "/answer/{token}"): Access.LINK,
    ("POST", "/answer/{token}"): Access.LINK,
    ("GET", f"{INCIDENT}/facts"): Access.READ,
    ("PATCH", f"{INCIDENT}/facts"): Access.CORRECT,
    ("POST", f"{INCIDENT}/facts"): Access.CORRECT,
    ("GET", f"{INCIDENT}/evidence"): Access.READ,
    ("POST", f"{INCIDENT}/evidence"): Access.CORRECT,
    ("GET", f"{INCIDENT}/evidence/{{sha256}}"): Access.WORK,
    ("POST", f"{INCIDENT}/evidence/locators"): Access.CORRECT,
    ("GET", f"{INCIDENT}/journal"): Access.READ,
    ("GET", f"{INCIDENT}/export"): Access.READ,
    ("GET", f"{INCIDENT}/verify"): Access.READ,
    ("GET", f"{INCIDENT}/report"): Access.READ,
    ("GET", f"{INCIDENT}/lessons"): Access.READ,
    ("GET", f"{INCIDENT}/notices"): Access.READ,
    ("GET", f"{INCIDENT}/notices/{{clock:path}}/export"): Access.READ,
    ("GET", f"{INCIDENT}/notices/{{clock:path}}/file"): Access.READ,
    ("GET", f"{INCIDENT}/notices/{{clock:path}}"): Access.READ,
    ("POST", f"{INCIDENT}/notices/{{clock:path}}/edit"): Access.WORK,
    ("POST", f"{INCIDENT}/notices/{{clock:path}}/approve"): Access.WORK,
    ("POST", f"{INCIDENT}/notices/{{clock:path}}/receipt"): Access.WORK,
    ("POST", f"{INCIDENT}/notices/{{clock:path}}/take-over"): Access.WORK,
    ("POST", f"{INCIDENT}/notices/{{clock:path}}/as-sent"): Access.WORK,
    ("POST", f"{INCIDENT}/notices/{{clock:path}}/sent"): Access.WORK,
    ("GET", "/incidents/{incident}/notices"): Access.READ,
    ("GET", "/incidents/{incident}/notices/{clock:path}"): Access.READ,
    ("POST", "/incidents/{incident}/notices/{clock:path}"): Access.WORK,
    ("GET", f"{V1}/measures"): Access.READ,
    ("GET", "/measures"): Access.READ,
    ("GET", f"{V1}/journal/verify"): Access.READ,
    ("POST", f"{V1}/journal/verify"): Access.READ,
    ("GET", f"{V1}/journal/verify_journal.py"): Access.OPEN,
    ("GET", f"{V1}/tasks"): Access.READ,
    ("GET", f"{V1}/clocks"): Access.READ,
    ("GET", f"{V1}/messages"): Access.READ,
    ("GET", f"{V1}/deliveries"): Access.READ,
    ("POST", f"{V1}/deliveries/{{handle}}/retry"): Access.TELL,
    ("GET", "/deliveries"): Access.READ,
    ("POST", "/deliveries/{handle}/retry"): Access.TELL,
    ("POST", "/slack/commands"): Access.SIGNED,
    ("POST", "/slack/actions"): Access.SIGNED,
    ("GET", f"{V1}/playbooks"): Access.READ,
    ("GET", f"{V1}/playbooks/{{name}}"): Access.READ,
    ("GET", f"{V1}/targets"): Access.READ,
    ("GET", f"{V1}/duties"): Access.READ,
    ("GET", f"{V1}/duties/{{duty:path}}"): Access.READ,
    ("GET", f"{V1}/figures"): Access.READ,
    ("GET", f"{V1}/transparency"): Access.YEAR,
    ("GET", f"{V1}/calendar.ics"): Access.READ,
    ("GET", "/calendar/{secret}.ics"): Access.LINK,
    ("GET", f"{V1}/events"): Access.READ,
    ("GET", f"{V1}/tokens"): Access.ADMIN,
    ("POST", f"{V1}/tokens"): Access.ADMIN,
    ("DELETE", f"{V1}/tokens/{{token}}"): Access.ADMIN,
}  # fmt: skip


def allowed(access: Access | None, roles: frozenset[str], own: frozenset[str] = frozenset()) -> bool:
    """Whether somebody with these roles has an access. None, a route that nobody listed, is for nobody.

    `own` are the installation's own roles: a role that is neither built in nor one of them counts for nothing.
    """
    if access is None:
        return False
    if access in TOKENLESS:
        return True
    return bool(roles & (GRANTS[access] | own if access in TO_OWN_ROLES else GRANTS[access]))


def needed(access: Access | None) -> str:
    """Say which roles have an access, for a refusal."""
    if access is None:
        return "nobody"
    if access in TO_OWN_ROLES:
        return f"every role but {' or '.join(sorted(BUILT_IN - GRANTS[access]))}"
    return " or ".join(sorted(GRANTS[access]))
