"""Health, readiness, metrics: open to everyone, and without a word about any incident's content.

Decides when this process is ready (its store answers and its loops look) and which
counts are published. Leaves alarms to whoever scrapes them.
"""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.responses import Response

from firedoor.interfaces.web.http.responses import answer
from firedoor.interfaces.web.security.auth import Asking, Running
from firedoor.interfaces.web.system.metrics import metrics_text

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Whether this process lives")
async def healthz() -> Response:
    """Always 200 while the process answers at all."""
    return answer({"alive": True})


@router.get("/readyz", summary="Whether this process accepts alerts and watches clocks")
def readyz(runtime: Running) -> Response:
    """503 while the store does not answer or a loop is silent. Prefect is shown, and is not waited for."""
    health = runtime.health()
    starting = all(
        state in ("well", "starting")
        for name, state in health["parts"].items()
        if name in ("store", "watch", "recovery")
    )
    return answer(
        {"ready": health["well"], **health}, 200 if health["well"] else 503, {"Retry-After": "1"} if starting else None
    )


@router.get("/metrics", summary="Counts for Prometheus")
def metrics(runtime: Running) -> Response:
    """Text format 0.0.4."""
    return Response(metrics_text(runtime), media_type=CONTENT_TYPE_PLAIN_0_0_4)


@router.get("/api/v1/me", tags=["tokens"], summary="Who I am here")
async def me(caller: Asking) -> Response:
    """The name that the journal will show, and the roles."""
    return answer(
        {
            "name": caller.person.name,
            "roles": sorted(caller.person.roles),
            "local": caller.local,
            "unsealed": caller.unsealed,
        }
    )
