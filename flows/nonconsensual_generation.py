"""The flow of the playbook `nonconsensual-generation`: a model makes content of a person who did not agree.

Says what Prefect asks for at its start. Leaves every step to the playbook, and the running to `conduct_run`.
Annotations are not postponed: where a served flow is loaded by the path of its file, Prefect cannot look names up.
"""

from typing import Literal

from prefect import flow

from firedoor.flows import conduct_run
from firedoor.runtime.prefect.form import FactsForm, Flag, SeverityWord, Target, Text, ask, given_facts

PLAYBOOK = "nonconsensual-generation"


class Facts(FactsForm, title=f"Facts of {PLAYBOOK}"):
    """What is known at the start. What is left empty stays unknown, and a person is asked for it."""

    endpoint: Target | None = ask("Which endpoint made it?")
    severity: SeverityWord | None = ask("How bad is it: info, low, medium, high or critical?")
    content_kind: Literal["intimate", "sexualised", "other_harm"] | None = ask(
        "What kind of content is it, by the words of the report?"
    )
    attribution: Literal["watermark", "request_log", "not_ours", "open"] | None = ask(
        "How is it known that our model made it?"
    )
    content_locators: list[str] | None = ask("Where is it (addresses, object keys)? Addresses only, no content.")
    content_store: Target | None = ask(
        "Which store or gallery holds the content (a target of the inventory), if it is ours?"
    )
    other_targets: list[str] | None = ask(
        "Which other endpoints or adapters can make the same (fine-tunes, older versions, partners)?"
    )
    requester_contact: Text | None = ask("How does the person want to be reached, and how not?")
    support_contacts: Text | None = ask("Helplines and police contacts for the letter, by country")
    support_contacts_minors: Text | None = ask(
        "Child helplines and removal services for under-18s for the letter, by country"
    )
    minor: Flag | None = ask("Is, or may, the person be under 18?")


@flow(name=PLAYBOOK, version="1.0.0", persist_result=False)
async def nonconsensual_generation(
    facts: Facts = Facts(),  # noqa: B008 - Prefect shows the default as an empty form
    title: str = "",
    why: str = "",
    incident: str | None = None,
) -> str:
    """A model makes content of a person who did not agree.

    Args:
        facts: What is known. What is left empty stays unknown and is asked for.
        title: What happened, in a few words.
        why: Why this playbook is started; kept in the incident's journal.
        incident: The id of an incident that is already open. Leave it empty to ask a responder to open a new one.
    """
    return await conduct_run(PLAYBOOK, given_facts(facts), title, why, incident)
