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


async def apply_all(client: PrefectClient, playbooks: Iterable[Given]) -> dict[str, Deployed]:
    """Create or update the work pool and one deployment for each sound playbook; return them by playbook name."""
    await _ensure_work_pool(client)
    deployed: dict[str, Deployed] = {}
    for playbook in playbooks:
        try:
            form = playbook_form(playbook)
        except FiredoorError as error:
            log.warning("a playbook was not deployed: %s", error)
            continue
        deployed[form.name] = await _apply(form)
    return deployed


async def _ensure_work_pool(client: PrefectClient) -> None:
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

    try:
        await client.read_work_pool(WORK_POOL)
    except ObjectNotFound:
        pool = WorkPoolCreate(
            name=WORK_POOL, type="process", description="Incidents, driven by Firedoor's warm workers"
        )
        try:
            await client.create_work_pool(pool)
        except ObjectAlreadyExists:
            return  # another Firedoor was quicker


async def _apply(playbook: PlaybookLike) -> Deployed:
    from prefect.types.entrypoint import EntrypointType

    flow = compile_flow(playbook)
    deployment = await flow.ato_deployment(
        name=playbook.name,  # the deployment has its own name too: model-data-leakage/model-data-leakage
        work_pool_name=WORK_POOL,
        entrypoint_type=EntrypointType.MODULE_PATH,
        version=str(playbook.version),
        description=f"{playbook.title}\n\n{HELP}",
        tags=["firedoor"],
        enforce_parameter_schema=True,
    )
    return Deployed(id=await deployment.aapply(), flow=flow)
