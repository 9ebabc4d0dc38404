"""A model as Ray Serve deploys it; imported by Ray in an environment of its own, and nowhere else."""

from __future__ import annotations

from importlib import import_module
from typing import Any

serve: Any = import_module("ray.serve")  # only in Ray's own environment
responses: Any = import_module("starlette.responses")


class Model:
    """Answers whatever it is asked."""

    async def __call__(self, request: Any) -> Any:
        return responses.JSONResponse({"served": request.url.path})


model = serve.deployment(
    ray_actor_options={"num_cpus": 0}, graceful_shutdown_wait_loop_s=0.05, graceful_shutdown_timeout_s=1
)(Model)
app = model.bind()
