"""The flow of the playbook `unauthorized-training`: personal data were used for training without a valid basis.

Says what Prefect asks for at its start. Leaves every step to the playbook, and the running to `conduct_run`.
Annotations are not postponed: where a served flow is loaded by the path of its file, Prefect cannot look names up.
"""

from typing import Literal

from prefect import flow

from firedoor.flows import conduct_run
from firedoor.runtime.prefect.form import FactsForm, Flag, SeverityWord, Target, Text, ask, given_facts

PLAYBOOK = "unauthorized-training"


class Facts(FactsForm, title=f"Facts of {PLAYBOOK}"):
    """What is known at the start. What is left empty stays unknown, and a person is asked for it."""

    endpoint: Target | None = ask("Which endpoint serves what was trained on the data?")
    training_job: Target | None = ask("Which training job reads the data?")
    dataset_share: Target | None = ask("Through which share or bucket do the data leave?")
    severity: SeverityWord | None = ask("How bad is it: info, low, medium, high or critical?")
    training_kind: (
        Literal["own_decision", "withdrawn", "wrong_path", "third_party", "scraped", "unclear", "authorised"] | None
    ) = ask("How did the data get into training?")
    recipients: list[str] | None = ask("Who outside received the data or a model trained on them (names)?")
    unconfirmed: Flag | None = ask("Is there a recipient who was told and has not confirmed?")
    model_fate: Literal["retrain", "delete", "keep"] | None = ask("What happens to the model that learned from them?")
    query_of_consent: Text | None = ask("The query that compared ledger and manifest, and its result's digest")


@flow(name=PLAYBOOK, version="1.0.0", persist_result=False)
async def unauthorized_training(
    facts: Facts = Facts(),  # noqa: B008 - Prefect shows the default as an empty form
    title: str = "",
    why: str = "",
    incident: str | None = None,
) -> str:
    """Personal data were used for training without a valid basis.

    Args:
        facts: What is known. What is left empty stays unknown and is asked for.
        title: What happened, in a few words.
        why: Why this playbook is started; kept in the incident's journal.
        incident: The id of an incident that is already open. Leave it empty to ask a responder to open a new one.
    """
    return await conduct_run(PLAYBOOK, given_facts(facts), title, why, incident)
