"""The entrypoints of every playbook: `firedoor.flows.respond.<playbook>` is its flow.

Prefect stores an entrypoint as text and imports it wherever a run starts, so each playbook needs an importable name.
Names are compiled on first use: `model_data_leakage` is the playbook that ships under model-data-leakage, and
`at_...` holds the path of a playbook outside the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from firedoor.core.problems import FiredoorError
from firedoor.runtime.prefect_flow import compile_flow, playbook_of

if TYPE_CHECKING:
    from prefect import Flow


def __getattr__(name: str) -> Flow[..., Any]:
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        compiled = compile_flow(playbook_of(name))
    except FiredoorError as error:
        raise AttributeError(f"module {__name__!r} has no flow {name!r}: {error}") from error
    globals()[name] = compiled
    return compiled
