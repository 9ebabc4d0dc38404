"""What leaves with an answer: the one place that writes into the security journal who took what out.

Decides that every download of a file is an event, and that what a program or a page reads again and again is one an
hour. A test finds every route that hands out a file, and fails for one that does not come here. Leaves what stands in
an event to `core.security`, and the writing to `runtime.security`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from firedoor.core.access.security import Export, SecurityEvent, SecurityKind
from firedoor.interfaces.web.security.auth import Caller
from firedoor.runtime.process.application import Runtime

AGAIN = timedelta(hours=1)  # reading on within it is no new event
PAGES = timedelta(minutes=1)  # the pages of one export follow one another within it


def exported(runtime: Runtime, caller: Caller, what: Export, incident: str = "", **more: str | bool) -> None:
    """Write down that somebody took something out, of an incident or of all that they may read."""
    runtime.security.record(_event(caller, what, incident, more))


def seldom_exported(runtime: Runtime, caller: Caller, what: Export, incident: str) -> None:
    """Write it down once an hour: what is read in pages, and by programs that ask again."""
    runtime.security.seldom(_event(caller, what, incident, {}), AGAIN)


def _event(caller: Caller, what: Export, incident: str, more: dict[str, str | bool]) -> SecurityEvent:
    about = {"incident": incident} if incident else {}
    return SecurityEvent(SecurityKind.EXPORTED, caller.person.actor, {**about, "what": str(what), **more})


def note_read(runtime: Runtime, caller: Caller, door: Literal["console", "api"]) -> None:
    """Write down that somebody reads the security journal, once an hour."""
    runtime.security.seldom(SecurityEvent(SecurityKind.SECURITY_READ, caller.person.actor, {"door": door}), AGAIN)


def note_export(runtime: Runtime, caller: Caller, form: str, after: int) -> None:
    """Write down that somebody takes the security journal out; its further pages are the same export."""
    body = {"format": form, "after": after}
    runtime.security.seldom(SecurityEvent(SecurityKind.EXPORT_READ, caller.person.actor, body), PAGES)
