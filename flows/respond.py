"""The flows of playbooks that have no module here: `respond` conducts any, and each has a name of its own.

Prefect stores an entrypoint as text and imports it wherever a run starts, so each playbook needs an importable name.
Names are compiled on first use: `our_playbook` is the playbook that is found under our-playbook, and `Path_...` holds
the path of a file. A playbook that ships is found here too, under the address that deployments had before it had a
module. Annotations are not postponed: a flow that is loaded by the path of its file cannot look names up later.
"""

from typing import Any

from prefect import Flow, flow

from firedoor.core.problems import FiredoorError
from firedoor.flows import compile_flow, conduct_run
from firedoor.runtime.prefect.flow import playbook_of


@flow(name="respond", persist_result=False, validate_parameters=True)
async def respond(
    playbook: str,
    facts: dict[str, Any] | None = None,
    title: str = "",
    why: str = "",
    incident: str | None = None,
) -> str:
    """Have an incident opened with any playbook, or conduct the one that is named, and return its id.

    Args:
        playbook: The name of a playbook, or the path of its file.
        facts: What is known, as written on the command line.
        title: What happened, in a few words.
        why: Why this playbook is started; kept in the incident's journal.
        incident: The id of an incident that is already open. Leave it empty to open a new one.
    """
    return await conduct_run(playbook, facts or {}, title, why, incident)


def __getattr__(name: str) -> Flow[..., Any]:
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        compiled = compile_flow(playbook_of(name))
    except (FiredoorError, ValueError) as error:
        raise AttributeError(f"module {__name__!r} has no flow {name!r}: {error}") from error
    globals()[name] = compiled
    return compiled
