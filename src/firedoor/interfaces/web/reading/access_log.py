"""The record of who read facts about victims and witnesses.

Decides that whoever may read sealed facts of an incident that holds some is written down before they are shown, once an
hour. Where it cannot be written down they stay covered, and everything else is shown: a full disk must not blind
anybody. Leaves what is sealed to the core.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from fastapi import APIRouter
from starlette.responses import Response

from firedoor.core.problems import FiredoorError
from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.security.auth import Asking, Caller, Running
from firedoor.runtime.process.application import Runtime
from firedoor.store.incidents.sealed_reads import note_read, reads_of

router = APIRouter(prefix="/api/v1", tags=["people"])

AGAIN = timedelta(minutes=30)  # a process need not ask the store more often
REMEMBERED = 5000
log = logging.getLogger(__name__)
_noted: dict[tuple[int, str, str], datetime] = {}


def may_see(runtime: Runtime, caller: Caller, incident: str, holds_any: Callable[[], bool]) -> bool:
    """Whether this caller sees what is sealed; if there is anything, it is written down first that they read it.

    `holds_any` tells whether the journal holds anything that is covered from others, also of the past.
    """
    if not caller.unsealed:
        return False
    if not holds_any():
        return True
    try:
        _note(runtime, caller, incident)
    except FiredoorError as error:
        log.error("who read the sealed facts of %s cannot be written down, so they stay covered: %s", incident, error)  # noqa: TRY400
        return False
    return True


def _note(runtime: Runtime, caller: Caller, incident: str) -> None:
    key, now = (id(runtime), incident, caller.person.name), runtime.world.now()
    last = _noted.get(key)
    if last is not None and now - last < AGAIN and last.hour == now.hour:
        return
    note_read(runtime.world.store, incident, caller.person.name, now)
    if len(_noted) >= REMEMBERED:
        _noted.clear()
    _noted[key] = now


@router.get("/incidents/{incident}/sealed-reads", summary="Who read facts about victims and witnesses")
async def get_reads(incident: str, runtime: Running, _: Asking) -> Response:
    """One line for each person and hour, the newest first."""
    rows = await asyncio.to_thread(reads_of, runtime.world.store, incident)
    return answer({"incident": incident, "reads": [{"person": r["person"], "first_at": r["first_at"]} for r in rows]})
