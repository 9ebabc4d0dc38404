"""The deployments: every playbook as a Prefect deployment under its own name, with its facts as the form.

Decides their names, the work pool and how Prefect finds the code. Applying twice changes nothing; a changed playbook
replaces its deployment, and runs that exist keep the plan that their incident was pinned to.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from firedoor.core.problems import FiredoorError
from firedoor.runtime.prefect_flow import Given, PlaybookLike, compile_flow, playbook_form
from firedoor.runtime.prefect_settings import WORK_POOL
from firedoor.runtime.prefect_work_pool import Pool, claim

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.orchestration import PrefectClient

log = logging.getLogger(__name__)

HELP = "Opens an incident and conducts it. What is left empty stays unknown and is asked for."


@dataclass(frozen=True)
class Deployed:
    """A playbook that Prefect knows."""

    id: UUID
    flow: Flow[..., Any]


async def apply_all(client: PrefectClient, playbooks: Iterable[Given], pool: Pool) -> dict[str, Deployed]:
    """Create or update the work pool and one deployment for each sound playbook; return them by playbook name.

    Raises PoolTaken where the pool belongs to another installation; nothing is deployed then.
    """
    await claim(client, pool)
    deployed: dict[str, Deployed] = {}
    for playbook in playbooks:
        try:
            form = playbook_form(playbook)
        except FiredoorError as error:
            log.warning("a playbook was not deployed: %s", error)
            continue
        deployed[form.name] = await _apply(form, pool.name)
    return deployed


async def _apply(playbook: PlaybookLike, pool: str) -> Deployed:
    from prefect.types.entrypoint import EntrypointType

    flow = compile_flow(playbook)
    deployment = await flow.ato_deployment(
        name=_name(playbook, pool),
        work_pool_name=pool,
        entrypoint_type=EntrypointType.MODULE_PATH,
        version=str(playbook.version),
        description=f"{playbook.title}\n\n{HELP}",
        tags=["firedoor"],
        enforce_parameter_schema=True,
    )
    return Deployed(id=await deployment.aapply(), flow=flow)


def _name(playbook: PlaybookLike, pool: str) -> str:
    """The flow's name again, model-data-leakage/model-data-leakage; with a pool of one's own that pool's name.

    A server has a deployment of one name once, and two installations must not take it from each other in turn.
    """
    return playbook.name if pool == WORK_POOL else pool
