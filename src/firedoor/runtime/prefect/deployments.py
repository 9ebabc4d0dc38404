"""The deployments: every playbook as a Prefect deployment under its own name, with its facts as the form.

Decides their names, the work pool and how Prefect finds the code. Applying twice changes nothing; a changed playbook
replaces its deployment, and runs that exist keep the plan that their incident was pinned to. Decides as well which
deployments are ours: those made here, as they were made. Whoever may write to Prefect's API can make and change others.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

import orjson

from firedoor.core.problems import FiredoorError
from firedoor.runtime.prefect.flow import NEUTRAL, Given, PlaybookLike, compile_flow, playbook_form
from firedoor.runtime.prefect.settings import WORK_POOL
from firedoor.runtime.prefect.work_pool import Pool, claim

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefect import Flow
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.responses import DeploymentResponse

log = logging.getLogger(__name__)

HELP = "Asks a responder in Firedoor to open an incident with these facts. What is left empty stays unknown."


# What makes a worker run other code, or the same code otherwise, if somebody changes it.
PINNED = frozenset((
    "flow_id", "entrypoint", "path", "pull_steps", "job_variables", "work_pool_name", "work_queue_name",
    "storage_document_id", "infrastructure_document_id", "parameters",
))  # fmt: skip


@dataclass(frozen=True)
class Deployed:
    """A playbook that Prefect knows. `digest` is over what Prefect kept of its deployment when we made it."""

    id: UUID
    flow: Flow[..., object]
    digest: str = ""


async def ours(client: PrefectClient, deployed: Mapping[str, Deployed], deployment_id: UUID | None) -> Deployed | None:
    """Return the deployment of this id if this process made it and nobody has changed it since, else None."""
    from prefect.exceptions import ObjectNotFound

    known = next((one for one in deployed.values() if one.id == deployment_id), None)
    if known is None:
        return None
    try:
        return known if _digest(await client.read_deployment(known.id)) == known.digest else None
    except ObjectNotFound:
        return None


def _digest(deployment: DeploymentResponse) -> str:
    kept = deployment.model_dump(mode="json", include=set(PINNED))
    return sha256(
        orjson.dumps(kept | {"pull_steps": kept["pull_steps"] or []}, option=orjson.OPT_SORT_KEYS)
    ).hexdigest()


async def apply_all(client: PrefectClient, playbooks: Iterable[Given], pool: Pool) -> dict[str, Deployed]:
    """Create or update the work pool and one deployment for each sound playbook; return them by playbook name.

    Beside them stands one without a name that says anything, for incidents that only some need to know about.

    Raises PoolTaken where the pool belongs to another installation; nothing is deployed then.
    """
    await claim(client, pool)
    deployed: dict[str, Deployed] = {}
    for playbook in (*playbooks, NEUTRAL):
        try:
            form = playbook_form(playbook)
        except FiredoorError as error:
            log.warning("a playbook was not deployed: %s", error)
            continue
        deployed[form.name] = await _apply(client, form, pool.name)
    return deployed


async def _apply(client: PrefectClient, playbook: PlaybookLike, pool: str) -> Deployed:
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
    kept = await client.read_deployment(await deployment.aapply())
    if kept.pull_steps or kept.path or kept.job_variables or kept.entrypoint != deployment.entrypoint:
        await client.delete_deployment(kept.id)  # somebody has changed it, and applying it again leaves that in place
        kept = await client.read_deployment(await deployment.aapply())
    return Deployed(kept.id, flow, _digest(kept))


def _name(playbook: PlaybookLike, pool: str) -> str:
    """The flow's name again, model-data-leakage/model-data-leakage; with a pool of one's own that pool's name.

    A server has a deployment of one name once, and two installations must not take it from each other in turn.
    """
    return playbook.name if pool == WORK_POOL else pool
