"""Sets aside what a process cannot get on with: a whole drive, or a point of the watch.

Decides which errors are a fault of the incident and which are trouble of the machine that passes (a database or a
disk that does not answer is told by health, and by nobody's task). Leaves what is written to `core.faults`, and faults
of one operation, duty or entry to the turn, which meets them first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError

from firedoor.core.entries.people import MessageSent
from firedoor.core.incident import faults
from firedoor.core.incident.view import IncidentView
from firedoor.core.isolated import fault_of
from firedoor.core.journal import Draft, Kind
from firedoor.core.problems import Unanswered
from firedoor.runtime.config.container import World
from firedoor.store.incidents.journal import Conflict, LostLease

log = logging.getLogger(__name__)
PASSING = (Unanswered, OSError, DBAPIError, Conflict, LostLease, MemoryError)
WHAT = "The incident cannot be driven any further"


def passes(error: BaseException) -> bool:
    """Whether it is trouble of the machine, which passes by itself."""
    return isinstance(error, PASSING) or not isinstance(error, Exception)


async def set_aside(
    world: World, incident: str, error: BaseException, part: str = faults.DRIVE, what: str = WHAT
) -> bool:
    """Have people asked about what fails, a whole drive or a part. Returns whether that was written; never raises."""
    try:
        view = await asyncio.to_thread(world.view, incident)
        asked = faults.asked(view, part, what, fault_of(error), roles_of(world, view), world.now())
        if asked:
            await asyncio.wrap_future(world.store.append(incident, asked, world.now(), expect=view.head.seq))
    except Exception as again:  # noqa: BLE001 - the log and the health have it; the next try asks again
        log.warning("nobody could be asked about %s: %s", incident, again)
        return False
    return bool(asked)


async def taken_up(world: World, view: IncidentView, part: str) -> None:
    """Withdraw what was asked about a part that has been worked out again; never raises."""
    gone = faults.mended(view, part)
    if not gone:
        return
    try:
        await asyncio.wrap_future(world.store.append(view.id, gone, world.now()))
    except Exception as again:  # noqa: BLE001 - the next time that it goes well says so again
        log.warning("the end of a fault of %s was not written: %s", view.id, again)


def roles_of(world: World, view: IncidentView) -> tuple[str, ...]:
    """The roles of the incident's playbook, or the one that every playbook has, where its plan cannot be read."""
    try:
        return world.store.plan(view.plan_digest).roles
    except Exception:  # noqa: BLE001 - that it cannot be read is what somebody is asked about
        return ("commander",)


def plainly(timer: Mapping[str, object], error: Exception, roles: tuple[str, ...]) -> list[Draft]:
    """What a point says whose own words cannot be worked out: it fires all the same, for all roles."""
    text = f"It was due at {timer['due_at']}. What it is about cannot be worked out: {fault_of(error).words}"
    to = sorted({*roles, "dpo"} if "dpo" in roles else roles)
    subject = f"A point of {timer['about']} has passed ({timer['point']})"
    return [Draft(Kind.MESSAGE, faults.ACTOR, MessageSent(to=to, subject=subject, text=text))]
