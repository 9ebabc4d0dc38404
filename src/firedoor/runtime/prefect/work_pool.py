"""The work pool: through it Prefect hands runs to our workers, and it belongs to one installation.

Decides whose pool it is. A run that is started in Prefect's pages names a playbook and no installation, so a worker of
another installation on the same server would open the incident in its own database. The pool therefore bears the name
of its installation, and an installation that finds another's goes on without Prefect and says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firedoor.core.problems import Problem, Refused

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import WorkPool

_ABOUT = "Incidents, driven by Firedoor's warm workers. Installation {}."
_OWNER = re.compile(r"\binstallation ([\w-]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Pool:
    """A pool's name, the installation that wants it, and whether the server is that installation's alone."""

    name: str
    installation: str
    private: bool = False


class PoolTaken(Refused):
    """The pool of this name belongs to another installation on the same server."""


async def claim(client: PrefectClient, pool: Pool) -> None:
    """Create the pool, or take one that bears no name yet. Raises PoolTaken where it bears another's.

    On a private server nobody else can be: a pool that bears another name there is left from an earlier database.
    """
    found = await _read(client, pool.name) or await _created(client, pool)
    owner = _owner(found)
    if owner is None or (pool.private and owner != pool.installation):
        owner = _owner(await _marked(client, pool))
    if owner != pool.installation:
        raise PoolTaken(_taken(pool, owner))


async def _read(client: PrefectClient, name: str) -> WorkPool | None:
    from prefect.exceptions import ObjectNotFound

    try:
        return await client.read_work_pool(name)
    except ObjectNotFound:
        return None


async def _created(client: PrefectClient, pool: Pool) -> WorkPool:
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists

    try:
        wanted = WorkPoolCreate(name=pool.name, type="process", description=_ABOUT.format(pool.installation))
        return await client.create_work_pool(wanted)
    except ObjectAlreadyExists:  # another process was quicker; whose it is, its own words say
        return await client.read_work_pool(pool.name)


async def _marked(client: PrefectClient, pool: Pool) -> WorkPool:
    from prefect.client.schemas.actions import WorkPoolUpdate

    await client.update_work_pool(pool.name, WorkPoolUpdate(description=_ABOUT.format(pool.installation)))
    return await client.read_work_pool(pool.name)


def _owner(pool: WorkPool) -> str | None:
    found = _OWNER.search(pool.description or "")
    return found[1] if found else None


def _taken(pool: Pool, owner: str | None) -> Problem:
    return Problem(
        code="R115",
        message=f'the work pool "{pool.name}" on this Prefect server belongs to installation {owner}, '
        f"and this is installation {pool.installation}; incidents go on without Prefect",
        do="set FIREDOOR_PREFECT_WORK_POOL to a name of your own, the same for all processes of this database; "
        "if the other installation is gone, delete its work pool in Prefect",
    )
