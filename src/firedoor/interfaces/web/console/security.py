"""The page of the security journal: who signed in, who was given what, what was taken out; for admins and the DPO.

Decides that the newest stands on top, and that an event reads as a sentence. Leaves what stands there to the core.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from firedoor.core.access.security import SecurityKind
from firedoor.core.journal import Entry
from firedoor.interfaces.web.admin.security_events import readable
from firedoor.interfaces.web.http.pages import page
from firedoor.interfaces.web.leaving import note_read
from firedoor.interfaces.web.security.auth import Asking, Running
from firedoor.store.incidents.security import security_before

router = APIRouter(tags=["console"], include_in_schema=False)
SHOWN = 100

WORDS: dict[SecurityKind, str] = {
    SecurityKind.STARTED: "server started", SecurityKind.SIGNED_IN: "signed in",
    SecurityKind.SIGN_IN_FAILED: "sign-in failed", SecurityKind.SIGNED_OUT: "session ended",
    SecurityKind.TOKEN_CREATED: "token created", SecurityKind.TOKEN_USED: "token used for the first time",
    SecurityKind.TOKEN_BOUND: "token bound to a source",
    SecurityKind.TOKEN_REVOKED: "token revoked", SecurityKind.TOKEN_EXPIRED: "token expired",
    SecurityKind.ACCOUNT_CREATED: "account created", SecurityKind.ACCOUNT_CHANGED: "account changed",
    SecurityKind.ACCOUNT_DISABLED: "account disabled", SecurityKind.ACCOUNT_ENABLED: "account enabled",
    SecurityKind.ROLES_CHANGED: "roles changed", SecurityKind.PASSWORD_SET: "password set",
    SecurityKind.CODES_SET: "one-time codes set up", SecurityKind.CODES_REMOVED: "one-time codes removed",
    SecurityKind.PROPOSED: "change proposed", SecurityKind.APPROVED: "change approved",
    SecurityKind.DECLINED: "change declined", SecurityKind.ALONE: "change by the only administrator",
    SecurityKind.LAPSED: "change expired: nobody approved it in time",
    SecurityKind.READERS_CHANGED: "readers of an incident changed", SecurityKind.EXPORTED: "data exported",
    SecurityKind.SEALED_READ: "sealed facts read", SecurityKind.REFUSED: "many requests refused",
    SecurityKind.BACKED_UP: "backup created", SecurityKind.RESTORED: "backup restored",
    SecurityKind.KEYS_MADE: "key ring created", SecurityKind.KEYS_ROTATED: "keys rotated",
    SecurityKind.KEYS_DROPPED: "key removed", SecurityKind.KEYS_LOST: "data lost: sealed with a lost key",
    SecurityKind.HEADS_NOTED: "journal heads recorded",
    SecurityKind.CALENDAR_MADE: "calendar link created", SecurityKind.CALENDAR_REVOKED: "calendar link revoked",
    SecurityKind.SECURITY_READ: "audit log read", SecurityKind.EXPORT_READ: "audit log exported",
}  # fmt: skip


@router.get("/security", summary="The security journal")
async def security_page(
    request: Request, runtime: Running, caller: Asking, before: Annotated[int | None, Query(ge=1, le=2**53)] = None
) -> Response:
    """The newest events, or those before a number."""
    note_read(runtime, caller, "console")
    found = await asyncio.to_thread(security_before, runtime.world.store, before, SHOWN)
    older = found[-1].seq if len(found) == SHOWN else None
    found = await asyncio.to_thread(readable, runtime, caller, found)
    rows = [{"entry": one, "what": WORDS[SecurityKind(one.kind)], "about": about(one)} for one in found]
    return page(request, "security.html.j2", caller=caller, rows=rows, older=older)


def about(entry: Entry) -> list[tuple[str, str]]:
    """The parts of an event, each with its name; digests of settings are of no use to a reader."""
    return [(key.replace("_", " "), _words(value)) for key, value in sorted(entry.body.items())
            if key != "settings" and value not in ("", [], {})]  # fmt: skip


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_words(one)}" for key, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
