"""The flow of the playbook `model-data-leakage`: a model leaks personal data.

Says what Prefect asks for at its start. Leaves every step to the playbook, and the running to `conduct_run`.
Annotations are not postponed: where a served flow is loaded by the path of its file, Prefect cannot look names up.
"""

from typing import Literal

from prefect import flow

from firedoor.flows import conduct_run
from firedoor.runtime.prefect.form import Count, FactsForm, Instant, SeverityWord, Target, ask, given_facts

PLAYBOOK = "model-data-leakage"


class Facts(FactsForm, title=f"Facts of {PLAYBOOK}"):
    """What is known at the start. What is left empty stays unknown, and a person is asked for it."""

    endpoint: Target | None = ask("Which endpoint answered?")
    severity: SeverityWord | None = ask("How bad is it: info, low, medium, high or critical?")
    leak_kind: Literal["training_data", "other_user", "shared_index", "invented", "intimate"] | None = ask(
        "What came out?"
    )
    carrier: Target | None = ask("Which index, cache or adapter carries the data, besides the model?")
    other_targets: list[str] | None = ask("Which other endpoints serve the same model, index or adapter?")
    people_affected: Count | None = ask("How many people, at least and at most? Count people, not findings.")
    leaked_since: Instant | None = ask(
        "Since when could the model give these data? Take the earliest that can be shown."
    )


@flow(name=PLAYBOOK, version="1.0.0", persist_result=False)
async def model_data_leakage(
    facts: Facts = Facts(),  # noqa: B008 - Prefect shows the default as an empty form
    title: str = "",
    why: str = "",
    incident: str | None = None,
) -> str:
    """A model leaks personal data.

    Args:
        facts: What is known. What is left empty stays unknown and is asked for.
        title: What happened, in a few words.
        why: Why this playbook is started; kept in the incident's journal.
        incident: The id of an incident that is already open. Leave it empty to ask a responder to open a new one.
    """
    return await conduct_run(PLAYBOOK, given_facts(facts), title, why, incident)
